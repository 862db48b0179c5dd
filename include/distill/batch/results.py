"""
Store the answers of an ended batch job from its output files, even if the job failed, expired or was stopped.

Bedrock bills every answer that it wrote, including the answers of stopped and expired jobs, so each answer is stored.
An output record that has an error, cannot be read, or does not belong to the job is listed with the reason in an
error file. If a request in the job has no stored answer afterwards, it is later sent on demand.
Format: https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-results.html
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from include.distill.batch.input_files import request_keys
from include.distill.batch.lost_records import record_lost_answers
from include.distill.batch.pending_jobs import BatchJobPlan, BatchOutcome
from include.distill.batch.records import BatchError, BatchOutputLine, LineError
from include.distill.config.catalog import load_catalog
from include.distill.core.errors import ContractError
from include.distill.core.storage import ObjectStore, write_jsonl
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.fan_out import Failure, for_each
from include.distill.inference.requests import read_model_output, without_lone_surrogates


@dataclass(frozen=True)
class _LineOutcome:
    """The result of one output line. ``error`` is ``None`` if the line's answer is stored."""

    record_id: str
    error: LineError | None


def collect(
    plan: BatchJobPlan,
    job_id: str,
    *,
    answers: AnswerStore,
    errors_uri: str,
    lost_calls_uri: str,
    successes: int = 0,
    simulated: bool,
    threads: int,
) -> BatchOutcome:
    """
    Store the answers of an ended job under the keys of their requests, and the job's errors at ``errors_uri``.

    It is safe to call this function again: answers that are already stored are kept. Memory use grows with the number
    of records, not with the length of their texts.

    :param job_id: last part of the job's ARN. Bedrock writes into a folder with this name.
    :param errors_uri: URI of the JSONL file to write, with one :class:`BatchError` per line.
    :param lost_calls_uri: folder for the records of answers that were billed but cannot be used.
    :param successes: number of records that Bedrock says it answered; 0 if it does not say.
    :param simulated: whether the AWS simulator ran the job.
    :return: the outcome. A request without an output line is counted as unanswered.
    :raises ServiceError: an answer could not be stored. Other answers may already be stored. Call the function again to
        store the rest.
    """
    keys = request_keys(answers.store, plan.input_uri)
    answers = dataclasses.replace(answers, run_key=plan.run_key)  # the run that bought the job pays for its answers
    tally = _Tally(set(keys))

    read = partial(_collect_line, keys=keys, plan=plan, answers=answers, simulated=simulated)

    def line_errors() -> Iterator[BatchError]:
        for outcome in for_each(_output_lines(answers.store, f"{plan.output_uri}{job_id}/"), read, threads=threads):
            if isinstance(outcome, Failure):
                raise outcome.error
            tally.add(outcome)
            if outcome.error:
                yield {"record_id": outcome.record_id, **outcome.error}

    write_jsonl(answers.store, errors_uri, line_errors())
    record_lost_answers(
        answers.store,
        plan,
        unreadable=tally.unreadable,
        without_line=tally.without_line,
        missing=tally.missing(successes),
        lost_calls_uri=lost_calls_uri,
    )
    return BatchOutcome(plan.records, tally.answered, tally.errors)


@dataclass
class _Tally:
    """
    Counts of a job's output lines.

    :param without_line: keys of the requests for which no output line has been read so far.
    :param unreadable: keys of the requests whose answers have an unknown format.
    """

    without_line: set[str]
    answered: int = 0
    errors: int = 0
    unreadable: set[str] = field(default_factory=set)
    unreadable_lines: int = 0

    def missing(self, successes: int) -> int:
        """
        Return how many billed answers are missing from the output or are in lines that cannot be read.

        :param successes: number of records that Bedrock says it answered; 0 if it does not say.
        """
        return max(self.unreadable_lines, successes - self.answered - len(self.unreadable))

    def add(self, outcome: _LineOutcome) -> None:
        """Count an output line. If a request has several lines, only the first of them is counted."""
        reason = outcome.error["reason"] if outcome.error else None
        self.unreadable_lines += reason == "unreadable_line"
        if outcome.record_id not in self.without_line:
            return
        self.without_line.discard(outcome.record_id)
        self.answered += reason is None
        self.errors += reason is not None
        if reason == "unreadable_answer":
            self.unreadable.add(outcome.record_id)


def _output_lines(store: ObjectStore, folder_uri: str) -> Iterator[bytes]:
    for uri in store.list(folder_uri):
        if uri.endswith(".jsonl.out"):  # manifest.json.out in the same folder is a summary
            with store.reader(uri) as lines:
                yield from (line for line in lines if line.strip())


def _collect_line(
    line: bytes, keys: set[str], plan: BatchJobPlan, answers: AnswerStore, *, simulated: bool
) -> _LineOutcome:
    """Store the answer in one output line if the line belongs to a request in the job."""
    try:
        record: BatchOutputLine = json.loads(line.decode())
        record_id = without_lone_surrogates(str(record["recordId"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        message = f"the line is not a batch output record: {error!r}"
        return _LineOutcome("", {"reason": "unreadable_line", "message": message})
    if record_id not in keys:
        message = f"the batch job {plan.name} has no request with this id"
        return _LineOutcome(record_id, {"reason": "unknown_record", "message": message})
    if "modelOutput" not in record:
        return _LineOutcome(record_id, _bedrock_error(record.get("error")))
    try:
        model = load_catalog().model(plan.model)
        completion = read_model_output(model, record["modelOutput"], simulated=simulated)
    except ContractError as error:
        return _LineOutcome(record_id, {"reason": "unreadable_answer", "message": str(error)})
    answers.store_batch_answer(record_id, completion, identity=plan.identity, max_tokens=plan.max_tokens)
    return _LineOutcome(record_id, None)


def _bedrock_error(error: object) -> LineError:
    details = error if isinstance(error, dict) else {"errorMessage": error}
    reason, message = (str(details.get(key) or "") for key in ("errorCode", "errorMessage"))
    return {
        "reason": without_lone_surrogates(reason) or "no_answer",
        "message": without_lone_surrogates(message) or "the line has neither an answer nor the reason for its error",
    }
