"""
From a batch job's output to stored answers: record by record, in any order, whatever the job's end.

Every answer that Bedrock wrote was paid for, so every one is stored, of stopped and expired jobs too. A record that
ended in an error, cannot be read, or was never asked is kept beside with its reason; it is asked on demand later.
Format: https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-results.html
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from include.distill.batch.input_files import question_keys
from include.distill.batch.open_jobs import BatchJobPlan, BatchOutcome
from include.distill.config.catalog import load_catalog
from include.distill.core.errors import ContractError
from include.distill.core.storage import ObjectStore, Record, write_jsonl
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.fan_out import Failure, for_each
from include.distill.inference.requests import read_model_output


@dataclass(frozen=True)
class _LineOutcome:
    """What became of one line; ``error`` is ``None`` when its answer is stored."""

    record_id: str
    error: Record | None


def collect(
    plan: BatchJobPlan, job_id: str, *, answers: AnswerStore, errors_uri: str, simulated: bool, threads: int
) -> BatchOutcome:
    """
    Store the answers of an ended job under the keys of their questions, and its errors at ``errors_uri``.

    May be done again: answers that are there stay. Memory grows with the job's record ids, not with its texts.

    :param job_id: last part of the job's ARN; Bedrock writes into a folder of that name.
    :return: its counts; a question that no line is about is unanswered.
    """
    keys = question_keys(answers.store, plan.input_uri)
    paid = dataclasses.replace(answers, run_key=plan.run_key)
    left, counts = set(keys), {"answered": 0, "errors": 0}

    def collect_line(line: bytes) -> _LineOutcome:
        return _collect_line(line, keys, plan, paid, simulated=simulated)

    def errors() -> Iterator[Record]:
        lines = _lines(answers.store, f"{plan.output_uri}{job_id}/")
        for outcome in for_each(lines, collect_line, threads=threads):
            if isinstance(outcome, Failure):
                raise outcome.error
            if outcome.record_id in left:
                counts["errors" if outcome.error else "answered"] += 1
                left.discard(outcome.record_id)
            if outcome.error:
                yield {"record_id": outcome.record_id, **outcome.error}

    write_jsonl(answers.store, errors_uri, errors())
    return BatchOutcome(plan.records, **counts)


def _lines(store: ObjectStore, folder_uri: str) -> Iterator[bytes]:
    for uri in store.list(folder_uri):
        if uri.endswith(".jsonl.out"):  # beside them lies manifest.json.out, a summary
            with store.reader(uri) as lines:
                yield from (line for line in lines if line.strip())


def _collect_line(
    line: bytes, keys: set[str], plan: BatchJobPlan, answers: AnswerStore, *, simulated: bool
) -> _LineOutcome:
    """Store the answer in one line of output, if there is one that was asked for."""
    try:
        record: dict[str, Any] = json.loads(line.decode())
        record_id = str(record["recordId"])
    except (ValueError, KeyError, TypeError) as error:
        return _LineOutcome("", {"reason": "unreadable_line", "message": f"no record of a batch output: {error!r}"})
    if record_id not in keys:
        return _LineOutcome(record_id, {"reason": "unknown_record", "message": f"{plan.name} never asked it"})
    if "modelOutput" not in record:
        return _LineOutcome(record_id, _bedrocks_error(record.get("error")))
    try:
        model = load_catalog().model(plan.model)
        completion = read_model_output(model, record["modelOutput"], simulated=simulated)
    except ContractError as error:
        return _LineOutcome(record_id, {"reason": "unreadable_answer", "message": str(error)})
    answers.store_batch_answer(record_id, completion, identity=plan.identity, max_tokens=plan.max_tokens)
    return _LineOutcome(record_id, None)


def _bedrocks_error(error: Any) -> Record:
    given = error if isinstance(error, dict) else {"errorMessage": error}
    return {"reason": str(given.get("errorCode", "no_answer")), "message": str(given.get("errorMessage"))}
