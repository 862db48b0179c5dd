"""Workers' answers are posted through an admin route, and appear in the output in AWS's form."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from tests.fakes.aws_simulator import AdminError, RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.jobs.test_human_answers import METHODS, RESULTS

TWO = {"models": [builders.source_model("arm-a"), builders.source_model("arm-b")]}


def create(simulator: RunningSimulator, **arguments: Any) -> str:
    lines = [builders.evaluation_line("A response", "arm-a", "arm-b", category="storage")]
    request = builders.human_request(simulator, lines, tuple(METHODS), inferenceConfig=TWO, **arguments)
    return str(simulator.boto("bedrock").create_evaluation_job(**request)["jobArn"])


def answer(worker: str = "w1", **changes: Any) -> dict[str, Any]:
    return {"record": 0, "workerId": worker, "timeSpentInSeconds": 9.5, "evaluationResults": RESULTS, **changes}


def post(simulator: RunningSimulator, job: str, *answers: dict[str, Any]) -> Any:
    return simulator.admin("POST", "human_answers", {"job": job, "answers": list(answers)})


def test_a_task_shows_the_prompt_the_responses_and_the_metrics(simulator: RunningSimulator) -> None:
    arn = create(simulator)
    (task,) = builders.open_tasks(simulator, arn)
    name = builders.evaluation_state(simulator, arn)["jobName"]
    assert simulator.admin("GET", f"human_tasks?job={name}") == [task]
    assert task in simulator.admin("GET", "human_tasks")
    assert (task["jobArn"], task["dataset"], task["record"], task["answers"]) == (arn, "questions", 0, 0)
    assert task["responses"] == {"0": "A response", "1": "A response"}
    assert task["inputRecord"]["referenceResponse"] == builders.REFERENCE
    assert [metric["ratingMethod"] for metric in task["metrics"]] == METHODS
    assert task["instructions"] == "Rate the responses."


def test_the_answers_of_several_workers_are_written_in_the_form_of_the_user_guide(simulator: RunningSimulator) -> None:
    arn = create(simulator)
    builders.open_tasks(simulator, arn)
    post(simulator, arn, answer("w1"), answer("w2", timeSpentInSeconds=1))
    assert builders.finished_evaluation(simulator, arn)["status"] == "Completed"
    output = builders.evaluation_output(simulator, arn)
    (key,) = (key for key in output if key.endswith("_output.jsonl"))
    assert key.startswith("datasets/questions/")
    (line,) = output[key]
    assert set(line) == {"humanEvaluationResult", "inputRecord", "modelResponses"}
    assert [one["modelIdentifier"] for one in line["modelResponses"]] == ["arm-a", "arm-b"]
    (result,) = line["humanEvaluationResult"]
    assert result["flowDefinitionArn"] == builders.FLOW
    assert result["modelResponseIdMap"] == {"0": "arm-a", "1": "arm-b"}
    assert len(result["humanLoopName"]) == 40
    first, second = result["humanAnswers"]
    assert (first["workerId"], second["workerId"]) == ("w1", "w2")
    assert first["answerContent"] == {"evaluationResults": RESULTS}
    accepted, submitted = (
        datetime.datetime.fromisoformat(first[f"{name}Time"]) for name in ("acceptance", "submission")
    )
    assert round((submitted - accepted).total_seconds(), 2) == first["timeSpentInSeconds"] == 9.5
    content = result["inputContent"]
    assert [metric["ratingMethod"] for metric in content["evaluationMetrics"]] == METHODS
    path = content["additionalDataS3Uri"].rpartition(f"{arn.rpartition('/')[2]}/")[2]
    assert output[path] == [{"inputRecord": line["inputRecord"], "modelResponses": line["modelResponses"]}]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"record": 1}, "no task 1 of the dataset 'questions'"),
        ({"dataset": "other"}, "no task 0 of the dataset 'other'. Its datasets are questions"),
        ({"evaluationResults": {}}, "answers.1: evaluationResults lacks a rating"),
        ({"workerId": "w1"}, "answers.1: the worker w1 has already answered"),
        ({"when": "now"}, "answers.1.when"),
    ],
    ids=str,
)
def test_one_wrong_answer_refuses_the_whole_request(simulator: RunningSimulator, changes: Any, complaint: str) -> None:
    arn = create(simulator)
    builders.open_tasks(simulator, arn)
    with pytest.raises(AdminError, match="400") as caught:
        post(simulator, arn, answer(), answer(**{"workerId": "w2", **changes}))
    assert complaint in str(caught.value)
    (task,) = simulator.admin("GET", f"human_tasks?job={arn}")
    assert task["answers"] == 0


def test_only_a_job_that_waits_for_answers_takes_them(simulator: RunningSimulator) -> None:
    judged = builders.create_evaluation(simulator)
    ended = create(simulator)
    builders.open_tasks(simulator, ended)
    post(simulator, ended, answer(dataset="questions"))
    builders.finished_evaluation(simulator, ended)
    simulator.fail(kind="evaluation_stalled", times=1)
    stalled = create(simulator)
    for job in ("nothing", judged, ended, stalled):
        with pytest.raises(AdminError, match=r"waits for answers\. No answer was stored"):
            post(simulator, job, answer("w3"))


def test_a_job_whose_tasks_all_have_answers_takes_no_more(simulator: RunningSimulator) -> None:
    for _ in range(5):  # the job ends at an unknown time after its last answer
        arn = create(simulator)
        builders.open_tasks(simulator, arn)
        post(simulator, arn, answer("w1"))
        with pytest.raises(AdminError, match="waits for answers"):
            post(simulator, arn, answer("too late"))


def test_jobs_of_several_regions_with_one_name_are_named_by_their_arns(simulator: RunningSimulator) -> None:
    request = builders.human_request(simulator)
    east = simulator.boto("bedrock").create_evaluation_job(**request)["jobArn"]
    place = {"bucket": "workers-of-oregon", "region": "us-west-2"}
    uri = builders.put(simulator, "lines.jsonl", builders.jsonl([builders.evaluation_line()]), **place)
    builders.allow_worker_portal(simulator, place["bucket"])
    request["evaluationConfig"]["human"]["datasetMetricConfigs"][0]["dataset"]["datasetLocation"]["s3Uri"] = uri
    request["outputDataConfig"] = {"s3Uri": f"s3://{place['bucket']}/output"}
    west = simulator.boto("bedrock", region="us-west-2").create_evaluation_job(**request)["jobArn"]
    for arn in (east, west):
        builders.open_tasks(simulator, arn)
    results = {"thumbsUpDown": [RESULTS["thumbsUpDown"][0]]}
    with pytest.raises(AdminError, match="Several human evaluation jobs") as caught:
        post(simulator, request["jobName"], answer(evaluationResults=results))
    assert east in str(caught.value)
    assert west in str(caught.value)
    assert post(simulator, west, answer(evaluationResults=results))["job"] == west
    assert post(simulator, request["jobName"], answer(evaluationResults=results))["job"] == east


def test_a_metric_belongs_only_to_the_datasets_that_name_it(simulator: RunningSimulator) -> None:
    request = builders.human_request(simulator, methods=("ThumbsUpDown", "IndividualLikertScale"))
    configs = request["evaluationConfig"]["human"]["datasetMetricConfigs"]
    location = configs[0]["dataset"]["datasetLocation"]
    configs[0]["metricNames"] = ["ThumbsUpDown"]
    configs.append({**configs[0], "dataset": {"name": "more", "datasetLocation": location}})
    configs[1]["metricNames"] = ["IndividualLikertScale"]
    arn = simulator.boto("bedrock").create_evaluation_job(**request)["jobArn"]
    tasks = builders.open_tasks(simulator, arn)
    assert [(task["dataset"], [metric["name"] for metric in task["metrics"]]) for task in tasks] == [
        ("questions", ["ThumbsUpDown"]),
        ("more", ["IndividualLikertScale"]),
    ]
    results = {"individualLikertScale": [{**RESULTS["individualLikertScale"][0]}]}
    with pytest.raises(AdminError, match="Its datasets are more, questions"):
        post(simulator, arn, answer(evaluationResults=results))
    assert post(simulator, arn, answer(evaluationResults=results, dataset="more"))["open"] == 1
