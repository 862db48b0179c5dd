"""
Good pairs and planted defects go through all filters.

The variables ``CURATION_TRAINING_CSV`` and ``CURATION_EVALUATION_CSV`` select other rows than the sample's.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from tests.fakes.variables import VARIABLES
from tools.curation_report.__main__ import SAMPLE, read_usable_rows
from tools.curation_report.detection import filters_that_rejected, found_as_intended, tally
from tools.curation_report.planted_defects import DEFECTS, GOOD_PAIRS, PAIRS_PER_DEFECT, plant

TRAINING = Path(os.environ.get("CURATION_TRAINING_CSV", SAMPLE / "train.csv"))
EVALUATION = Path(os.environ.get("CURATION_EVALUATION_CSV", SAMPLE / "evaluation.csv"))
USE_CASE = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES)


@pytest.fixture(scope="module")
def counts() -> dict[str, Counter[str]]:
    rows, evaluation = read_usable_rows(TRAINING), read_usable_rows(EVALUATION)
    planted = plant(rows, evaluation, USE_CASE, seed=20_250_212)
    return tally(planted, filters_that_rejected(planted, rows, evaluation, USE_CASE))


@pytest.mark.parametrize("kind", DEFECTS)
def test_the_filter_meant_for_a_defect_finds_nearly_all(counts: dict[str, Counter[str]], kind: str) -> None:
    assert counts[kind].total() == PAIRS_PER_DEFECT
    # Without a critic, an undecided answer is kept, so a few answers to another document pass.
    assert found_as_intended(kind, counts[kind]) >= (18 if kind == "ungrounded" else 19), counts[kind]


def test_of_200_good_pairs_at_most_4_are_rejected(counts: dict[str, Counter[str]]) -> None:
    assert counts["good"].total() == GOOD_PAIRS
    assert counts["good"]["kept"] >= GOOD_PAIRS - 4, counts["good"]
