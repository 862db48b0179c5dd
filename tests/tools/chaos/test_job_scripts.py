from __future__ import annotations

from collections.abc import Callable
from unittest.mock import Mock

import pytest

from tools.chaos.batches import batches
from tools.chaos.evaluations import evaluations
from tools.chaos.job_scripts import JobScripts
from tools.chaos.optimizations import optimizations
from tools.chaos.trial import BATCH, Case

JOBS = JobScripts(BATCH, "batch_stalled", "group.submit", "group.wait", lambda trial: trial.start_run())
KINDS = pytest.mark.parametrize("cases", [batches, evaluations, optimizations])


@KINDS
def test_every_kind_of_job_has_the_common_cases(cases: Callable[[], list[Case]]) -> None:
    names = {case.name.partition(": ")[2] for case in cases()}
    assert names >= JOBS.scripts().keys()


@KINDS
def test_a_net_is_tested_while_the_other_net_is_disabled(cases: Callable[[], list[Case]]) -> None:
    tags = {case.name: case.changes["tags"][1:] for case in cases() if "net:" in case.name}
    assert [name.partition(":")[2].split()[1] for name in tags] == ["on_kill", "outcome"]
    assert list(tags.values()) == [["lenient_outcome"], ["silent_wait"]]


@pytest.mark.parametrize("name", JOBS.scripts())
def test_a_script_uses_its_own_operation_and_tasks_and_ends_with_an_expectation(name: str) -> None:
    trial = Mock()
    trial.finish.return_value = "success"
    JOBS.scripts()[name](trial)
    assert trial.start_run.called
    assert trial.method_calls[-1][0] == "expect"
    assert {call.args[0] for call in [*trial.fault.mock_calls, *trial.hold.mock_calls]} <= {BATCH}
    assert {call.args[0] for call in [*trial.kill_task.mock_calls, *trial.clear.mock_calls]} <= {"group.submit"}
    assert {call.args[0] for call in [*trial.wait_watched.mock_calls, *trial.mark.mock_calls]} <= {"group.wait"}


def test_after_bedrock_failed_the_job_clearing_submit_buys_a_second_job() -> None:
    trial = Mock()
    trial.case.name = "case"
    JOBS.job_failed(trial, fault="batch_failed")
    trial.fault.assert_called_once_with(BATCH, "batch_failed", times=1)
    trial.clear.assert_called_once_with("group.submit", downstream=True)
    assert [call.kwargs.get("jobs") for call in trial.expect.mock_calls] == [None, 2]


def test_after_a_task_was_marked_failed_the_next_run_buys_a_second_job() -> None:
    trial = Mock()
    JOBS.task_marked_failed(trial)
    trial.mark.assert_called_once_with("group.wait")
    assert [call.kwargs.get("jobs") for call in trial.expect.mock_calls] == [None, 2]
