from __future__ import annotations

import datetime
from functools import partial
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from bedrock_distill.policies.retry import RETRY_POLICY, next_attempt
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

    def make(
        *, deferrable: bool = False, timeout_seconds: float = 0.03, **changes: Any
    ) -> BedrockProvisionedThroughputSensor:
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
            timeout_seconds=timeout_seconds,
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
    message = r"(?s)tuned\.release runs next and deletes it.*tuned\.provision with downstream.*at \$60\.50 per hour"
    with pytest.raises(WaitTimeoutError, match=message):
        sensor().execute(context)


def test_the_error_about_a_released_throughput_names_the_task_to_clear(sensor: Any, context: Any) -> None:
    with pytest.raises(ThroughputReleasedError, match=r"(?s)Clear tuned\.provision.*at \$60\.50 per hour"):
        sensor().execute(context)


def test_a_throughput_that_bedrock_could_not_provide_is_a_failure(
    sensor: Any, context: Any, bedrock: FakeBedrock
) -> None:
    bedrock.put_throughput(NAME, "Failed")
    with pytest.raises(OutcomeError, match=r"(?s)failed.*tuned\.release runs next.*at \$60\.50 per hour"):
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
    assert not next_attempt(task, raised.value, context).repeated
    assert "Airflow repeats" not in str(raised.value)
    assert "clear tuned.provision with downstream" in str(raised.value)


def test_the_sensor_waits_in_the_triggerer_while_the_throughput_is_created(
    sensor: Any, context: Any, bedrock: FakeBedrock
) -> None:
    """The time-out counts from the purchase, so a retry does not get more time."""
    created = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=40)
    bedrock.put_throughput(NAME, "Creating", created=created)
    with pytest.raises(TaskDeferred) as deferred:
        sensor(deferrable=True, timeout_seconds=3600).execute(context)
    assert deferred.value.trigger.since == created.isoformat()
    assert deferred.value.trigger.deadline == (created + datetime.timedelta(hours=1)).isoformat()
    assert isinstance(deferred.value.trigger, ProvisionedThroughputTrigger)
    assert deferred.value.trigger.name == f"arn:throughput/{NAME}"


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("ahead", [datetime.timedelta(0), datetime.timedelta(minutes=5)], ids=["same", "ahead"])
def test_the_wait_does_not_end_before_its_time(
    sensor: Any, context: Any, bedrock: FakeBedrock, deferrable: bool, ahead: datetime.timedelta
) -> None:
    """AWS's clock may be ahead of the machine's."""
    bedrock.put_throughput(NAME, "Creating", created=datetime.datetime.now(datetime.UTC) + ahead)
    waiting = sensor(deferrable=deferrable, timeout_seconds=0.3 if not deferrable else 60)
    before = datetime.datetime.now(datetime.UTC)
    with pytest.raises((TaskDeferred, WaitTimeoutError)):
        waiting.execute(context)
    if not deferrable:
        assert (datetime.datetime.now(datetime.UTC) - before).total_seconds() >= 0.2


@pytest.mark.parametrize("try_number", [1, 2, 4])
@pytest.mark.parametrize("deferrable", [True, False])
def test_an_attempt_after_the_time_out_ends_at_once_and_without_a_retry(
    sensor: Any, context: Any, bedrock: FakeBedrock, deferrable: bool, try_number: int
) -> None:
    """Each further attempt would delay ``release``, while the throughput is billed."""
    created = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=91)
    bedrock.put_throughput(NAME, "Creating", created=created)
    context["ti"].try_number, context["ti"].max_tries = try_number, 3
    waiting = sensor(deferrable=deferrable, timeout_seconds=5400)
    waiting.retry_policy = RETRY_POLICY
    with pytest.raises(WaitTimeoutError) as raised:
        waiting.execute(context)
    assert not next_attempt(waiting, raised.value, context).repeated
    happened, left, billed, to_do = str(raised.value).splitlines()
    assert f"Throughput {NAME} was not in service within 1 h 30 min of its purchase. {NAME} is Creating." in happened
    assert "tuned.release runs next and deletes it" in left
    assert f"Throughput {NAME}, from its purchase until tuned.release has deleted it, at $60.50 per hour." in billed
    assert "clear tuned.provision with downstream, which buys another one, at $60.50 per hour." in to_do


@pytest.mark.parametrize("status", ["Failed", "Surprise", "Creating"])
def test_every_line_about_a_throughput_names_it_or_the_task_that_acts_on_it(
    sensor: Any, context: Any, bedrock: FakeBedrock, status: str
) -> None:
    bedrock.put_throughput(NAME, status)
    with pytest.raises(DistillError) as raised:
        sensor().execute(context)
    happened, left, billed, to_do = str(raised.value).splitlines()
    assert NAME in happened
    assert "tuned.release runs next and deletes" in left
    assert NAME in billed
    assert "until tuned.release has deleted it" in billed
    assert "clear tuned.provision with downstream" in to_do


def test_a_refused_check_is_not_said_to_buy_nothing_because_clearing_provision_buys(
    sensor: Any, context: Any, bedrock: FakeBedrock
) -> None:
    bedrock.put_throughput(NAME, "Creating")
    event = {"end": "refused", "message": f"get {NAME}: denied.", "to_do": "Give it access."}
    with pytest.raises(DistillError) as raised:
        sensor().resume_execution("execute_complete", {"event": event}, context)
    assert str(raised.value).endswith("Give it access. Then clear tuned.provision with downstream.")
    assert f"Throughput {NAME}, by the hour" in str(raised.value)
    assert "until tuned.release deletes it. tuned.release runs after the last attempt" in str(raised.value)


def test_without_a_throughput_nothing_is_billed(sensor: Any) -> None:
    waiting = sensor(throughput_name=None, throughput_arn=None)
    assert waiting.billed_now(DistillError("S3 does not answer")) == "Nothing by this arm: it needs no throughput."
