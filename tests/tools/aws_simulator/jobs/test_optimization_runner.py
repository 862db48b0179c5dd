"""A prompt optimization job passes through its states, writes its results, and is billed for what it did."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tests.tools.aws_simulator.services.test_sts import assumable
from tools.aws_simulator.account.faults import Kind

OTHER = "us.amazon.nova-lite-v1:0"
BOTH = [{"modelId": builders.OPTIMIZED}, {"modelId": OTHER}]
MODELS = "bedrock:InvokeModelWithResponseStream"


def entry(simulator: RunningSimulator, arn: str) -> Any:
    """Return the ledger's entry of a job."""
    return next(job for job in simulator.ledger["optimization_jobs"] if job["arn"] == arn)


def calls(simulator: RunningSimulator, arn: str) -> int:
    return sum(use["calls"] for use in entry(simulator, arn)["billed_use"])


def statuses(results: list[Any]) -> list[list[str]]:
    return [[one["status"] for one in line["promptOptimizationResults"]] for line in results]


class TestCompletedJobs:
    def test_each_template_is_optimized_for_each_model(self, simulator: RunningSimulator) -> None:
        lines = [builders.optimization_line(templateId=name) for name in ("first", "second")]
        lines[1] |= {"steeringCriteria": ["Be short."], "customEvaluationMetricLabel": "length"}
        arn = builders.create_optimization(simulator, lines, modelConfigurations=BOTH)
        job = builders.finished_optimization(simulator, arn)
        assert (job["jobStatus"], "failureMessage" in job) == ("Completed", False)
        first, second = builders.optimization_results(simulator, arn)
        assert list(first) == ["promptTemplateId", "promptTemplate", "promptOptimizationResults"]
        assert (second["promptTemplateId"], second["steeringCriteria"]) == ("second", ["Be short."])
        assert second["customEvaluationMetricLabel"] == "length"
        assert [one["modelId"] for one in first["promptOptimizationResults"]] == [builders.OPTIMIZED, OTHER]
        assert statuses([first, second]) == [["SUCCESS", "SUCCESS"]] * 2

    def test_the_model_answers_as_it_does_to_converse(self, simulator: RunningSimulator) -> None:
        model = {"modelId": builders.OPTIMIZED, "inferenceConfig": {"maxTokens": 7}}
        arn = builders.create_optimization(simulator, modelConfigurations=[model])
        builders.finished_optimization(simulator, arn)
        (line,) = builders.optimization_results(simulator, arn)
        details = line["promptOptimizationResults"][0]["dataset"][0]["originalPromptDetails"]
        asked = builders.converse(simulator, inferenceConfig={"maxTokens": 7})
        assert details["originalPromptModelResponse"] == builders.text_of(asked)
        metrics = details["originalPromptMetrics"]
        assert (metrics["inputTokens"], metrics["outputTokens"]) == (asked["usage"]["inputTokens"], 7)

    def test_only_the_entry_of_the_job_has_the_tokens_of_its_models(self, simulator: RunningSimulator) -> None:
        arn = builders.create_optimization(simulator)
        builders.finished_optimization(simulator, arn)
        job = entry(simulator, arn)
        assert (job["status"], job["templates"], job["samples"]) == ("Completed", 1, 1)
        assert [use["purpose"] for use in job["billed_use"]] == ["target", "judge", "rewriter"]
        assert all(use["calls"] and use["input_tokens"] and use["output_tokens"] for use in job["billed_use"])
        assert simulator.ledger["billed_calls"] == 0


class TestFaultsAndStops:
    def test_a_failed_job_has_a_message_and_costs_nothing(self, simulator: RunningSimulator) -> None:
        simulator.fail(kind="optimization_failed", times=1)
        arn = builders.create_optimization(simulator)
        job = builders.finished_optimization(simulator, arn)
        assert (job["jobStatus"], "internal error" in job["failureMessage"]) == ("Failed", True)
        assert calls(simulator, arn) == 0
        assert builders.finished_optimization(simulator, builders.create_optimization(simulator))["jobStatus"] == (
            "Completed"
        )

    def test_a_stalled_job_stays_in_progress_until_the_stall_ends(self, simulator: RunningSimulator) -> None:
        simulator.admin("PUT", "settings", {"optimization_seconds": 0})
        simulator.fail(kind="optimization_stalled", times=1)
        stalled = builders.create_optimization(simulator)
        builders.finished_optimization(simulator, builders.create_optimization(simulator))
        job = builders.optimization_state(simulator, stalled)
        assert job["jobStatus"] == "InProgress"
        assert simulator.admin("DELETE", f"stalls?match={job['jobName']}") == {"ended": 1}
        assert builders.finished_optimization(simulator, stalled)["jobStatus"] == "Completed"

    def test_a_partial_job_has_results_and_a_failure(self, simulator: RunningSimulator) -> None:
        simulator.fail(kind="optimization_partial", times=1)
        lines = [builders.optimization_line(templateId=name) for name in ("first", "second")]
        arn = builders.create_optimization(simulator, lines, modelConfigurations=BOTH)
        job = builders.finished_optimization(simulator, arn)
        assert job["jobStatus"] == "PartiallyCompleted"
        assert job["failureMessage"].startswith("1 of 4 optimizations failed: ")
        results = builders.optimization_results(simulator, arn)
        assert statuses(results) == [["SUCCESS", "SUCCESS"], ["SUCCESS", "FAILED"]]
        failed = results[1]["promptOptimizationResults"][1]
        assert set(failed) == {"status", "failureReason", "modelId"}
        assert failed["failureReason"] in job["failureMessage"]

    def test_a_job_without_any_success_fails_and_writes_nothing(self, simulator: RunningSimulator) -> None:
        simulator.fail(kind="optimization_partial", times=1)
        arn = builders.create_optimization(simulator)
        assert builders.finished_optimization(simulator, arn)["jobStatus"] == "Failed"
        with refused("NoSuchKey"):
            builders.optimization_results(simulator, arn)

    @pytest.mark.parametrize("kind", [None, "optimization_stalled", "optimization_failed"])
    def test_a_stopped_job_writes_nothing_and_costs_what_it_had_time_for(
        self, simulator: RunningSimulator, kind: Kind | None
    ) -> None:
        full = builders.create_optimization(simulator)
        builders.finished_optimization(simulator, full)
        simulator.admin("PUT", "settings", {"optimization_seconds": 600})
        if kind:
            simulator.fail(kind=kind, times=1)
        arn = builders.create_optimization(simulator)
        time.sleep(0.05)
        simulator.boto("bedrock").stop_advanced_prompt_optimization_job(jobIdentifier=arn)
        job = builders.optimization_state(simulator, arn)
        seconds = (job["lastModifiedTime"] - job["creationTime"]).total_seconds()
        # The job had half of its time when it was stopped.
        simulator.admin("PUT", "settings", {"optimization_seconds": 2 * seconds})
        assert builders.finished_optimization(simulator, arn)["jobStatus"] == "Stopped"
        with refused("NoSuchKey"):
            builders.optimization_results(simulator, arn)
        assert calls(simulator, arn) < calls(simulator, full)
        assert (calls(simulator, arn) > 0) is (kind is None)

    def test_an_input_file_that_disappears_fails_the_job(self, simulator: RunningSimulator) -> None:
        simulator.fail(kind="optimization_stalled", times=1, seconds=0.3)
        request = builders.optimization_request(simulator)
        arn = simulator.boto("bedrock").create_advanced_prompt_optimization_job(**request)["jobArn"]
        key = request["inputConfig"]["s3Uri"].removeprefix(f"s3://{builders.BUCKET}/")
        simulator.boto("s3").delete_object(Bucket=builders.BUCKET, Key=key)
        job = builders.finished_optimization(simulator, arn)
        assert (job["jobStatus"], key in job["failureMessage"]) == ("Failed", True)

    def test_a_model_that_refuses_the_prompts_fails_alone(self, simulator: RunningSimulator) -> None:
        """Nova Micro reads at most 128,000 tokens, Nova Lite 300,000."""
        sample = {"inputVariables": [{"document": "word " * 128_000}, {"question": "What is it?"}]}
        line = builders.optimization_line(evaluationSamples=[sample])
        arn = builders.create_optimization(simulator, [line], modelConfigurations=BOTH)
        job = builders.finished_optimization(simulator, arn)
        assert job["jobStatus"] == "PartiallyCompleted"
        assert "did not answer a prompt" in job["failureMessage"]
        assert statuses(builders.optimization_results(simulator, arn)) == [["FAILED", "SUCCESS"]]


class TestPermissionsOfTheCaller:
    """The job works with the permissions of the caller: those of the role whose session created it."""

    OBJECTS = ("s3:GetObject", "s3:PutObject", "s3:ListBucket")

    def session(self, simulator: RunningSimulator, *statements: tuple[tuple[str, ...], Any]) -> Any:
        """Return a client of a session whose role has these statements of actions and resources."""
        role = assumable(simulator)
        allow = [{"Effect": "Allow", "Action": list(actions), "Resource": where} for actions, where in statements]
        policy = json.dumps({"Version": "2012-10-17", "Statement": allow})
        simulator.boto("iam").put_role_policy(RoleName=role.rpartition("/")[2], PolicyName="p", PolicyDocument=policy)
        keys = simulator.boto("sts").assume_role(RoleArn=role, RoleSessionName="run")["Credentials"]
        return boto3.client(
            "bedrock",
            endpoint_url=simulator.url,
            region_name="us-east-1",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    def create(self, simulator: RunningSimulator, client: Any, **changes: Any) -> str:
        request = builders.optimization_request(simulator, **changes)
        return str(client.create_advanced_prompt_optimization_job(**request)["jobArn"])

    def test_a_session_with_all_permissions_gets_results(self, simulator: RunningSimulator) -> None:
        arn = self.create(simulator, self.session(simulator, (self.OBJECTS, "*"), ((MODELS,), "*")))
        assert builders.finished_optimization(simulator, arn)["jobStatus"] == "Completed"
        assert builders.optimization_results(simulator, arn)

    def test_without_permission_on_the_model_the_job_fails(self, simulator: RunningSimulator) -> None:
        arn = self.create(simulator, self.session(simulator, (self.OBJECTS, "*"), (("bedrock:InvokeModel",), "*")))
        job = builders.finished_optimization(simulator, arn)
        assert job["jobStatus"] == "Failed"
        assert job["failureMessage"] == (
            "No inference API is accessible for model. Verify that the role has permission to invoke the model."
        )
        assert calls(simulator, arn) == 0

    def test_with_permission_on_one_of_two_models_the_job_is_partial(self, simulator: RunningSimulator) -> None:
        where = [
            f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{OTHER}",
            f"arn:aws:bedrock:us-east-1::foundation-model/{OTHER.removeprefix('us.')}",
        ]
        client = self.session(simulator, (self.OBJECTS, "*"), ((MODELS,), where))
        arn = self.create(simulator, client, modelConfigurations=BOTH)
        assert builders.finished_optimization(simulator, arn)["jobStatus"] == "PartiallyCompleted"
        assert statuses(builders.optimization_results(simulator, arn)) == [["FAILED", "SUCCESS"]]
        assert {use["model"] for use in entry(simulator, arn)["billed_use"]} == {OTHER, "anthropic.claude-sonnet-4-6"}

    @pytest.mark.parametrize(
        ("allowed", "missing"), [("s3:GetObject", "s3:PutObject on"), ("s3:PutObject", "s3:GetObject on")]
    )
    def test_without_permission_on_the_bucket_the_request_is_refused(
        self, simulator: RunningSimulator, allowed: str, missing: str
    ) -> None:
        client = self.session(simulator, ((allowed, MODELS), "*"))
        with refused("AccessDeniedException", missing, status=403):
            self.create(simulator, client)

    def test_the_policy_of_the_bucket_applies_to_the_root_user_too(self, simulator: RunningSimulator) -> None:
        deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::denied/*"}
        simulator.boto("s3").create_bucket(Bucket="denied")
        policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
        simulator.boto("s3").put_bucket_policy(Bucket="denied", Policy=policy)
        with refused("AccessDeniedException", "s3:PutObject on s3://denied/out/"):
            builders.create_optimization(simulator, outputConfig={"s3Uri": "s3://denied/out/"})
