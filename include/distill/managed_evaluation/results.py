"""
Find and read the scores in the output of an evaluation job.

Paths and format: https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-report-s3.html. That page says
that there is one file for each metric and dataset, but its examples have all metrics in one line, as the AWS simulator
does. So the scores of a question may be in one line or in lines of several files, and are matched one by one.

The output is not trusted, because models wrote parts of it. Every score that was asked for ends up as a record, even if
the output has no readable score. Everything in the output that was not asked for is counted.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from include.distill.core.errors import FAILED_TASK, ContractError
from include.distill.core.naming import content_hash
from include.distill.core.storage import ObjectStore
from include.distill.managed_evaluation.records import EvaluationQuestion, EvaluationResultManifest, ScoreRecord
from include.distill.managed_evaluation.scales import Scale

_RESULTS = re.compile(r"models/.+/taskTypes/[^/]+/datasets/[^/]+/[^/]+_output\.jsonl")


class _Rating(NamedTuple):
    """What an evaluator said about one answer for one metric. The score is ``None`` if it cannot be used."""

    score: float | None
    explanation: str


@dataclass
class _Output:
    """
    The ratings in the output of a job, by metric and hash of the prompt, and the number of faults of each kind.

    Ratings are in the order of the files and lines.
    """

    scales: Mapping[str, Scale]
    prompts: Mapping[str, object]
    ratings: dict[tuple[str, str], list[_Rating]] = field(default_factory=lambda: defaultdict(list))
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, line: bytes) -> None:
        """Add the ratings in one line."""
        record = _parse(line)
        if record is None:
            self.faults["lines that are not results in Bedrock's format"] += 1
            return
        prompt, scores = record
        digest = prompt_hash(prompt)
        if digest not in self.prompts:
            self.faults["lines with a prompt that the job was not given"] += 1
            return
        for entry in scores:
            metric = self._metric(entry)
            if metric is None:
                self.faults["scores for a metric that the job was not given"] += 1
            else:
                self.ratings[metric, digest].append(self._rating(metric, entry))

    def _metric(self, entry: object) -> str | None:
        name = _member(entry, "metricName")
        if name is None and len(self.scales) == 1:
            return next(iter(self.scales))  # public programs report that some jobs with one metric do not name it
        return name if isinstance(name, str) and name in self.scales else None

    def _rating(self, metric: str, entry: object) -> _Rating:
        result, scale = _member(entry, "result"), self.scales[metric]
        if isinstance(result, int | float) and not isinstance(result, bool) and scale.low <= result <= scale.high:
            return _Rating(float(result), _explanation(entry))
        self.faults["scores that are not a number on the metric's scale"] += 1
        return _Rating(None, _explanation(entry))


def read_scores(
    store: ObjectStore,
    *,
    result: EvaluationResultManifest,
    questions: Sequence[EvaluationQuestion],
    scales: Mapping[str, Scale],
    note: Callable[[str], object],
) -> list[ScoreRecord]:
    """
    Return one record for each metric and question, in this order. A record without a readable score has no score.

    If several rows have the same prompt, the first rating of this prompt goes to the first of these rows, and so on.
    All of these rows are about the same document, so the statistics do not depend on which row gets which rating.

    :param questions: the rows of the job's dataset, in the order of its lines.
    :param scales: the scale of each metric that the job was given.
    :param note: is called with one sentence for each kind of fault in the output, and for each metric with missing
        scores. The sentences quote no text of the output.
    :raises ContractError: there is no output, or it has no readable score.
    """
    rows: dict[str, list[str]] = defaultdict(list)
    for question in questions:
        rows[question["prompt_sha256"]].append(question["row_id"])
    output = _Output(scales, rows)
    folder, uris = find_results(store, result)
    for uri in uris:
        for line in _lines(store, uri):
            output.add(line)
    records = [record for metric in scales for record in _records(output, result, metric, questions, rows)]
    if not any(record["score"] is not None for record in records):
        raise _unusable(result, f"has no readable score in its output below {folder}{_listed(output.faults)}")
    for fault, count in output.faults.items():
        note(f"Output of the evaluation job {result['job_name']}: {fault}: {count:,}.")
    for metric, missing in missing_scores(records).items():
        note(
            f"Answers of {result['arm']} without a score by {result['evaluator']} for {metric}: {missing:,} of"
            f" {len(questions):,}."
        )
    return records


def missing_scores(records: Iterable[ScoreRecord]) -> dict[str, int]:
    """Return the number of missing scores of each metric that lacks some."""
    return dict(Counter(record["metric"] for record in records if record["score"] is None))


def prompt_hash(prompt: str) -> str:
    """Return the hash by which the results of an evaluation job are matched with the questions."""
    return content_hash(prompt.encode("utf-8", "surrogatepass"))


def results_folder(result: EvaluationResultManifest) -> str:
    """Return the folder of a job's output, with a slash at the end."""
    job_id = result["job_arn"].rpartition("/")[2]
    return f"{result['output_uri'].rstrip('/')}/{result['job_name']}/{job_id}/"


def find_results(store: ObjectStore, result: EvaluationResultManifest) -> tuple[str, list[str]]:
    """
    Return the folder of a job's output, and the URIs of the files with results in this folder.

    :raises ContractError: the folder has no such file.
    """
    folder = results_folder(result)
    uris = [uri for uri in store.list(folder) if _RESULTS.fullmatch(uri.removeprefix(folder))]
    if not uris:
        raise _unusable(result, f"has no file of results below {folder}")
    return folder, uris


def _lines(store: ObjectStore, uri: str) -> Iterator[bytes]:
    with store.reader(uri) as body:
        yield from (line for line in body if line.strip())


def _parse(line: bytes) -> tuple[str, list[object]] | None:
    """Return the prompt and the scores in a line of the output; ``None`` if the line has another form."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    record, evaluation = (_member(value, name) for name in ("inputRecord", "automatedEvaluationResult"))
    prompt, scores = _member(record, "prompt"), _member(evaluation, "scores")
    return (prompt, scores) if isinstance(prompt, str) and isinstance(scores, list) else None


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _explanation(entry: object) -> str:
    """Return the evaluator's explanation. Lone surrogates, which UTF-8 cannot encode, become question marks."""
    details = _member(entry, "evaluatorDetails")
    text = _member(details[0], "explanation") if isinstance(details, list) and details else None
    return text.encode("utf-8", "replace").decode() if isinstance(text, str) else ""


def _records(
    output: _Output,
    result: EvaluationResultManifest,
    metric: str,
    questions: Sequence[EvaluationQuestion],
    rows: Mapping[str, Sequence[str]],
) -> Iterator[ScoreRecord]:
    """Yield the records of one metric. Of the ratings of a prompt, those with a score are used first."""
    unused: dict[str, Iterator[_Rating]] = {}
    for digest, ids in rows.items():
        ratings = output.ratings.get((metric, digest), [])
        if len(ratings) > len(ids):
            output.faults["scores that repeat another one, of which the first was used"] += len(ratings) - len(ids)
        unused[digest] = iter(sorted(ratings, key=lambda rating: rating.score is None))
    for question in questions:
        rating = next(unused[question["prompt_sha256"]], _Rating(None, ""))
        yield {
            "row_id": question["row_id"],
            "arm": result["arm"],
            "evaluator": result["evaluator"],
            "metric": metric,
            "score": rating.score,
            "explanation": rating.explanation,
        }


def _listed(faults: Mapping[str, int]) -> str:
    return f" ({'; '.join(f'{fault}: {count:,}' for fault, count in faults.items())})" if faults else ""


def _unusable(result: EvaluationResultManifest, problem: str) -> ContractError:
    return ContractError(
        f"The evaluation job {result['job_name']}, in which {result['evaluator']} scored the answers of"
        f" {result['arm']}, is {result['status']}, but {problem}.",
        left="The job and its output were not changed, and no scores were stored.",
        billed="The job is paid for. Reading its output costs nothing.",
        to_do="If files of the output were deleted or changed, restore them. Otherwise, compare the output with"
        " https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-report-s3.html.",
        then_clear=FAILED_TASK,
        effect="reads the output again",
    )
