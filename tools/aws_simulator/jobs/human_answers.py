"""
Define the answers that a client posts for the workers of a human evaluation job, and check them.

Each rating method has a key of its own in ``evaluationResults``. Forms of the results:
https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-report-s3.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-foundation-model-evaluate-results-human.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from tools.aws_simulator.account.evaluation_records import HumanTask
from tools.aws_simulator.jobs.evaluation_requests import COMPARISONS

# That both Likert scales go from 1 to 5 is UNVERIFIED.
_Likert = Annotated[int, Field(strict=True, ge=1, le=5)]
_Name = Annotated[str, Field(min_length=1, max_length=256)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Thumb(_Strict):
    metricName: str
    modelResponseId: str
    result: Annotated[bool, Field(strict=True)]


class _Individual(_Strict):
    metricName: str
    modelResponseId: str
    result: _Likert


class _Comparison(_Strict):
    metricName: str
    leftModelResponseId: str
    rightModelResponseId: str
    result: _Likert


class _Chosen(_Strict):
    modelResponseId: str


class _Choice(_Strict):
    metricName: str
    result: _Chosen


class _Rank(_Strict):
    modelResponseId: str
    rank: Annotated[int, Field(strict=True, ge=1, le=2)]


class _Ranking(_Strict):
    metricName: str
    result: list[_Rank]


class _Results(_Strict):
    thumbsUpDown: list[_Thumb] = []
    individualLikertScale: list[_Individual] = []
    comparisonLikertScale: list[_Comparison] = []
    comparisonChoice: list[_Choice] = []
    comparisonRank: list[_Ranking] = []


class WorkerAnswer(_Strict):
    """The answer of one worker to one task. Tasks are numbered from 0 in the order of the dataset's lines."""

    dataset: str | None = None
    record: Annotated[int, Field(strict=True, ge=0)]
    workerId: _Name
    timeSpentInSeconds: Annotated[float, Field(strict=True, ge=0, le=1e9)]
    evaluationResults: _Results

    @property
    def results(self) -> dict[str, list[Any]]:
        """The results by rating method, without the methods that the answer does not use."""
        dumped = self.evaluationResults.model_dump()
        return {method: ratings for method, ratings in dumped.items() if ratings}


class PostedAnswers(_Strict):
    """The body of a request with answers. ``job`` is the ARN or the name of the job."""

    job: str
    answers: Annotated[list[WorkerAnswer], Field(min_length=1)]


def find_fault(answer: WorkerAnswer, task: HumanTask) -> str:
    """Return what is wrong with an answer to a task; an empty text if it can be stored."""
    if answer.workerId in [earlier["workerId"] for earlier in task["answers"]]:
        return f"the worker {answer.workerId} has already answered this task"
    ids = [str(number) for number in range(len(task["responses"]))]
    expected = Counter(_expected(task, ids))
    given = Counter(_given(answer))
    for what, difference in (("lacks", expected - given), ("must not have", given - expected)):
        if difference:
            method, metric, response = next(iter(difference))
            of_response = f" of the response {response!r}" if response else ""
            return f"evaluationResults {what} a rating of {metric!r}{of_response} in {method}"
    wrong = next((one for one in _compared(answer) if sorted(one) != ids), None)
    return f"a comparison names the responses {wrong}; expected {ids}, each once" if wrong else ""


def _key(method: str) -> str:
    return method[0].lower() + method[1:]


def _expected(task: HumanTask, ids: list[str]) -> Iterator[tuple[str, str, str]]:
    for metric in task["metrics"]:
        is_comparison = metric["ratingMethod"] in COMPARISONS
        for response in [""] if is_comparison else ids:
            yield _key(metric["ratingMethod"]), metric["name"], response


def _given(answer: WorkerAnswer) -> Iterator[tuple[str, str, str]]:
    for method, ratings in answer.results.items():
        for rating in ratings:
            yield method, rating["metricName"], rating.get("modelResponseId", "")


def _compared(answer: WorkerAnswer) -> Iterator[list[str]]:
    """Yield the responses that each comparison names. A choice names one, so the other one is added."""
    results = answer.evaluationResults
    for likert in results.comparisonLikertScale:
        yield [likert.leftModelResponseId, likert.rightModelResponseId]
    for ranking in results.comparisonRank:
        yield [rank.modelResponseId for rank in ranking.result]
    for choice in results.comparisonChoice:
        chosen = choice.result.modelResponseId
        yield [chosen, {"0": "1", "1": "0"}.get(chosen, "")]
