from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from bedrock_distill.sensors.standing_endpoint import StandingEndpointSensor
from bedrock_distill.triggers.polling import StandingEndpointTrigger
from include.distill.config.use_case import UseCase
from include.distill.core.errors import SwitchFailedError, WaitTimeoutError
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.standing_run import ARN, MODEL, NAME, prepare, switch_task
from tests.plugins.conftest import RUN_URI


@pytest.fixture
def wait(store: MemoryStore, use_case: UseCase, bedrock: FakeBedrock, equip: Any, context: Any) -> Any:
    prepare(store, use_case, bedrock)
    manifest = switch_task(equip).execute(context)

    def run(*, deferrable: bool = False, timeout_seconds: float = 60.0, **changes: Any) -> Any:
        sensor = StandingEndpointSensor(
            task_id="switched",
            run_uri=RUN_URI,
            switching={**manifest, **changes},
            poll_interval_seconds=0.01,
            timeout_seconds=timeout_seconds,
            deferrable=deferrable,
        )
        return equip(sensor).execute(context)

    return run


def test_the_wait_ends_when_the_endpoint_answers_with_the_new_model(wait: Any, bedrock: FakeBedrock) -> None:
    bedrock.end_change()
    manifest = wait(arn=None)
    assert (manifest["arn"], manifest["model_arn"], manifest["number"]) == (ARN, MODEL, 1)


def test_the_wait_takes_no_worker_and_the_trigger_never_deletes_the_endpoint(wait: Any, bedrock: FakeBedrock) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        wait(deferrable=True)
    trigger = deferred.value.trigger
    assert isinstance(trigger, StandingEndpointTrigger)
    assert (trigger.name, trigger.kind, trigger.give_up_when_failed) == (ARN, "on_demand", False)
    trigger.give_up(bedrock)  # type: ignore[arg-type]
    assert NAME in bedrock.deployments


def test_a_creation_that_failed_is_final(wait: Any, bedrock: FakeBedrock) -> None:
    bedrock.end_change(fails=True)
    with pytest.raises(SwitchFailedError, match=r"(?s)could not create.*lear switch with downstream"):
        wait()


def test_the_time_out_says_what_settle_does_next(wait: Any) -> None:
    with pytest.raises(WaitTimeoutError) as caught:
        wait(timeout_seconds=0.03)
    text = str(caught.value)
    assert f"Deployment {NAME} did not answer with {MODEL}" in text
    assert "settle runs next" in text
    assert "lear switch with downstream" in text
    assert "is to answer with" in text
