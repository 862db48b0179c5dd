"""
Estimate the tokens of a finished distillation job from the reports that it wrote to S3.

Bedrock states no tokens. Its reports state how many prompts it accepted, and contain a sample of the prompts with the
answers of the teacher: https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-analyze.html
The length of these answers replaces the assumption that an answer of the teacher is as long as the answer of the row.
The names of the files are those of a public report (``manifest.report.csv``) and of the AWS simulator; the name of the
sample is UNVERIFIED. Without the files, the estimate of the task ``merge`` stays.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from include.distill.core.storage import ObjectStore, read_jsonl
from include.distill.cost.job_price import JobTokens, tokens_of
from include.distill.text.token_count import central_token_count
from include.distill.training.formats import BedrockConversation
from include.distill.training.metrics_files import MAX_BYTES, find_metrics
from include.distill.training.records import ConversationRecord, DatasetManifest, TrainingManifest

PROMPT_REPORT = "manifest.report.csv"
SAMPLE = "sample.jsonl"
_ACCEPTED = "acceptedRecordCount"


def finished_job_tokens(
    store: ObjectStore, trained: TrainingManifest, dataset: DatasetManifest, *, note: Callable[[str], object]
) -> JobTokens:
    """
    Return the tokens of a finished job. For a job without a teacher, they are those of the training set.

    :param note: is called with one sentence for each report of a distillation job that cannot be read.
    """
    tokens = tokens_of(dataset)
    use = dataset.get("teacher")
    if use is None or not dataset["records"]:
        return tokens
    prompts = _accepted(store, trained, note)
    share = 1.0 if prompts is None else min(1.0, prompts / dataset["records"])
    per_answer = _tokens_per_answer(store, trained, note)
    if per_answer is None:
        return JobTokens(
            round(share * tokens.epoch), (round(share * tokens.teacher[0]), round(share * tokens.teacher[1]))
        )
    if per_answer == 0:  # every prompt has an answer of ours, and the teacher was not asked
        return JobTokens(round(share * tokens.epoch))
    asked = share * use["input_tokens"]
    answers = share * dataset["records"] * per_answer
    return JobTokens(round(asked + answers), (round(asked), round(answers)))


def _accepted(store: ObjectStore, trained: TrainingManifest, note: Callable[[str], object]) -> int | None:
    """Return the number of prompts that Bedrock accepted; ``None`` if it is not stated."""
    for uri in find_metrics(store, trained, PROMPT_REPORT):
        with store.reader(uri) as body:
            text = body.read(MAX_BYTES).decode("utf-8", "replace")
        try:
            numbers = [int(row[_ACCEPTED]) for row in csv.DictReader(io.StringIO(text))]
        except (KeyError, TypeError, ValueError, csv.Error):
            numbers = []
        if numbers:
            return sum(numbers)
        note(f"{uri} does not state the number of accepted prompts in a column {_ACCEPTED}")
    return None


def _tokens_per_answer(store: ObjectStore, trained: TrainingManifest, note: Callable[[str], object]) -> float | None:
    """Return the mean length of the sampled answers; 0 for an empty sample, and ``None`` without a sample."""
    for uri in find_metrics(store, trained, SAMPLE):
        try:
            records = read_jsonl(store, uri, ConversationRecord)
            answers = [str(BedrockConversation().read(record)["assistant"]) for record in records]
        except Exception as error:
            # The format is not documented. The report must not fail because of it.
            note(f"{uri} cannot be read as a sample of prompts and answers ({type(error).__name__})")
            continue
        return sum(map(central_token_count, answers)) / len(answers) if answers else 0.0
    return None
