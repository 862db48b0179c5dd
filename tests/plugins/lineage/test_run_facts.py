from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_distill.lineage.run_facts import run_facts
from tests.plugins.conftest import FOLDER


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTILL_ENVIRONMENT", "test")


RUN = {"environment": "test", "use_case": "aws_docs_qa", "run_key": FOLDER.run_key}


def test_facts_that_are_not_known_are_absent() -> None:
    assert run_facts(FOLDER, {"arm": None}, {}) == RUN


def test_a_rollback_has_no_folder() -> None:
    assert run_facts(None, {}, {}) == {"environment": "test"}


def asked(spent_usd: float | None) -> Any:
    return SimpleNamespace(spent_usd=spent_usd)


def test_zero_and_false_are_facts() -> None:
    result = {"calls": 0, "cache_hits": 4, "simulated": False}
    expected = {**RUN, "calls": 0, "stored_answers": 4, "simulated": False, "usd": 0.0}
    assert run_facts(FOLDER, {}, result, asked(0.0)) == expected


def test_the_calls_of_other_tasks_are_no_facts_of_the_task_that_adds_them_up() -> None:
    assert run_facts(FOLDER, {}, {"calls": 6, "cache_hits": 4}) == RUN


def test_only_the_listed_keys_of_a_result_are_facts() -> None:
    result = {"question": "Who is it?", "answer": "Ada.", "input_tokens": 7, "verdict": "tuned is better."}
    assert run_facts(FOLDER, {}, result, asked(None)) == {**RUN, "verdict": "tuned is better."}


def test_what_the_run_paid_is_a_fact_of_the_task_that_knows_it() -> None:
    assert run_facts(FOLDER, {}, {"actual_usd": 2.5})["usd"] == 2.5
