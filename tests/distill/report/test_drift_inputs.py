"""Test what the drift detection needs to know about a run."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.prompts import load_prompt
from include.distill.config.use_case import UseCase
from include.distill.report.build import build_report
from include.distill.report.drift_inputs import drift_inputs, hash_compared_settings
from tests.distill.report.example_report import base_arm, inputs, line, tuned_arm
from tests.fakes.variables import VARIABLES

NEW: Any = {"documents": 10, "requested": 30, "accepted": 25}


@pytest.fixture
def use_case() -> UseCase:
    return load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES)


def changed(use_case: UseCase, **source: Any) -> UseCase:
    return use_case.model_copy(update={"source": use_case.source.model_copy(update=source)})


def hashes(use_case: UseCase) -> dict[str, str]:
    return hash_compared_settings(use_case, {"synthesis.j2": load_prompt("synthesis.j2")})


def test_a_setting_of_the_rows_changes_only_the_hash_of_the_rows(use_case: UseCase) -> None:
    before, after = hashes(use_case), hashes(changed(use_case, max_document_characters=500))
    assert {name for name in before if before[name] != after[name]} == {"rows"}
    assert {"teacher", "student", "judges", "prompts"} <= set(before)


def test_another_file_with_rows_changes_no_hash(use_case: UseCase) -> None:
    assert hashes(changed(use_case, training_csv="s3://other/rows.csv")) == hashes(use_case)


def report(**changes: Any) -> Any:
    return build_report(**inputs(**changes))


def test_the_cost_of_new_pairs_is_that_of_the_teacher_and_the_critic() -> None:
    lines = [
        line("synthesis: sonnet batch input", 1, "token", 0.5, 0.5),
        line("critic: haiku output", 1, "token", 0.25, 0.25),
        line("teacher distilled: nova", 1, "token", 8, 8.0),
        line("answers base: nova input", 1, "token", 2, 2.0),
    ]
    cost = {"estimated_usd": 11.0, "actual_usd": 10.75, "lines": lines}
    found = drift_inputs(report(cost=cost), settings={"teacher": "1"}, new_pairs=NEW, champion=None)
    assert found == {"settings": {"teacher": "1"}, "new_pairs": {**NEW, "usd": 0.75}}


@pytest.mark.parametrize("new", [None, {"documents": 0, "requested": 0, "accepted": 0}])
def test_a_run_without_new_pairs_has_no_cost_of_pairs(new: Any) -> None:
    assert "new_pairs" not in drift_inputs(report(), settings={}, new_pairs=new, champion=None)


def test_the_champion_is_named_if_the_judges_compared_it() -> None:
    with_champion = report(arms=[base_arm(kind="champion"), tuned_arm()])
    found = drift_inputs(with_champion, settings={}, new_pairs=None, champion="arn:champion")
    assert found["compared_champion"] == "arn:champion"
    assert drift_inputs(with_champion, settings={}, new_pairs=None, champion=None)["compared_champion"] is None
    assert "compared_champion" not in drift_inputs(report(), settings={}, new_pairs=None, champion="arn:champion")
    nothing_compared = report(verdicts=[], arms=[base_arm(kind="champion")])
    assert "compared_champion" not in drift_inputs(nothing_compared, settings={}, new_pairs=None, champion="arn")
