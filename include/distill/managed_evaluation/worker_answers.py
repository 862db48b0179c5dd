"""
Read the answers of human workers from the output of an evaluation job.

The output is not trusted. A line or an answer that cannot be read is counted, and the other answers are used. Format
and paths: https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-report-s3.html
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from include.distill.core.storage import ObjectStore
from include.distill.labeling.records import Choice, LabelExample
from include.distill.managed_evaluation.plan import DATASET_NAME
from include.distill.managed_evaluation.records import EvaluationResultManifest
from include.distill.managed_evaluation.results import results_folder
from include.distill.managed_evaluation.worker_jobs import (
    ANSWER_A,
    ANSWER_B,
    CHOICE_METRIC,
    SCALE_METRIC,
    TIE,
    dataset_line,
)

_CHOICE_OF_SOURCE: Mapping[str, Choice] = {ANSWER_A: "A", ANSWER_B: "B"}
_SCALE = range(1, 6)
_LONGEST_WORKER_ID = 256
_OUTPUT_FILE = re.compile(rf"/datasets/{DATASET_NAME}/[^/]+_output\.jsonl$")
# The texts by which a line is matched with an example: the prompt, answer A and answer B.
_Shown = tuple[str, str, str]


class _FaultError(ValueError):
    """A part of the output is not in the documented format. The message says which one, without quoting it."""


@dataclass
class WorkerAnswers:
    """
    The answers of human workers to the examples of a sample.

    :param choices: choices by worker, then by name of the example.
    :param invalid: number of answers that cannot be used.
    :param faults: why answers and lines cannot be used; each reason once.
    :param foreign_lines: number of lines that are not about an example of the sample, or cannot be read.
    """

    choices: dict[str, dict[str, Choice]] = field(default_factory=dict)
    invalid: int = 0
    foreign_lines: int = 0
    faults: dict[str, None] = field(default_factory=dict)

    @property
    def usable(self) -> int:
        """The number of answers that become labels."""
        return sum(map(len, self.choices.values()))

    def missing(self, expected: int) -> int:
        """
        Return the number of answers that workers have not given.

        :param expected: number of answers that the job asked for.
        """
        return max(0, expected - self.usable - self.invalid)


def read_worker_answers(
    store: ObjectStore, result: EvaluationResultManifest, examples: Sequence[LabelExample]
) -> WorkerAnswers:
    """
    Read the answers from all output files of a job.

    :param examples: the examples that the workers saw.
    """
    answers, open_examples = WorkerAnswers(), _by_texts(examples)
    for uri in filter(_OUTPUT_FILE.search, store.list(results_folder(result))):
        for line in store.read(uri).split(b"\n"):
            if line.strip():
                _read_line(line, open_examples, answers)
    return answers


def _by_texts(examples: Sequence[LabelExample]) -> dict[_Shown, list[str]]:
    """Return the names of the examples by what workers saw. Several examples can have the same texts."""
    by_texts: dict[_Shown, list[str]] = defaultdict(list)
    for example in examples:
        line = dataset_line(example)
        by_texts[(line["prompt"], *(one["response"] for one in line["modelResponses"]))].append(example["example"])  # type: ignore[index]
    return by_texts


def _read_line(line: bytes, open_examples: dict[_Shown, list[str]], answers: WorkerAnswers) -> None:
    try:
        value = _object(_parse(line), "a line")
        results, example = _list(value, "humanEvaluationResult"), _take_example(value, open_examples)
    except _FaultError as fault:
        answers.foreign_lines += 1
        answers.faults[str(fault)] = None
        return
    for result in results:
        for answer, sources in _answers(result, answers):
            try:
                _add(_object(answer, "an answer"), sources, example, answers)
            except _FaultError as fault:
                answers.invalid += 1
                answers.faults[str(fault)] = None


def _take_example(line: Mapping[str, object], open_examples: dict[_Shown, list[str]]) -> str:
    """Return the name of the example that a line is about. Each example has one line."""
    names = open_examples.get(_shown(line))
    if not names:
        raise _FaultError("a line is not about an example of the sample, or repeats one")
    return names.pop(0)


def _answers(result: object, answers: WorkerAnswers) -> Iterator[tuple[object, Mapping[str, object]]]:
    """Yield the answers of one result, each with the names of the responses by their ids."""
    try:
        record = _object(result, "humanEvaluationResult")
        given, sources = _list(record, "humanAnswers"), _object(record.get("modelResponseIdMap"), "modelResponseIdMap")
    except _FaultError as fault:
        answers.invalid += 1
        answers.faults[str(fault)] = None
        return
    yield from ((answer, sources) for answer in given)


def _add(answer: Mapping[str, object], sources: Mapping[str, object], example: str, answers: WorkerAnswers) -> None:
    """Add the choice of one answer. If a worker answered an example twice, the first answer counts."""
    worker = answer.get("workerId")
    if not isinstance(worker, str) or not worker.strip() or len(worker) > _LONGEST_WORKER_ID or not _is_text(worker):
        raise _FaultError("an answer has no workerId")
    choice = _choice(answer, sources)
    choices = answers.choices.setdefault(worker, {})
    if example in choices:
        raise _FaultError("a worker answered an example twice")
    choices[example] = choice


def _choice(answer: Mapping[str, object], sources: Mapping[str, object]) -> Choice:
    content = _object(answer.get("answerContent"), "answerContent")
    results = _object(content.get("evaluationResults"), "evaluationResults")
    chosen = _object(_rating(results, "comparisonChoice", CHOICE_METRIC), "comparisonChoice.result")
    source = sources.get(str(chosen.get("modelResponseId")))
    if not isinstance(source, str) or source not in _CHOICE_OF_SOURCE:
        raise _FaultError("the chosen response of an answer is neither answer-a nor answer-b")
    difference = _rating(results, "comparisonLikertScale", SCALE_METRIC)
    if isinstance(difference, bool) or not isinstance(difference, int | float) or difference not in _SCALE:
        raise _FaultError("the result of comparisonLikertScale is not a whole number from 1 to 5")
    return "Tie" if difference == TIE else _CHOICE_OF_SOURCE[source]


def _rating(results: Mapping[str, object], method: str, metric: str) -> object:
    ratings = [_object(rating, method) for rating in _list(results, method)]
    named = [rating for rating in ratings if rating.get("metricName") == metric]
    if len(named) != 1:
        raise _FaultError(f"an answer does not have exactly one rating of {metric} in {method}")
    return named[0].get("result")


def _shown(line: Mapping[str, object]) -> _Shown:
    record = _object(line.get("inputRecord"), "inputRecord")
    responses = [_object(one, "modelResponses") for one in _list(record, "modelResponses")]
    texts = {str(one.get("modelIdentifier")): one.get("response") for one in responses}
    shown = record.get("prompt"), texts.get(ANSWER_A), texts.get(ANSWER_B)
    return tuple(text if isinstance(text, str) else "" for text in shown)  # type: ignore[return-value]


def _is_text(value: str) -> bool:
    """Return whether UTF-8 can encode a string. JSON can contain half of a character, which it cannot encode."""
    return value.encode("utf-8", "replace").decode() == value


def _parse(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise _FaultError("a line is not JSON") from None


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _FaultError(f"{what} is not a JSON object")
    return value


def _list(record: Mapping[str, object], key: str) -> list[Any]:
    value = record.get(key)
    if not isinstance(value, list):
        raise _FaultError(f"{key} is not a list")
    return value
