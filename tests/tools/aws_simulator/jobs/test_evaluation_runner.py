"""An evaluation job passes through its states, writes its output, and is billed for what it did."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.fakes.patience import wait_until
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.jobs import evaluation_ratings
from tools.aws_simulator.jobs.evaluation_files import EvaluationFiles
from tools.aws_simulator.models.evaluator import evaluate

THUMB = {"thumbsUpDown": [{"metricName": "ThumbsUpDown", "modelResponseId": "0", "result": True}]}


def answers(*records: int) -> list[dict[str, Any]]:
    return [
        {"record": record, "workerId": "w1", "timeSpentInSeconds": 3.5, "evaluationResults": THUMB}
        for record in records
    ]


def create_human(simulator: RunningSimulator, **arguments: Any) -> str:
    request = builders.human_request(simulator, **arguments)
    return str(simulator.boto("bedrock").create_evaluation_job(**request)["jobArn"])


def lines(count: int) -> list[Any]:
    return [builders.evaluation_line(category=str(number)) for number in range(count)]


class TestAutomatedJobs:
    def test_each_line_of_the_dataset_gets_a_score_for_each_metric(self, simulator: RunningSimulator) -> None:
        given = [builders.evaluation_line(), builders.evaluation_line("Bananas are yellow")]
        request = builders.evaluation_request(simulator, given)
        metrics = ["Builtin.Correctness", "Builtin.Refusal"]
        request["evaluationConfig"]["automated"]["datasetMetricConfigs"][0]["metricNames"] = metrics
        arn = simulator.boto("bedrock").create_evaluation_job(**request)["jobArn"]
        assert builders.finished_evaluation(simulator, arn)["status"] == "Completed"
        (written,) = builders.evaluation_output(simulator, arn).values()
        assert [line["inputRecord"] for line in written] == given
        assert [line["modelResponses"] for line in written] == [line["modelResponses"] for line in given]
        scores = [line["automatedEvaluationResult"]["scores"] for line in written]
        assert [[score["metricName"] for score in of_line] for of_line in scores] == [metrics, metrics]
        assert scores[0][0]["result"] > scores[1][0]["result"]
        (details,) = scores[0][0]["evaluatorDetails"]
        assert (details["modelIdentifier"], "comparing words" in details["explanation"]) == (builders.EVALUATOR, True)

    def test_the_evaluator_is_billed_for_each_rating(self, simulator: RunningSimulator) -> None:
        arn = builders.create_evaluation(simulator, lines(3))
        builders.finished_evaluation(simulator, arn)
        ledger = simulator.ledger
        assert set(ledger["by_model"]) == {builders.EVALUATOR}
        counts = ledger["by_model"][builders.EVALUATOR]
        assert (counts["calls"], counts["input_tokens"] > 100, counts["output_tokens"] > 10) == (3, True, True)
        (job,) = (job for job in ledger["evaluation_jobs"] if job["arn"] == arn)
        assert (job["status"], job["type"], job["prompts"], job["billed_ratings"]) == ("Completed", "Automated", 3, 3)

    def test_a_model_of_bedrock_answers_the_prompts_and_is_billed_too(self, simulator: RunningSimulator) -> None:
        parameters = json.dumps({"inferenceConfig": {"maxTokens": 7}})
        models = [builders.bedrock_model(inferenceParams=parameters)]
        given = [{"prompt": builders.prompt()}]
        arn = builders.create_evaluation(simulator, given, inferenceConfig={"models": models})
        assert builders.finished_evaluation(simulator, arn)["status"] == "Completed"
        ((key, (written,)),) = builders.evaluation_output(simulator, arn).items()
        assert key.startswith(f"models/{builders.STUDENT}/")
        (response,) = written["modelResponses"]
        profile = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{builders.STUDENT}"
        asked = builders.converse(simulator, inferenceConfig={"maxTokens": 7})
        assert response == {"response": builders.text_of(asked), "modelIdentifier": profile}
        counts = simulator.ledger["by_model"]
        assert counts[builders.STUDENT] == {
            "calls": 2,
            "rejected": 0,
            "input_tokens": 2 * asked["usage"]["inputTokens"],
            "output_tokens": 14,
        }
        assert counts[builders.EVALUATOR]["calls"] == 1

    def test_custom_metrics_are_rated_on_their_scale_and_their_definitions_are_written(
        self, simulator: RunningSimulator
    ) -> None:
        scale = [{"definition": name, "value": {"stringValue": name}} for name in ("poor", "good")]
        metric = {"name": "mine", "instructions": "Rate {{prediction}} for {{prompt}}.", "ratingScale": scale}
        config = {
            "datasetMetricConfigs": [
                builders.dataset(simulator, [builders.evaluation_line(), builders.evaluation_line("bananas")], ["mine"])
            ],
            "customMetricConfig": {
                "customMetrics": [{"customMetricDefinition": metric}],
                "evaluatorModelConfig": builders.evaluator("us.meta.llama3-3-70b-instruct-v1:0"),
            },
        }
        arn = builders.create_evaluation(simulator, evaluationConfig={"automated": config})
        assert builders.finished_evaluation(simulator, arn)["status"] == "Completed"
        output = builders.evaluation_output(simulator, arn)
        assert output.pop("custom_metrics/mine.json") == [{"customMetricDefinition": metric}]
        (written,) = output.values()
        assert [line["automatedEvaluationResult"]["scores"][0]["result"] for line in written] == ["good", "poor"]
        assert set(simulator.ledger["by_model"]) == {"us.meta.llama3-3-70b-instruct-v1:0"}

    def test_two_datasets_have_files_of_their_own(self, simulator: RunningSimulator) -> None:
        configs = [
            builders.dataset(simulator, lines(count), ["Builtin.Relevance"], dataset=None)
            | {"dataset": {"name": name, "datasetLocation": {"s3Uri": builders.put(simulator, f"{name}.jsonl", body)}}}
            for name, count in (("a", 1), ("b", 2))
            if (body := builders.jsonl(lines(count)))
        ]
        config = {"datasetMetricConfigs": configs, "evaluatorModelConfig": builders.evaluator()}
        arn = builders.create_evaluation(simulator, evaluationConfig={"automated": config})
        builders.finished_evaluation(simulator, arn)
        output = builders.evaluation_output(simulator, arn)
        assert {key.split("/")[5]: len(written) for key, written in output.items()} == {"a": 1, "b": 2}


class TestFaultsAndStops:
    def test_a_failed_job_has_a_message_and_costs_nothing(self, simulator: RunningSimulator) -> None:
        simulator.fail(kind="evaluation_failed", times=1)
        job = builders.finished_evaluation(simulator, builders.create_evaluation(simulator))
        assert (job["status"], len(job["failureMessages"])) == ("Failed", 1)
        assert simulator.ledger["billed_calls"] == 0

    def test_a_stalled_job_stays_in_progress_until_the_stall_ends(self, simulator: RunningSimulator) -> None:
        simulator.admin("PUT", "settings", {"evaluation_seconds": 0})
        simulator.fail(kind="evaluation_stalled", times=1)
        stalled = builders.create_evaluation(simulator)
        builders.finished_evaluation(simulator, builders.create_evaluation(simulator))
        assert builders.evaluation_state(simulator, stalled)["status"] == "InProgress"
        name = builders.evaluation_state(simulator, stalled)["jobName"]
        assert simulator.admin("DELETE", f"stalls?match={name}") == {"ended": 1}
        assert builders.finished_evaluation(simulator, stalled)["status"] == "Completed"

    @pytest.mark.parametrize("stalled", [False, True])
    def test_a_stopped_job_writes_nothing_and_is_billed_for_the_time_that_it_had(
        self, simulator: RunningSimulator, stalled: bool
    ) -> None:
        if stalled:
            simulator.fail(kind="evaluation_stalled", times=1)
        simulator.admin("PUT", "settings", {"evaluation_seconds": 2})
        arn = builders.create_evaluation(simulator, lines(100))
        wait_until(lambda: simulator.ledger["evaluation_jobs"][-1]["prompts"] == 100)
        time.sleep(0.3)
        simulator.boto("bedrock").stop_evaluation_job(jobIdentifier=arn)
        assert builders.evaluation_state(simulator, arn)["status"] in ("Stopping", "Stopped")
        assert builders.finished_evaluation(simulator, arn)["status"] == "Stopped"
        assert builders.evaluation_output(simulator, arn) == {}
        calls = simulator.ledger["by_model"].get(builders.EVALUATOR, {}).get("calls", 0)
        assert simulator.ledger["evaluation_jobs"][-1]["billed_ratings"] == calls
        assert calls == 0 if stalled else 0 < calls <= 100

    @pytest.mark.parametrize(
        ("missing", "complaint"),
        [
            ("s3:GetObject", "GetObject permissions"),
            ("s3:PutObject", "validate permissions"),
            ("bedrock:InvokeModel", "not authorized to perform: bedrock:InvokeModel on us.amazon.nova"),
        ],
    )
    @pytest.mark.parametrize("models", [[builders.source_model()], [builders.bedrock_model()]], ids=["own", "asked"])
    def test_a_job_whose_role_lacks_a_permission_fails(
        self, simulator: RunningSimulator, missing: str, complaint: str, models: Any
    ) -> None:
        iam, name = simulator.boto("iam"), builders.fresh("role")
        trust = {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}
        actions = {"s3:GetObject", "s3:PutObject", "bedrock:InvokeModel"} - {missing}
        access = {"Effect": "Allow", "Action": sorted(actions), "Resource": "*"}
        trusted, policy = (json.dumps({"Version": "2012-10-17", "Statement": [one]}) for one in (trust, access))
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
        arn = builders.create_evaluation(simulator, roleArn=role, inferenceConfig={"models": models})
        job = builders.finished_evaluation(simulator, arn)
        assert job["status"] == "Failed"
        assert complaint in job["failureMessages"][0]

    def test_an_evaluator_that_retires_during_the_job_fails_it(self, simulator: RunningSimulator) -> None:
        simulator.admin("PUT", "settings", {"evaluation_seconds": 0, "as_of": "2027-03-29"})
        simulator.fail(kind="evaluation_stalled", times=1)
        model = "us.meta.llama3-3-70b-instruct-v1:0"
        given = [{"prompt": builders.prompt()}]
        arn = builders.create_evaluation(simulator, given, inferenceConfig={"models": [builders.bedrock_model(model)]})
        wait_until(lambda: simulator.ledger["evaluation_jobs"][-1]["prompts"])
        simulator.admin("PUT", "settings", {"as_of": "2027-03-30"})
        simulator.admin("DELETE", "stalls")
        job = builders.finished_evaluation(simulator, arn)
        assert (job["status"], "end of its life" in job["failureMessages"][0]) == ("Failed", True)

    @pytest.mark.parametrize("end", ["by itself", "by request"])
    def test_a_stall_that_ends_after_the_stop_costs_nothing(self, simulator: RunningSimulator, end: str) -> None:
        simulator.admin("PUT", "settings", {"evaluation_seconds": 20})
        length = {"seconds": 1.5} if end == "by itself" else {}
        simulator.fail(kind="evaluation_stalled", times=1, **length)
        arn = builders.create_evaluation(simulator, lines(100))
        time.sleep(0.5)
        simulator.boto("bedrock").stop_evaluation_job(jobIdentifier=arn)
        if end == "by request":
            simulator.admin("DELETE", "stalls")
        assert builders.finished_evaluation(simulator, arn)["status"] == "Stopped"
        assert simulator.ledger["evaluation_jobs"][-1]["billed_ratings"] == 0

    @pytest.mark.parametrize("kind", ["Automated", "Human"])
    def test_a_job_that_writes_its_output_can_no_longer_be_stopped(
        self, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        client, write = simulator.boto("bedrock"), EvaluationFiles.write_lines
        refusals: list[str] = []

        def stop(arn: str) -> None:
            with refused("ConflictException", "is Completed and can no longer be stopped"):
                client.stop_evaluation_job(jobIdentifier=arn)
            refusals.append(arn)

        def write_and_stop(files: EvaluationFiles, path: str, written: Any) -> None:
            thread = threading.Thread(target=stop, args=[files.job.arn])
            thread.start()
            stops.append(thread)
            thread.join(0.5)  # the request waits until the job has ended
            write(files, path, written)

        stops: list[threading.Thread] = []
        monkeypatch.setattr(EvaluationFiles, "write_lines", write_and_stop)
        arn = create_human(simulator) if kind == "Human" else builders.create_evaluation(simulator)
        if kind == "Human":
            builders.open_tasks(simulator, arn)
            simulator.admin("POST", "human_answers", {"job": arn, "answers": answers(0)})
        assert builders.finished_evaluation(simulator, arn)["status"] == "Completed"
        stops[0].join(10)
        assert refusals == [arn]

    def test_a_job_that_is_stopped_while_it_rates_ends_its_work_early(
        self, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rated: list[str] = []

        def stop_and_rate(name: str, *arguments: Any, **options: Any) -> Any:
            if not rated:
                simulator.boto("bedrock").stop_evaluation_job(jobIdentifier=arn)
            rated.append(name)
            return evaluate(name, *arguments, **options)

        simulator.admin("PUT", "settings", {"evaluation_seconds": 1})
        monkeypatch.setattr(evaluation_ratings, "evaluate", stop_and_rate)
        arn = builders.create_evaluation(simulator, lines(10))
        assert builders.finished_evaluation(simulator, arn)["status"] == "Stopped"
        assert len(rated) == 1 + simulator.ledger["evaluation_jobs"][-1]["billed_ratings"] == 11
        assert builders.evaluation_output(simulator, arn) == {}


class TestHumanJobs:
    def test_the_job_completes_when_every_prompt_has_an_answer(self, simulator: RunningSimulator) -> None:
        arn = create_human(simulator, lines=lines(2))
        assert [task["record"] for task in builders.open_tasks(simulator, arn)] == [0, 1]
        assert simulator.admin("POST", "human_answers", {"job": arn, "answers": answers(0)})["open"] == 1
        assert builders.evaluation_state(simulator, arn)["status"] == "InProgress"
        assert simulator.admin("POST", "human_answers", {"job": arn, "answers": answers(1)})["open"] == 0
        assert builders.finished_evaluation(simulator, arn)["status"] == "Completed"
        assert simulator.ledger["billed_calls"] == 0
        written = [value for key, value in builders.evaluation_output(simulator, arn).items() if "_output" in key]
        assert [line["inputRecord"]["category"] for line in written[0]] == ["0", "1"]

    def test_a_model_of_bedrock_is_billed_once_even_if_the_job_is_stopped(self, simulator: RunningSimulator) -> None:
        models = [builders.source_model(), builders.bedrock_model()]
        arn = create_human(simulator, inferenceConfig={"models": models})
        (task,) = builders.open_tasks(simulator, arn)
        assert task["responses"] == {"0": builders.REFERENCE, "1": builders.text_of(builders.converse(simulator))}
        simulator.boto("bedrock").stop_evaluation_job(jobIdentifier=arn)
        assert builders.finished_evaluation(simulator, arn)["status"] == "Stopped"
        assert simulator.ledger["by_model"][builders.STUDENT]["calls"] == 2

    def test_a_failed_human_job_makes_no_tasks(self, simulator: RunningSimulator) -> None:
        simulator.fail(kind="evaluation_failed", times=1)
        arn = create_human(simulator)
        assert builders.finished_evaluation(simulator, arn)["status"] == "Failed"
        assert simulator.admin("GET", f"human_tasks?job={arn}") == []
