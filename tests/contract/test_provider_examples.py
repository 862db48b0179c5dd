"""
Run the calls of the amazon provider's two examples against the AWS simulator.

The examples are ``example_bedrock.py`` and ``example_bedrock_batch_inference.py`` in
https://github.com/apache/airflow/tree/main/providers/amazon/tests/system/amazon/aws. The operators, sensors, triggers
and their arguments are those of the examples. What differs:

- The models of the examples are retired or embed texts. Llama 3.1 8B is customized, because its training format is
  that of the example, prompt and completion.
- Llama 3.1 needs 100 records, so the example's record is repeated. It has no ``learningRateWarmupSteps``
  (https://docs.aws.amazon.com/bedrock/latest/userguide/custom-models-hp.html), so this hyperparameter is left out.
- The waits are short.
- aiobotocore, which real triggers use, needs another botocore than this project. So the triggers run here on boto3's
  waiter in a thread. ``python -m tools.foreign_clients`` runs them on aiobotocore.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
from airflow.providers.amazon.aws.hooks.bedrock import BedrockHook
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.operators.bedrock import (
    BedrockBatchInferenceOperator,
    BedrockCreateProvisionedModelThroughputOperator,
    BedrockCustomizeModelOperator,
    BedrockInvokeModelOperator,
)
from airflow.providers.amazon.aws.operators.s3 import (
    S3CreateBucketOperator,
    S3CreateObjectOperator,
    S3DeleteBucketOperator,
)
from airflow.providers.amazon.aws.sensors.bedrock import (
    BedrockBatchInferenceSensor,
    BedrockCustomizeModelCompletedSensor,
    BedrockProvisionModelThroughputCompletedSensor,
)
from airflow.providers.amazon.aws.waiters.base_waiter import BaseBotoWaiter
from airflow.sdk.exceptions import AirflowException, TaskDeferred
from botocore.exceptions import ClientError
from botocore.waiter import create_waiter_with_client

from tests.fakes.aws_simulator import ROLES, RunningSimulator, start_simulator
from tools.aws_simulator.testing import environment

REGION = "us-west-2"  # the Region in which Llama 3.1 is customized
LLAMA = "meta.llama3-1-8b-instruct-v1:0"
LLAMA_BASE = f"arn:aws:bedrock:{REGION}::foundation-model/{LLAMA}:128k"
CLAUDE = "us.anthropic.claude-sonnet-4-6"
ROLE = ROLES[0]
BUCKET = "env1234-bedrock"
PROMPT = "What color is an orange?"
RECORD = {"prompt": "what is AWS", "completion": "it's Amazon Web Services"}
HYPERPARAMETERS = {"epochCount": "1", "batchSize": "1", "learningRate": ".0005"}
QUICK = {"waiter_delay": 0, "waiter_max_attempts": 100_000}
QUICK_SENSOR = {"poke_interval": 0, "max_retries": 100_000}


@pytest.fixture(scope="module")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with start_simulator(tmp_path_factory.mktemp("aws_simulator")) as simulator:
        yield simulator


@pytest.fixture
def simulator(_running: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSimulator]:
    """Lead the provider's hooks to a simulator that has the example's bucket."""
    for name, value in environment(_running.url, {}, region=REGION).items():
        if value is not None:
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://")
    S3CreateBucketOperator(task_id="create_bucket", bucket_name=BUCKET, region_name=REGION).execute({})
    yield _running
    # The operator sleeps for 500 seconds if a job writes to the bucket while it empties it.
    bedrock = BedrockHook().conn
    while any(
        job["status"] in ("Submitted", "Validating", "Scheduled", "InProgress", "Stopping")
        for job in bedrock.list_model_invocation_jobs()["invocationJobSummaries"]
    ):
        time.sleep(0.02)
    S3DeleteBucketOperator(task_id="delete_bucket", bucket_name=BUCKET, force_delete=True).execute({})


class ThreadedWaiter:
    """boto3's waiter, with the interface of aiobotocore's."""

    def __init__(self, waiter: Any) -> None:
        self._waiter = waiter

    async def wait(self, **arguments: Any) -> None:
        await asyncio.to_thread(self._waiter.wait, **arguments)


@pytest.fixture
def triggers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let triggers wait without aiobotocore."""

    @asynccontextmanager
    async def client_of(hook: Any) -> Any:
        yield hook.conn

    async def connect(hook: Any) -> Any:
        return client_of(hook)

    def waiter(base: Any, waiter_name: str) -> ThreadedWaiter:
        return ThreadedWaiter(create_waiter_with_client(waiter_name, base.model, base.client))

    monkeypatch.setattr(AwsGenericHook, "get_async_conn", connect)
    monkeypatch.setattr(BaseBotoWaiter, "_get_async_waiter_with_client", waiter)


def deferred(task: Any) -> Any:
    """Execute a task that defers itself, run its trigger, and return what the task returns afterwards."""
    with pytest.raises(TaskDeferred) as caught:
        task.execute({})
    path, arguments = caught.value.trigger.serialize()
    trigger = type(caught.value.trigger)(**arguments)  # the triggerer creates it from this record
    assert path.endswith(type(trigger).__qualname__)

    async def first_event() -> Any:
        return await anext(trigger.run())

    return getattr(task, caught.value.method_name)({}, event=asyncio.run(first_event()).payload)


def poked_until_true(sensor: Any) -> None:
    """Poke as the sensor's own loop does, which would sleep."""
    for _ in range(100_000):
        if sensor.poke({}):
            return
    raise TimeoutError(sensor.task_id)


def uploaded(lines: list[Any], key: str) -> str:
    data = "\n".join(map(json.dumps, lines))
    S3CreateObjectOperator(task_id="upload_data", s3_bucket=BUCKET, s3_key=key, data=data, replace=True).execute({})
    return f"s3://{BUCKET}/{key}"


def customization(name: str, **changes: Any) -> BedrockCustomizeModelOperator:
    arguments: dict[str, Any] = {
        "job_name": f"CustomizeModelJob{name}",
        "custom_model_name": f"CustomModel{name}",
        "role_arn": ROLE,
        "base_model_id": LLAMA_BASE,
        "hyperparameters": HYPERPARAMETERS,
        "output_data_uri": f"s3://{BUCKET}/myOutputData",
        **QUICK,
        **changes,
    }
    if "training_data_uri" not in changes:
        arguments["training_data_uri"] = uploaded([RECORD] * 100, f"{name}/train.jsonl")
    return BedrockCustomizeModelOperator(task_id="customize_model", **arguments)


class TestExampleBedrock:
    def test_llama_is_invoked(self, simulator: RunningSimulator) -> None:
        body = BedrockInvokeModelOperator(
            task_id="invoke_llama", model_id=LLAMA, input_data={"prompt": PROMPT}
        ).execute({})
        assert "orange" in str(body["generation"])

    def test_claude_is_invoked(self, simulator: RunningSimulator) -> None:
        messages = [{"role": "user", "content": f"\n\nHuman: {PROMPT}\n\nAssistant:"}]
        request = {"max_tokens": 4000, "anthropic_version": "bedrock-2023-05-31", "messages": messages}
        body: Any = BedrockInvokeModelOperator(
            task_id="invoke_claude_model", model_id=CLAUDE, input_data=request
        ).execute({})
        assert "orange" in body["content"][0]["text"]

    def test_a_model_is_customized_and_deleted(self, simulator: RunningSimulator) -> None:
        customization("First", wait_for_completion=False).execute({})
        poked_until_true(
            BedrockCustomizeModelCompletedSensor(
                task_id="await_custom_model_job", job_name="CustomizeModelJobFirst", **QUICK_SENSOR
            )
        )
        BedrockHook().conn.delete_custom_model(modelIdentifier="CustomModelFirst")
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            BedrockHook().conn.get_custom_model(modelIdentifier="CustomModelFirst")

    def test_the_operator_waits_for_the_job(self, simulator: RunningSimulator) -> None:
        arn: Any = customization("Waits").execute({})
        job = BedrockHook().conn.get_model_customization_job(jobIdentifier=arn)
        assert (job["status"], job["outputModelName"]) == ("Completed", "CustomModelWaits")

    def test_a_used_job_name_gets_a_timestamp(self, simulator: RunningSimulator) -> None:
        customization("Twice").execute({})
        again = customization("Twice", custom_model_name="CustomModelTwice2")
        again.execute({})
        assert again.job_name.startswith("CustomizeModelJobTwice-")

    def test_the_operator_defers(self, simulator: RunningSimulator, triggers: None) -> None:
        arn = deferred(customization("Deferred", deferrable=True))
        assert BedrockHook().conn.get_model_customization_job(jobIdentifier=arn)["status"] == "Completed"

    def test_the_sensor_defers(self, simulator: RunningSimulator, triggers: None) -> None:
        customization("Sensor", wait_for_completion=False).execute({})
        job_name = "CustomizeModelJobSensor"
        deferred(BedrockCustomizeModelCompletedSensor(task_id="s", job_name=job_name, deferrable=True, **QUICK_SENSOR))
        assert BedrockHook().conn.get_model_customization_job(jobIdentifier=job_name)["status"] == "Completed"

    def test_sensor_and_trigger_report_a_failed_job(self, simulator: RunningSimulator, triggers: None) -> None:
        """The example's file has a single record, and Bedrock needs 100 of them."""
        uri = uploaded([RECORD], "single/train.jsonl")
        with pytest.raises(AirflowException, match="Error while running job"):
            deferred(customization("Single", training_data_uri=uri, deferrable=True))
        sensor = BedrockCustomizeModelCompletedSensor(task_id="s", job_name="CustomizeModelJobSingle", **QUICK_SENSOR)
        with pytest.raises(AirflowException, match="sensor failed"):
            sensor.poke({})

    @pytest.mark.parametrize("deferrable", [False, True])
    def test_throughput_is_provisioned(self, simulator: RunningSimulator, triggers: None, deferrable: bool) -> None:
        provision_throughput = BedrockCreateProvisionedModelThroughputOperator(
            task_id="provision_throughput",
            model_units=1,
            provisioned_model_name=f"ProvisionedModel{deferrable}",
            model_id=LLAMA_BASE,
            deferrable=deferrable,
            **QUICK,
        )
        arn = deferred(provision_throughput) if deferrable else provision_throughput.execute({})
        poked_until_true(
            BedrockProvisionModelThroughputCompletedSensor(
                task_id="await_provision_throughput", model_id=arn, **QUICK_SENSOR
            )
        )
        BedrockHook().conn.delete_provisioned_model_throughput(provisionedModelId=arn)


def batch(name: str, prompts: list[Any], **changes: Any) -> BedrockBatchInferenceOperator:
    arguments: dict[str, Any] = {
        "job_name": f"batch-infer-{name}",
        "role_arn": ROLE,
        "model_id": CLAUDE,
        "input_uri": uploaded(prompts, f"{name}/prompt_list.jsonl"),
        "output_uri": f"s3://{BUCKET}/output/",
        **QUICK,
        **changes,
    }
    return BedrockBatchInferenceOperator(task_id="batch_infer", **arguments)


def prompts(message: Any) -> list[Any]:
    """Return the example's records. ``message`` turns a prompt into a message."""
    request = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 1000}
    texts = [f"Even numbers are red. Odd numbers are blue. What color is {n}?" for n in range(100)]
    return [{"modelInput": {**request, "messages": [message(text)]}} for text in texts]


def as_user(text: str) -> Any:
    return {"role": "user", "content": text}


def output_records(name: str, arn: str) -> list[Any]:
    key = f"output/{arn.rpartition('/')[2]}/prompt_list.jsonl.out"
    body = S3Hook().conn.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return [json.loads(line) for line in body.splitlines()]


class TestExampleBatchInference:
    """A record of the example has a text where the Messages API has a message, so each record ends in an error."""

    def test_the_example_runs(self, simulator: RunningSimulator) -> None:
        arn = batch("example", prompts(str), wait_for_completion=False).execute({})
        states = BedrockBatchInferenceSensor.SuccessState
        for state in (states.SCHEDULED, states.COMPLETED):
            poked_until_true(
                BedrockBatchInferenceSensor(task_id=state, job_arn=arn, success_state=state, **QUICK_SENSOR)
            )
        assert all("error" in record for record in output_records("example", arn))
        with pytest.raises(ClientError, match="State was: Completed") as caught:
            BedrockHook().conn.stop_model_invocation_job(jobIdentifier=arn)
        assert caught.value.response["Error"]["Code"] == "ValidationException"

    def test_records_with_messages_are_answered(self, simulator: RunningSimulator) -> None:
        arn = batch("messages", prompts(as_user)).execute({})
        records = output_records("messages", arn)
        assert len(records) == 100
        assert all("red" in record["modelOutput"]["content"][0]["text"] for record in records)

    def test_the_operator_defers(self, simulator: RunningSimulator, triggers: None) -> None:
        arn = deferred(batch("deferred", prompts(as_user), deferrable=True))
        assert BedrockHook().conn.get_model_invocation_job(jobIdentifier=arn)["status"] == "Completed"

    @pytest.mark.parametrize("state", ["scheduled", "completed"])
    def test_the_sensor_defers(self, simulator: RunningSimulator, triggers: None, state: str) -> None:
        arn = batch(f"sensor-{state}", prompts(as_user), wait_for_completion=False).execute({})
        deferred(
            BedrockBatchInferenceSensor(task_id="s", job_arn=arn, success_state=state, deferrable=True, **QUICK_SENSOR)
        )
        status = BedrockHook().conn.get_model_invocation_job(jobIdentifier=arn)["status"]
        assert status in {"scheduled": {"Scheduled", "InProgress", "Completed"}, "completed": {"Completed"}}[state]
