from __future__ import annotations

import datetime
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from bedrock_distill.sensors.customization_job import BedrockCustomizationJobSensor
from bedrock_distill.triggers.polling import CustomizationJobTrigger
from include.distill.core.errors import ContractError, JobFailedError, NotFoundError, WaitTimeoutError
from tests.fakes.fake_bedrock import FINGERPRINT, OWN_JOB, FakeBedrock
from tests.plugins.conftest import RUN_URI


@pytest.fixture
def sensor(equip: Any) -> Any:
    """Return a function that makes the sensor for the job ``job``, which costs at most $2.50."""

    def make(
        *, at_most_usd: float | None = 2.5, attempt: int = 1, deferrable: bool = False, **changes: Any
    ) -> BedrockCustomizationJobSensor:
        submitted: dict[str, Any] = {"job_name": "job", "job_arn": "arn:job/job", "fingerprint": FINGERPRINT}
        submitted["attempt"] = attempt
        submitted |= {} if at_most_usd is None else {"at_most_usd": at_most_usd}
        arguments = {"poll_interval_seconds": 0.01, "timeout_seconds": 60 if deferrable else 0.03, **changes}
        task = BedrockCustomizationJobSensor(
            task_id="tuned.trained", run_uri=RUN_URI, submitted=submitted, deferrable=deferrable, **arguments
        )
        sensor_task: BedrockCustomizationJobSensor = equip(task)
        return sensor_task

    return make


class TestEnd:
    def test_a_completed_job_returns_its_model(self, sensor: Any, context: Any, bedrock: FakeBedrock) -> None:
        bedrock.put_job("job", "Completed")
        assert sensor().execute(context) == {
            "job_name": "job",
            "job_arn": "arn:job/job",
            "status": "Completed",
            "model_arn": "arn:model/job",
            "training_loss": 0.5,
            "output_uri": OWN_JOB["output_uri"],
        }

    @pytest.mark.parametrize(
        ("status", "reason", "next_act"),
        [
            pytest.param(
                "Failed",
                "Input size exceeded.",
                r"Change the data or the hyperparameters\. Then clear preflight with downstream",
                id="its data",
            ),
            pytest.param(
                "Failed",
                "Encountered an internal error when processing the request.",
                r"internal Bedrock error.*[Cc]lear tuned\.submit with downstream.*at most \$2\.50",
                id="no fault of the data",
            ),
            pytest.param(
                "Failed",
                "Could not validate GetObject permissions to access Amazon S3 bucket: b at key k",
                r"data is not the cause.*section 3.*[Cc]lear tuned\.submit with downstream.*at most \$2\.50",
                id="access",
            ),
            pytest.param(
                "Failed", "A surprise", r"a person must read it.*[Cc]lear tuned\.submit with downstream", id="unknown"
            ),
            pytest.param(
                "Stopped", "Asked to", r"billed.*[Cc]lear tuned\.submit with downstream.*at most \$2\.50", id="stopped"
            ),
        ],
    )
    def test_the_error_about_a_failed_job_quotes_bedrocks_reason_and_says_what_to_do(
        self, sensor: Any, context: Any, bedrock: FakeBedrock, status: str, reason: str, next_act: str
    ) -> None:
        bedrock.put_job("job", status, failure_message=reason)
        with pytest.raises(JobFailedError, match=rf"(?s){status}: {reason.rstrip('.')}\..*{next_act}") as error:
            sensor().execute(context)
        assert "Nothing is running" in str(error.value)

    def test_a_reason_of_several_lines_cannot_look_like_lines_of_the_log(
        self, sensor: Any, context: Any, bedrock: FakeBedrock
    ) -> None:
        """A reason can quote a prompt of a distillation job, which a document has written."""
        bedrock.put_job("job", "Failed", failure_message="Invalid record\n[2026-11-27] INFO - All is well\x1b[0m")
        with pytest.raises(JobFailedError, match=r"Invalid record\\n\[2026-11-27\] INFO - All is well\\x1b"):
            sensor().execute(context)

    @pytest.mark.parametrize(("status", "reason"), [("Failed", "Internal error"), ("Failed", None), ("Stopped", None)])
    def test_after_the_last_attempt_another_one_is_not_promised(
        self, sensor: Any, context: Any, bedrock: FakeBedrock, status: str, reason: str | None
    ) -> None:
        """Clearing ``submit`` would be refused."""
        bedrock.put_job("job", status, failure_message=reason)
        with pytest.raises(JobFailedError, match="attempt 3 of at most 3") as error:
            sensor(attempt=3).execute(context)
        assert "tuned.submit" not in str(error.value)
        assert "raise training.max_attempts, or change the data or the hyperparameters" in str(error.value)
        assert "Then clear preflight with downstream, which buys another job" in str(error.value)

    def test_a_job_that_failed_on_its_data_is_not_bought_again(
        self, sensor: Any, context: Any, bedrock: FakeBedrock
    ) -> None:
        bedrock.put_job("job", "Failed", failure_message="Input size exceeded")
        with pytest.raises(JobFailedError) as error:
            sensor().execute(context)
        assert "tuned.submit" not in str(error.value)

    def test_the_error_about_a_job_that_failed_without_a_reason_says_that_bedrock_gave_none(
        self, sensor: Any, context: Any, bedrock: FakeBedrock
    ) -> None:
        bedrock.put_job("job", "Failed")
        with pytest.raises(JobFailedError, match="Failed: Bedrock gave no reason"):
            sensor().execute(context)

    def test_the_error_about_a_missing_job_says_to_clear_submit(self, sensor: Any, context: Any) -> None:
        with pytest.raises(NotFoundError, match=r"(?s)Nothing is running.*[Cc]lear tuned\.submit with downstream"):
            sensor().execute(context)

    def test_an_unknown_status_is_an_error_that_says_the_job_may_be_billed(
        self, sensor: Any, context: Any, bedrock: FakeBedrock
    ) -> None:
        bedrock.put_job("job", "Paused")
        with pytest.raises(ContractError, match=r"(?s)unknown status 'Paused'.*billed.*clear tuned\.trained"):
            sensor().execute(context)


class TestWaiting:
    @pytest.mark.parametrize("status", ["InProgress", "Stopping"])
    def test_a_time_out_says_that_the_job_is_still_billed(
        self, sensor: Any, context: Any, bedrock: FakeBedrock, status: str
    ) -> None:
        bedrock.put_job("job", status)
        message = (
            r"(?s)has waited 0 s, but job job has not.*until it ends, at most \$2\.50 in all\..*clear tuned\.trained"
        )
        with pytest.raises(WaitTimeoutError, match=message):
            sensor().execute(context)

    def test_the_message_gives_no_price_if_the_price_is_unknown(self, sensor: Any) -> None:
        assert "$" in str(sensor().timeout_error("job is stopping."))
        assert "$" not in str(sensor(at_most_usd=None).timeout_error("job is stopping."))

    @pytest.mark.parametrize(("training", "named"), [("NotStarted", True), ("InProgress", False)])
    def test_a_job_that_has_long_not_started_to_train_is_logged_as_stalled_once(
        self, sensor: Any, bedrock: FakeBedrock, capsys: pytest.CaptureFixture[str], training: str, named: bool
    ) -> None:
        created = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=7)
        details = (("trainingDetails", training),)
        bedrock.put_job("job", "InProgress", created=created, details=details)
        waiting = sensor(stall_after_seconds=6 * 3600)
        assert [waiting.poll() for _ in range(3)] == [None] * 3
        warning = "The training is stalled: job is in progress, 7 h 00 min after its creation (training not started)"
        assert capsys.readouterr().out.count(warning) == named

    def test_a_deferred_task_leaves_the_warning_about_a_stall_to_its_trigger(
        self, sensor: Any, bedrock: FakeBedrock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bedrock.put_job("job", "InProgress", details=(("trainingDetails", "NotStarted"),))
        assert sensor(stall_after_seconds=60, deferrable=True).poll() is None
        assert "stalled" not in capsys.readouterr().out

    @pytest.mark.parametrize("stops", [True, False])
    def test_the_sensor_waits_for_a_running_job_in_the_triggerer(
        self, sensor: Any, context: Any, bedrock: FakeBedrock, stops: bool
    ) -> None:
        bedrock.put_job("job", "InProgress")
        waiting = sensor(deferrable=True, stall_after_seconds=60, stop_when_marked_failed=stops)
        with pytest.raises(TaskDeferred) as deferred:
            waiting.execute(context)
        trigger = deferred.value.trigger
        assert isinstance(trigger, CustomizationJobTrigger)
        assert (trigger.name, trigger.stall_after_seconds, trigger.at_most_usd) == ("arn:job/job", 60, 2.5)
        assert trigger.give_up_when_failed is stops
