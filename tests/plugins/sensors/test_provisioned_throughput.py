from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from airflow.sdk import RetryAction
from airflow.sdk.exceptions import TaskDeferred

from bedrock_distill.policies.retry import RETRY_POLICY
from bedrock_distill.sensors.provisioned_throughput import BedrockProvisionedThroughputSensor
from bedrock_distill.triggers.polling import ProvisionedThroughputTrigger
from include.distill.core.errors import DistillError, OutcomeError, ThroughputReleasedError, WaitTimeoutError
from include.distill.core.naming import throughput_names
from tests.fakes.fake_bedrock import RUN_KEY, FakeBedrock
from tests.plugins.conftest import RUN_URI

NAME = throughput_names("test", "aws_docs_qa", "tuned", RUN_KEY, 1).name


@pytest.fixture
def sensor(equip: Any) -> Any:
    """Return a function that makes the sensor for a throughput that was bought."""

    def make(*, deferrable: bool = False, **changes: Any) -> BedrockProvisionedThroughputSensor:
        provisioned = {
            "throughput_name": NAME,
            "throughput_arn": f"arn:throughput/{NAME}",
            "model_arn": "arn:model/m",
            "student": "nova-micro",
            "usd_per_hour": 60.5,
            **changes,
        }
        task = BedrockProvisionedThroughputSensor(
            task_id="tuned.in_service",
            run_uri=RUN_URI,
            provisioned=provisioned,
            poll_interval_seconds=0.01,
            timeout_seconds=0.03,
            deferrable=deferrable,
        )
        sensor_task: BedrockProvisionedThroughputSensor = equip(task)
        return sensor_task

    return make


def test_the_manifest_of_a_throughput_in_service_names_the_id_to_call(
    sensor: Any, context: Any, bedrock: FakeBedrock
) -> None:
    bedrock.put_throughput(NAME, "InService")
    assert sensor().execute(context) == {
        "invoke_id": f"arn:throughput/{NAME}",
        "model_arn": "arn:model/m",
        "student": "nova-micro",
    }


@pytest.mark.parametrize("model_arn", [None, "arn:model/m"])
def test_when_no_answer_is_missing_there_is_nothing_to_wait_for(
    sensor: Any, context: Any, model_arn: str | None
) -> None:
    waiting = sensor(throughput_name=None, throughput_arn=None, model_arn=model_arn)
    assert waiting.execute(context) == {"invoke_id": None, "model_arn": model_arn, "student": "nova-micro"}


@pytest.mark.parametrize("status", ["Creating", "Updating"])
def test_a_throughput_that_stays_creating_is_a_time_out_and_never_a_success(
    sensor: Any, context: Any, bedrock: FakeBedrock, status: str
) -> None:
    bedrock.put_throughput(NAME, status)
    message = r"(?s)the next task, tuned\.release, deletes it.*tuned\.provision with downstream.*at \$60\.50 per hour"
    with pytest.raises(WaitTimeoutError, match=message):
        sensor().execute(context)


def test_the_error_about_a_released_throughput_names_the_task_to_clear(sensor: Any, context: Any) -> None:
    with pytest.raises(ThroughputReleasedError, match=r"(?s)Clear tuned\.provision.*at \$60\.50 per hour"):
        sensor().execute(context)


def test_a_throughput_that_bedrock_could_not_provide_is_a_failure(
    sensor: Any, context: Any, bedrock: FakeBedrock
) -> None:
    bedrock.put_throughput(NAME, "Failed")
    with pytest.raises(OutcomeError, match=r"(?s)failed.*teardown deletes it.*at \$60\.50 per hour"):
        sensor().execute(context)


@pytest.mark.parametrize("status", ["Failed", "Surprise"])
@pytest.mark.parametrize("woken", [False, True])
def test_a_final_state_is_not_retried(
    sensor: Any, context: Any, bedrock: FakeBedrock, status: str, woken: bool
) -> None:
    """Each attempt of a retry would delay ``release``, while the throughput may be billed."""
    bedrock.put_throughput(NAME, status)
    context["ti"].try_number = 1
    task = sensor()
    task.retry_policy = RETRY_POLICY
    event = {"end": "ended", "message": "", "deadline": "2100-01-01T00:00:00+00:00"}
    wake_up = partial(task.resume_execution, "execute_complete", {"event": event})
    with pytest.raises(DistillError) as raised:
        (wake_up if woken else task.execute)(context)
    decision = RETRY_POLICY.evaluate(exception=raised.value, try_number=1, max_tries=3)
    assert decision.action is RetryAction.FAIL
    assert "Airflow repeats" not in str(raised.value)
    assert "clear tuned.provision with downstream" in str(raised.value)


def test_the_sensor_waits_in_the_triggerer_while_the_throughput_is_created(
    sensor: Any, context: Any, bedrock: FakeBedrock
) -> None:
    bedrock.put_throughput(NAME, "Creating")
    with pytest.raises(TaskDeferred) as deferred:
        sensor(deferrable=True).execute(context)
    assert isinstance(deferred.value.trigger, ProvisionedThroughputTrigger)
    assert deferred.value.trigger.name == f"arn:throughput/{NAME}"
