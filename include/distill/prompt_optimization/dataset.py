"""
Write the input of a prompt optimization job: the prompt, and training rows as samples.

Format: https://docs.aws.amazon.com/bedrock/latest/userguide/advanced-prompt-optimization-input.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import islice

from include.distill.config.catalog import Family, load_catalog
from include.distill.config.delimiters import delimiters_of, escape_delimiters
from include.distill.config.placeholders import without_placeholders, without_spaces
from include.distill.config.prompts import Prompt
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError, LimitError
from include.distill.dataset.records import Row
from include.distill.inference.student import escape_reserved
from include.distill.prompt_optimization.records import OptimizationInput, OptimizationSample
from include.distill.prompt_optimization.template import template_for_job

VERSION = "bedrock-2026-05-14"
TEMPLATE_ID = "answering"
# https://docs.aws.amazon.com/bedrock/latest/userguide/advanced-prompt-optimization-quotas.html states 50 MB.
MOST_BYTES = 50_000_000


def optimization_input(rows: Iterable[Row], use_case: UseCase, prompts: Mapping[str, Prompt]) -> OptimizationInput:
    """
    Return the input of the job that optimizes the answering prompt of a use case.

    It does not depend on the arm. The name of the job does, so each arm has a job of its own.

    :param rows: the training rows. The first ``prompt_optimization.samples`` rows become samples.
    :param prompts: the run's frozen prompts, by name.
    :raises InputError: there are no training rows.
    """
    settings = use_case.prompt_optimization
    template = template_for_job(use_case, prompts)
    family = load_catalog().family_of(use_case.catalog_model(use_case.student))
    delimiters = delimiters_of(template)
    samples = [_sample(row, delimiters, family) for row in islice(rows, settings.samples)]
    if not samples:
        raise InputError(
            "There is no training row, so a prompt optimization job would have no samples.",
            left="No job was bought.",
            to_do="Remove the arms with prompt: optimized, or add training rows.",
            then_clear="preflight with downstream",
        )
    record: OptimizationInput = {
        "version": VERSION,
        "templateId": TEMPLATE_ID,
        "promptTemplate": template,
        "evaluationSamples": samples,
    }
    if settings.steering_criteria:
        record["steeringCriteria"] = list(settings.steering_criteria)
    if settings.judge:
        record["customEvaluationMetricLabel"] = settings.judge.metric
        record["customLLMJConfig"] = {
            "customLLMJPrompt": without_spaces(settings.judge.instructions),
            "customLLMJModelId": use_case.catalog_model(settings.judge.model).foundation_id,
        }
    return record


def encode(record: OptimizationInput) -> bytes:
    """
    Return the content of the input file, which has one line. The same record always gives the same bytes.

    :raises LimitError: the file would be larger than Bedrock permits.
    """
    body = f"{json.dumps(record)}\n".encode()
    if len(body) <= MOST_BYTES:
        return body
    samples = record["evaluationSamples"]
    raise LimitError(
        f"The input of the prompt optimization job has {len(body):,} bytes with {len(samples)} samples; Bedrock permits"
        f" at most {MOST_BYTES:,} bytes.",
        left="No job was bought.",
        to_do=f"Set prompt_optimization.samples to {_fitting(record, len(body)) or 'a smaller number'}, or shorten the"
        " documents.",
        then_clear="preflight with downstream",
        settings=["prompt_optimization.samples"],
    )


def _fitting(record: OptimizationInput, size: int) -> int:
    """Return how many of the first samples fit into the file."""
    samples = record["evaluationSamples"]
    while samples and size > MOST_BYTES:
        size -= len(json.dumps(samples[-1])) + len(", ")
        samples = samples[:-1]
    return len(samples)


def _sample(row: Row, delimiters: frozenset[str], family: Family) -> OptimizationSample:
    """Return a row as a sample. Its texts are escaped as in a request to the student."""
    texts = {
        name: without_placeholders(escape_delimiters(escape_reserved(text, family), delimiters))
        for name, text in (("document", row["document"]), ("question", row["question"]))
    }
    return {
        "inputVariables": [{name: text} for name, text in texts.items()],
        "referenceResponse": without_placeholders(row["answer"]),
    }
