"""Every body format of the catalog has a reader and a writer."""

from __future__ import annotations

from typing import Any

import pytest

from tools.aws_simulator.catalog.catalog import load_catalog
from tools.aws_simulator.runtime import bodies


@pytest.mark.parametrize("table", [bodies.READERS, bodies.WRITERS], ids=["readers", "writers"])
def test_the_tables_have_exactly_the_body_formats_of_the_catalog(table: dict[str, Any]) -> None:
    assert set(table) == {model.body for model in load_catalog().models.values()}
