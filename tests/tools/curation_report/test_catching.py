"""
Good pairs pass all filters, and each filter finds the defects that it is meant to find.

``CURATION_TRAINING_CSV`` and ``CURATION_EVALUATION_CSV`` name other rows than the sample's.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from include.distill.config.sections import Curation
from tools.curation_report.__main__ import SAMPLE, read
from tools.curation_report.catching import found_by_own, tally, verdicts
from tools.curation_report.planted import DEFECTS, EACH, GOOD, plant

TRAINING = Path(os.environ.get("CURATION_TRAINING_CSV", SAMPLE / "train.csv"))
EVALUATION = Path(os.environ.get("CURATION_EVALUATION_CSV", SAMPLE / "evaluation.csv"))


@pytest.fixture(scope="module")
def counts() -> dict[str, Counter[str]]:
    rows, evaluation, settings = read(TRAINING), read(EVALUATION), Curation()
    planted = plant(rows, evaluation, settings, seed=20_250_212)
    return tally(planted, verdicts(planted, rows, evaluation, settings))


@pytest.mark.parametrize("kind", DEFECTS)
def test_a_filter_finds_at_least_19_of_its_20(counts: dict[str, Counter[str]], kind: str) -> None:
    assert counts[kind].total() == EACH
    assert found_by_own(kind, counts[kind]) >= 19, counts[kind]


def test_of_200_good_pairs_at_most_4_are_dropped(counts: dict[str, Counter[str]]) -> None:
    assert counts["good"].total() == GOOD
    assert counts["good"]["kept"] >= GOOD - 4, counts["good"]
