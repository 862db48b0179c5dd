"""Check what a task's error says about the endpoints and jobs that other tasks of the run have bought."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from bedrock_distill.run.running_purchases import describe_running_purchases

NOT_STARTED = [None, "scheduled", "queued", "skipped", "upstream_failed", "removed"]
UNDER_WAY = [None, "scheduled", "queued", "running", "deferred", "up_for_retry", "up_for_reschedule", "restarting"]
MAY_HAVE_BOUGHT = ["running", "restarting", "up_for_retry", "deferred", "failed"]
ENDPOINT = {"tuned.provision": {"throughput_name": "tuned-s1", "usd_per_hour": 24.0}}
JOB_ARN = "arn:aws:bedrock:us-west-2:123456789012:model-customization-job/x"
JOB = {"tuned.submit": {"at_most_usd": 3.5, "job_name": "tuned", "job_arn": JOB_ARN}}


NOTES = {"tuned.trained": {"to_do": "Clear tuned.submit.", "billed": "Nothing more is billed for this job."}}


def describe(
    states: dict[str, str | None], results: Any = None, *, own_task: str = "report", **more: Any
) -> str | None:
    """Return what the error of a task says if the run's tasks have these states and results."""
    ti = SimpleNamespace(dag_id="d", run_id="r", xcom_pull=lambda task_ids: (results or {}).get(task_ids))
    ti.get_task_states = lambda dag_id, run_ids: {"r": states} if (dag_id, run_ids) == ("d", ["r"]) else {}
    return describe_running_purchases({"ti": ti}, own_task=own_task, **more)  # type: ignore[arg-type,typeddict-item]


class TestEndpoints:
    @pytest.mark.parametrize("release", UNDER_WAY)
    def test_an_endpoint_is_billed_until_its_release(self, release: str | None) -> None:
        text = describe({"tuned.provision": "success", "tuned.release": release}, ENDPOINT)
        assert text == "The endpoint of arm tuned is billed at $24.00 per hour until tuned.release deletes it."

    @pytest.mark.parametrize("provision", ["success", "failed"])
    def test_a_released_endpoint_is_not_billed(self, provision: str) -> None:
        assert describe({"tuned.provision": provision, "tuned.release": "success"}, ENDPOINT) == ""

    @pytest.mark.parametrize("provision", NOT_STARTED)
    def test_without_a_start_there_is_no_endpoint(self, provision: str | None) -> None:
        assert describe({"tuned.provision": provision, "tuned.release": None}) == ""

    def test_a_task_may_end_well_without_an_endpoint(self) -> None:
        """If no answer is missing, no endpoint is bought."""
        states = {"tuned.provision": "success", "tuned.release": None}
        assert describe(states, {"tuned.provision": {"throughput_name": None}}) == ""

    @pytest.mark.parametrize("provision", MAY_HAVE_BOUGHT)
    def test_a_task_without_a_result_may_have_bought_an_endpoint(self, provision: str) -> None:
        text = describe({"tuned.provision": provision, "tuned.release": None})
        assert text is not None
        assert text.startswith("The endpoint of arm tuned may exist and is then billed by the hour until tuned.release")

    @pytest.mark.parametrize(
        ("release", "happened"),
        [("failed", "failed"), *((state, "did not run") for state in ("skipped", "upstream_failed", "removed"))],
    )
    def test_no_deletion_is_promised_by_a_release_that_has_ended(self, release: str, happened: str) -> None:
        assert describe({"tuned.provision": "success", "tuned.release": release}, ENDPOINT) == (
            f"tuned.release {happened}, so the endpoint of arm tuned may still be billed at $24.00 per hour: clear"
            " tuned.release with downstream, or delete the endpoint on the page"
            " https://console.aws.amazon.com/bedrock/home#/provisioned-throughput or with"
            " `aws bedrock delete-provisioned-model-throughput --provisioned-model-id tuned-s1`."
        )

    def test_a_result_of_an_earlier_version_states_no_price(self) -> None:
        states = {"tuned.provision": "success", "tuned.release": None}
        text = describe(states, {"tuned.provision": {"throughput_name": "t"}})
        assert text == "The endpoint of arm tuned is billed by the hour until tuned.release deletes it."

    def test_a_deployment_is_not_called_billed_by_the_hour(self) -> None:
        results = {"tuned.deploy": {"throughput_name": None, "deployment_name": "tuned-s1"}}
        text = describe({"tuned.deploy": "success", "tuned.undeploy": None}, results)
        assert text == (
            "The endpoint of arm tuned is a deployment, which is not billed while it is idle."
            " tuned.undeploy deletes it."
        )
        text = describe({"tuned.deploy": "success", "tuned.undeploy": "failed"}, results)
        assert text is not None
        assert "counts against the account's quota: clear tuned.undeploy with downstream" in text
        assert "delete-custom-model-deployment --custom-model-deployment-identifier tuned-s1" in text

    def test_an_endpoint_of_unknown_kind_may_be_billed_by_the_hour(self) -> None:
        assert describe({"tuned.deploy": "failed", "tuned.undeploy": None}) == (
            "The endpoint of arm tuned may exist and is then billed by the hour, if it is provisioned throughput, until"
            " tuned.undeploy deletes it."
        )

    def test_throughput_that_deploy_bought_is_billed_until_undeploy(self) -> None:
        results = {"tuned.deploy": {"throughput_name": "tuned-s1", "usd_per_hour": 24.0}}
        assert describe({"tuned.deploy": "success", "tuned.undeploy": None}, results) == (
            "The endpoint of arm tuned is billed at $24.00 per hour until tuned.undeploy deletes it."
        )


class TestTraining:
    @pytest.mark.parametrize("trained", UNDER_WAY)
    def test_a_job_that_a_task_waits_for_is_billed(self, trained: str | None) -> None:
        text = describe({"tuned.submit": "success", "tuned.trained": trained}, JOB)
        assert text == "The training job of arm tuned is running, and its training is billed, at most $3.50 in all."

    @pytest.mark.parametrize("trained", ["failed", "skipped", "upstream_failed", "removed"])
    def test_a_job_that_no_task_waits_for_may_be_running(self, trained: str) -> None:
        """A person who marks a whole run as failed makes Airflow skip the wait, but not stop the job."""
        text = describe({"tuned.submit": "success", "tuned.trained": trained}, JOB)
        assert text is not None
        assert text.startswith(
            "If a training job of arm tuned is running, its training is billed, at most $3.50 in all. Stop it on the"
        )
        assert f"stop-model-customization-job --job-identifier {JOB_ARN} --region us-west-2`" in text

    @pytest.mark.parametrize("submit", MAY_HAVE_BOUGHT)
    def test_a_submission_without_a_result_may_have_bought_a_job(self, submit: str) -> None:
        text = describe({"tuned.submit": submit, "tuned.trained": None})
        assert text == "If a training job of arm tuned is running, its training is billed."

    @pytest.mark.parametrize(("submit", "trained"), [("success", "success"), *((state, None) for state in NOT_STARTED)])
    def test_a_job_that_has_ended_or_was_not_submitted_is_not_billed(self, submit: str, trained: str | None) -> None:
        assert describe({"tuned.submit": submit, "tuned.trained": trained}, JOB) == ""


class TestBatches:
    @pytest.mark.parametrize("wait", UNDER_WAY)
    def test_jobs_that_a_task_waits_for_are_billed(self, wait: str | None) -> None:
        text = describe({"judge_batch.submit": "success", "judge_batch.wait": wait})
        assert text == "The batch jobs of judge are running, and each answered record is billed."

    @pytest.mark.parametrize(
        ("submit", "wait"),
        [("success", "failed"), ("success", "skipped"), *((state, None) for state in MAY_HAVE_BOUGHT)],
    )
    def test_jobs_that_no_task_waits_for_may_be_running(self, submit: str, wait: str | None) -> None:
        text = describe({"judge_batch.submit": submit, "judge_batch.wait": wait})
        assert text == "If batch jobs of judge are running, each answered record is billed."

    def test_jobs_that_no_task_waits_for_are_named_with_the_page_on_which_to_stop_them(self) -> None:
        arn = "arn:aws:bedrock:eu-west-1:123456789012:model-invocation-job/x"
        states = {"judge_batch.submit": "success", "judge_batch.wait": "failed"}
        text = describe(states, {"judge_batch.submit": {"job_arns": [arn]}})
        assert text is not None
        page = "https://eu-west-1.console.aws.amazon.com/bedrock/home?region=eu-west-1#/batch-inference"
        assert text.endswith(f" Stop them on the page {page}: {arn}.")

    @pytest.mark.parametrize(("submit", "wait"), [("success", "success"), *((state, None) for state in NOT_STARTED)])
    def test_jobs_that_have_ended_or_were_not_submitted_are_not_billed(self, submit: str, wait: str | None) -> None:
        assert describe({"judge_batch.submit": submit, "judge_batch.wait": wait}) == ""


class TestWholeRun:
    STATES: ClassVar[dict[str, str | None]] = {
        **{"tuned.submit": "success", "tuned.trained": None, "tuned.provision": "success", "tuned.release": None},
        **{"mixed.submit": "success", "mixed.trained": None, "judge_batch.submit": "success", "judge_batch.wait": None},
    }

    @pytest.mark.parametrize(
        ("own_task", "own", "named"),
        [
            ("tuned.answer", ["arm tuned"], ["arm mixed", "judge"]),
            ("judge_batch.wait", ["judge"], ["endpoint of arm tuned", "job of arm tuned", "arm mixed"]),
            ("report", [], ["endpoint of arm tuned", "job of arm tuned", "arm mixed", "judge"]),
        ],
    )
    def test_only_the_own_group_is_left_out(self, own_task: str, own: list[str], named: list[str]) -> None:
        text = describe(self.STATES, {**ENDPOINT, **JOB}, own_task=own_task) or ""
        assert [part for part in own if part in text] == []
        assert [part for part in named if part not in text] == []

    def test_a_run_that_has_bought_nothing_has_an_empty_text(self) -> None:
        assert describe({"preflight": "success", "base.answer": "running"}) == ""

    @pytest.mark.parametrize("context", [{}, {"ti": SimpleNamespace(dag_id="d", run_id="r")}])
    def test_the_answer_is_unknown_if_airflow_cannot_say(self, context: Any) -> None:
        assert describe_running_purchases(context, own_task="report") is None


class TestNotes:
    """A task that failed knows better than its state whether its job is billed."""

    def described(self, notes: dict[str, Any], **states: str) -> str | None:
        def pull(task_ids: str, key: str = "return_value") -> Any:
            return notes.get(task_ids) if key == "failure" else None

        ti = SimpleNamespace(dag_id="d", run_id="r", xcom_pull=pull)
        ti.get_task_states = lambda dag_id, run_ids: {"r": {k.replace("__", "."): v for k, v in states.items()}}
        return describe_running_purchases({"ti": ti}, own_task="outcome")  # type: ignore[arg-type,typeddict-item]

    def test_a_job_that_has_ended_is_not_called_billed(self) -> None:
        text = self.described(NOTES, tuned__submit="success", tuned__trained="failed")
        assert text == "tuned.trained said when it failed: Nothing more is billed for this job."

    def test_a_task_that_was_killed_leaves_it_open_whether_its_job_is_billed(self) -> None:
        text = self.described({}, tuned__submit="success", tuned__trained="failed")
        assert text == "If a training job of arm tuned is running, its training is billed."

    def test_the_note_of_a_task_that_runs_again_is_not_used(self) -> None:
        text = self.described(NOTES, tuned__submit="success", tuned__trained="deferred")
        assert text == "The training job of arm tuned is running, and its training is billed."

    def test_the_task_that_waits_for_batch_jobs_speaks_for_them(self) -> None:
        notes = {"judge_batch.collect": {"to_do": "", "billed": "Nothing more is billed."}}
        states = {"judge_batch__submit": "success", "judge_batch__wait": "failed", "judge_batch__collect": "failed"}
        assert self.described(notes, **states) == "judge_batch.collect said when it failed: Nothing more is billed."


class TestEvaluations:
    GROUP = "evaluate.tuned_by_nova-pro"
    ARN = "arn:aws:bedrock:us-west-2:123456789012:evaluation-job/x"
    SUBMITTED: ClassVar[Any] = {f"{GROUP}.submit": {"at_most_usd": 0.5, "job_name": "job", "job_arn": ARN}}

    def say(self, submit: str, wait: str | None, results: Any = None, **more: Any) -> str | None:
        return describe({f"{self.GROUP}.submit": submit, f"{self.GROUP}.wait": wait}, results, **more)

    @pytest.mark.parametrize("wait", UNDER_WAY)
    def test_a_job_that_is_waited_for_is_running(self, wait: str | None) -> None:
        assert self.say("success", wait, self.SUBMITTED) == (
            f"The evaluation job of {self.GROUP} is running, and its scores are billed, at most about $0.50 in all."
        )

    @pytest.mark.parametrize("submit", NOT_STARTED)
    def test_without_a_start_there_is_no_job(self, submit: str) -> None:
        assert self.say(submit, None) == ""

    def test_a_job_that_has_ended_is_not_billed(self) -> None:
        assert self.say("success", "success", self.SUBMITTED) == ""

    def test_a_job_that_nobody_waits_for_may_run_and_can_be_stopped_by_hand(self) -> None:
        text = self.say("success", "failed", self.SUBMITTED)
        assert text is not None
        assert text.startswith(f"If an evaluation job of {self.GROUP} is running, its scores are billed")
        assert f"aws bedrock stop-evaluation-job --job-identifier {self.ARN} --region us-west-2" in text

    def test_a_failed_submission_may_have_bought_a_job(self) -> None:
        assert self.say("failed", "upstream_failed") == (
            f"If an evaluation job of {self.GROUP} is running, its scores are billed."
        )

    def test_the_group_of_the_task_itself_is_left_out(self) -> None:
        assert self.say("success", "failed", self.SUBMITTED, own_task=f"{self.GROUP}.wait") == ""

    def test_groups_that_the_task_describes_are_left_out(self) -> None:
        states = {f"{self.GROUP}.submit": "success", f"{self.GROUP}.wait": "failed"}
        states |= {"tuned.submit": "success", "tuned.trained": "failed"}
        assert describe(states, JOB, own_task="outcome", described=[self.GROUP, "tuned"]) == ""
        text = describe(states, JOB, own_task="outcome", described=["tuned"])
        assert text == f"If an evaluation job of {self.GROUP} is running, its scores are billed."


class TestOptimizations:
    GROUP = "prompted.optimize"
    ARN = "arn:aws:bedrock:us-west-2:123456789012:advanced-prompt-optimization-job/abc123def456"
    SUBMITTED: ClassVar[Any] = {f"{GROUP}.submit": {"at_most_usd": 2.5, "job_name": "job", "job_arn": ARN}}

    def say(self, submit: str, wait: str | None, results: Any = None, **more: Any) -> str | None:
        return describe({f"{self.GROUP}.submit": submit, f"{self.GROUP}.wait": wait}, results, **more)

    @pytest.mark.parametrize("wait", UNDER_WAY)
    def test_a_job_that_is_waited_for_is_running(self, wait: str | None) -> None:
        assert self.say("success", wait, self.SUBMITTED) == (
            "The prompt optimization job of arm prompted is running, and its tokens are billed, at most about $2.50 in"
            " all."
        )

    @pytest.mark.parametrize(("submit", "wait"), [*((state, None) for state in NOT_STARTED), ("success", "success")])
    def test_without_a_start_or_after_the_end_nothing_is_billed(self, submit: str, wait: str | None) -> None:
        assert self.say(submit, wait, self.SUBMITTED) == ""

    def test_a_job_that_nobody_waits_for_may_run_and_can_be_stopped_by_hand(self) -> None:
        text = self.say("success", "failed", self.SUBMITTED)
        assert text is not None
        assert text.startswith("If a prompt optimization job of arm prompted is running, its tokens are billed")
        command = f"aws bedrock stop-advanced-prompt-optimization-job --job-identifier {self.ARN} --region us-west-2"
        assert command in text

    @pytest.mark.parametrize("more", [{"own_task": f"{GROUP}.wait"}, {"own_task": "outcome", "described": [GROUP]}])
    def test_a_job_that_the_task_itself_describes_is_left_out(self, more: Any) -> None:
        assert self.say("success", "failed", self.SUBMITTED, **more) == ""

    def test_the_answers_of_the_same_arm_do_not_hide_its_job(self) -> None:
        assert self.say("success", "deferred", self.SUBMITTED, own_task="prompted.answer") != ""
