"""Rows of the sample data, as the tests of the simulated models read them."""

from __future__ import annotations

import csv
from itertools import islice

from include.distill.core.paths import INCLUDE


def sample_rows(name: str, count: int) -> list[dict[str, str]]:
    """Return the first rows of ``train.csv`` or ``evaluation.csv``."""
    with (INCLUDE / "data" / "aws_docs_qa" / name).open(encoding="utf-8", newline="") as file:
        return list(islice(csv.DictReader(file), count))
