"""Provide a benchmark with sizes so small that its cases take seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.benchmarks.bench import Bench, Sizes
from tools.benchmarks.processes import server


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with server("model_server") as model:
        yield Bench(model, tmp_path_factory.mktemp("bench"), Sizes(documents=12, csv_rows=40, latency_seconds=0.3))
