from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.operators.outcome import RunOutcomeOperator
from include.distill.core.errors import IncompleteRunError
from tests.plugins.conftest import RUN_URI


@pytest.fixture
def outcome(context: Any) -> Any:
    def run(*, dry_run: bool = False, **states: str) -> None:
        context["params"] = {"dry_run": dry_run}
        context["ti"].get_task_states = lambda dag_id, run_ids: {run_ids[0]: states} if dag_id == "d" else {}
        RunOutcomeOperator(task_id="outcome", run_uri=RUN_URI).execute(context)

    return run


def test_a_run_whose_tasks_all_succeeded_is_a_success(outcome: Any) -> None:
    outcome(report="success", release="success", outcome="running")


def test_the_message_names_failed_tasks_and_counts_tasks_that_could_not_start(outcome: Any) -> None:
    states = {"tuned.release": "failed", "judge": "failed", "report": "upstream_failed", "ingest": "success"}
    with pytest.raises(IncompleteRunError, match=r"Failed tasks: judge, tuned\.release\. .* could not start: 1\."):
        outcome(**states)


def test_one_task_that_could_not_start_fails_the_run(outcome: Any) -> None:
    with pytest.raises(IncompleteRunError, match=r"Failed tasks: none\. .* could not start: 1\."):
        outcome(report="upstream_failed")


def test_a_run_that_was_marked_failed_between_two_tasks_has_only_skipped_tasks_and_fails(outcome: Any) -> None:
    with pytest.raises(IncompleteRunError, match=r"Failed tasks: none\. .* could not start: 0\. .* skipped: 2\."):
        outcome(provision="success", release="success", answer="skipped", report="skipped")


def test_tasks_that_a_dry_run_skips_are_not_a_failure(outcome: Any) -> None:
    outcome(dry_run=True, estimate="success", synthesize="skipped", report="skipped")
