"""Tasks run in Airflow's own task runner, and a kill ends them without a trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from bedrock_distill.triggers.polling import PollingTrigger
from tools.simulate.account import MemoryAccount
from tools.simulate.api_server import ApiServer
from tools.simulate.dag_run import DagRun
from tools.simulate.faults import Fault, Kind, UnknownMessageError, Way
from tools.simulate.search import judge
from tools.simulate.worker import label_of
from tools.simulate.world import World


@contextmanager
def patched_sleep(world: World) -> Iterator[None]:
    """Let the wire call the method that the class has now."""
    with patch.object(world.wire, "while_asleep", lambda fault: world._while_asleep(fault)):
        yield


def test_a_killed_process_makes_no_further_call(world: World) -> None:
    """Airflow's task runner and the pipeline both have code that runs after every exception."""
    first = world.run(()).calls[5]
    record = world.run((Fault(first.number, Kind.KILLED_BEFORE),))
    after = record.calls[first.number + 1]
    assert after.what == "DeleteXCom" or after.what == record.calls[0].what  # the first call of the next attempt


def test_a_retry_begins_without_the_results_of_the_killed_attempt(world: World) -> None:
    number = next(one.number for one in world.run(()).calls if one.what == "CreateModelCustomizationJob")
    record = world.run((Fault(number, Kind.KILLED_AFTER),))
    assert "DeleteXCom" in [one.what for one in record.calls[number:]]


def test_a_trigger_is_created_from_what_airflow_has_stored(world: World) -> None:
    calls = [one for one in world.run(()).calls if one.process == "trigger"]
    assert {one.task for one in calls} == {"tuned.trained"}
    assert len(calls) > 1


def test_each_call_names_its_run(world: World) -> None:
    first = next(one.number for one in world.run(()).calls if one.process == "trigger")
    record = world.run((Fault(first, Kind.KILLED_BEFORE, Way.MARK_RUN_FAILED),))
    runs = [call.run_id for call in record.calls]
    assert set(runs) == set(record.started)
    assert runs == sorted(runs)  # one run follows the other
    assert {call.run_id for call in record.calls if call.process == "trigger"} == set(record.started)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (ApiServer, "_read_GetXCom"),
        (ApiServer, "_write_SetXCom"),
        (DagRun, "end_attempt"),
        (MemoryAccount, "operation"),
        (MemoryAccount, "answer"),
        (World, "_while_asleep"),
    ],
    ids=str,
)
def test_an_error_of_the_model_ends_the_schedule(world: World, model: type, name: str) -> None:
    """The pipeline and Airflow's task runner would otherwise take it for an error of AWS or of the task."""
    at = world.run(()).calls[5].number
    with patch.object(model, name, side_effect=KeyError("defect of the model")), patched_sleep(world):
        wrong, record = judge(world, (Fault(at, Kind.OVERTAKEN),))
    assert wrong == ["The simulation itself failed: KeyError: 'defect of the model'"]
    assert record.ended == []


def test_a_message_that_the_model_lacks_ends_the_schedule(world: World) -> None:
    with patch.object(ApiServer, "_write_DeferTask", None), pytest.raises(UnknownMessageError, match="DeferTask"):
        world.run(())


def test_the_trigger_of_a_mapped_task_has_the_label_of_its_instance() -> None:
    about = SimpleNamespace(task_id="t", map_index=1)
    assert label_of(SimpleNamespace(task_instance=about)) == "t[1]"


async def _unshielded(trigger: Any) -> None:
    await trigger._give_up_if_marked()


def test_the_triggerer_cancels_a_trigger_again_while_on_kill_runs(world: World) -> None:
    at = next(one.number for one in world.run(()).calls if one.process == "trigger")
    marked = (Fault(at, Kind.KILLED_BEFORE, Way.MARK_FAILED),)
    [after_mark] = world.run(marked).after_mark
    assert [job["status"] for job in after_mark["jobs"]] == ["Stopping"]
    with patch.object(PollingTrigger, "on_kill", _unshielded):
        [after_mark] = world.run(marked).after_mark
    assert [job["status"] for job in after_mark["jobs"]] == ["InProgress"]


def test_an_error_of_on_kill_ends_the_schedule(world: World) -> None:
    at = next(one.number for one in world.run(()).calls if one.process == "trigger")
    with patch.object(PollingTrigger, "_give_up_if_marked", side_effect=KeyError("x")), pytest.raises(KeyError):
        world.run((Fault(at, Kind.KILLED_BEFORE, Way.MARK_FAILED),))
