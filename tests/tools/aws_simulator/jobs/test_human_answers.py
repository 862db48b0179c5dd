"""Posted answers must rate every response for every metric, in the form of the metric's rating method."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from tools.aws_simulator.account.evaluation_records import HumanTask
from tools.aws_simulator.jobs.evaluation_requests import RATING_METHODS
from tools.aws_simulator.jobs.human_answers import PostedAnswers, find_fault

METHODS = sorted(RATING_METHODS)
RESULTS: dict[str, Any] = {
    "thumbsUpDown": [{"metricName": "ThumbsUpDown", "modelResponseId": id_, "result": id_ == "0"} for id_ in "01"],
    "individualLikertScale": [
        {"metricName": "IndividualLikertScale", "modelResponseId": id_, "result": 4} for id_ in "01"
    ],
    "comparisonLikertScale": [
        {
            "metricName": "ComparisonLikertScale",
            "leftModelResponseId": "1",
            "rightModelResponseId": "0",
            "result": 2,
        }
    ],
    "comparisonChoice": [{"metricName": "ComparisonChoice", "result": {"modelResponseId": "1"}}],
    "comparisonRank": [
        {
            "metricName": "ComparisonRank",
            "result": [{"modelResponseId": "0", "rank": 1}, {"modelResponseId": "1", "rank": 1}],
        }
    ],
}
ANSWER: dict[str, Any] = {"record": 0, "workerId": "w1", "timeSpentInSeconds": 2, "evaluationResults": RESULTS}
TASK = HumanTask(
    dataset="d",
    record=0,
    line={"prompt": "p"},
    responses=[{"response": "a", "modelIdentifier": "x"}, {"response": "b", "modelIdentifier": "y"}],
    metrics=[{"name": method, "ratingMethod": method} for method in METHODS],
    answers=[],
)


def fault(answer: Any, task: HumanTask = TASK) -> str:
    return find_fault(PostedAnswers.model_validate({"job": "j", "answers": [answer]}).answers[0], task)


def changed(change: Callable[[Any], Any]) -> Any:
    answer = copy.deepcopy(ANSWER)
    change(answer["evaluationResults"])
    return answer


def test_an_answer_with_all_rating_methods_is_accepted_and_kept_as_it_is() -> None:
    assert fault(ANSWER) == ""
    posted = PostedAnswers.model_validate({"job": "j", "answers": [ANSWER]}).answers[0]
    assert posted.results == RESULTS


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda r: r["thumbsUpDown"].pop(), "lacks a rating of 'ThumbsUpDown' of the response '1' in thumbsUpDown"),
        (lambda r: r.pop("comparisonChoice"), "lacks a rating of 'ComparisonChoice' in comparisonChoice"),
        (lambda r: r["thumbsUpDown"].append(r["thumbsUpDown"][0]), "must not have a rating of 'ThumbsUpDown'"),
        (lambda r: r["comparisonRank"][0].update(metricName="Other"), "lacks a rating of 'ComparisonRank'"),
        (lambda r: r["individualLikertScale"][0].update(modelResponseId="7"), "lacks a rating"),
        (lambda r: r["comparisonLikertScale"][0].update(leftModelResponseId="0"), "['0', '0']"),
        (lambda r: r["comparisonRank"][0]["result"].pop(), "expected ['0', '1'], each once"),
        (lambda r: r["comparisonChoice"][0].update(result={"modelResponseId": "2"}), "names the responses ['2', '']"),
    ],
)
def test_an_answer_that_does_not_suit_the_task_has_a_fault(change: Callable[[Any], Any], complaint: str) -> None:
    assert complaint in fault(changed(change))


def test_a_worker_answers_a_task_once() -> None:
    earlier: Any = [{**ANSWER, "submitted": 0.0}]
    answered: HumanTask = {**TASK, "answers": earlier}
    assert "has already answered" in fault(ANSWER, answered)
    assert fault({**ANSWER, "workerId": "w2"}, answered) == ""


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda r: r["thumbsUpDown"][0].update(result=1), "thumbsUpDown.0.result"),
        (lambda r: r["individualLikertScale"][0].update(result=6), "individualLikertScale.0.result"),
        (lambda r: r["individualLikertScale"][0].update(result=True), "individualLikertScale.0.result"),
        (lambda r: r["comparisonLikertScale"][0].update(result=0), "comparisonLikertScale.0.result"),
        (lambda r: r["comparisonRank"][0]["result"][0].update(rank=3), "comparisonRank.0.result.0.rank"),
        (lambda r: r["comparisonChoice"][0].update(result="0"), "comparisonChoice.0.result"),
        (lambda r: r.update(stars=[]), "stars"),
    ],
)
def test_a_result_of_another_form_is_refused(change: Callable[[Any], Any], place: str) -> None:
    with pytest.raises(ValidationError) as caught:
        fault(changed(change))
    (error,) = caught.value.errors()
    assert ".".join(map(str, error["loc"])) == f"answers.0.evaluationResults.{place}"


@pytest.mark.parametrize(
    "change",
    [{"record": -1}, {"record": True}, {"workerId": ""}, {"timeSpentInSeconds": -1}, {"dataset": 3}, {"when": "now"}],
    ids=str,
)
def test_an_answer_of_another_form_is_refused(change: Any) -> None:
    with pytest.raises(ValidationError, match=next(iter(change))):
        fault({**ANSWER, **change})


def test_a_request_needs_an_answer() -> None:
    with pytest.raises(ValidationError, match="answers"):
        PostedAnswers.model_validate({"job": "j", "answers": []})
