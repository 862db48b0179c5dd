"""Records of model calls: what a teacher wrote, stored answers, usage, and the endpoint that serves a model."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

# Why a part of a teacher's output is not a pair.
UnreadableReason = Literal[
    "no_record",
    "not_json",
    "truncated",
    "ambiguous",
    "missing_key",
    "duplicate_key",
    "wrong_type",
    "empty_value",
    "control_character",
]


class DocumentQuestion(TypedDict):
    """A document and a question about it. Every row of the dataset is one; a student is asked about it."""

    document: str
    question: str


class QuestionAnswer(TypedDict):
    """A question with its answer. Part of :class:`WrittenPair`; every row of the dataset is one too."""

    question: str
    answer: str


class WrittenPair(QuestionAnswer):
    """One question and answer pair as a teacher wrote it, read from its output. ``text`` of a rejected pair."""

    topic: str


class UnreadablePair(TypedDict):
    """A part of a teacher's output that is not a pair."""

    reason: UnreadableReason
    message: str  # says at which character, and what was expected
    text: str  # the unreadable part of the output


class CompletionRecord(TypedDict):
    """A model's output with its real usage. ``completion`` of :class:`StoredAnswerRecord`."""

    text: str
    stop_reason: str  # as Bedrock returned it
    input_tokens: int
    output_tokens: int
    simulated: bool  # True when no real model wrote it


class StoredAnswerRecord(TypedDict):
    """
    One stored answer of a model.

    Stored in ``<prefix>/responses/<model>/<first two hex digits>/<request key>.json``, outside the run's folder: all
    runs share it.
    """

    identity: str  # inference id of the model, or ARN of a custom model
    sample: int  # 0 for the first request; a repeated request has the next number
    max_tokens: int
    batch: NotRequired[bool]  # True when a batch job answered; absent otherwise
    paid_by: str  # run key of the run that paid
    completion: CompletionRecord


class UsageRecord(TypedDict):
    """
    What a task asked of models: calls that this run pays for, with their tokens, and answers that were stored before.

    Part of the manifests of ``synthesize``, ``curate``, ``answer`` and ``judge``. What batch jobs answered is in the
    totals, and once more in the ``batch_`` fields, because it is cheaper.
    """

    calls: int
    cache_hits: int
    input_tokens: int
    output_tokens: int
    batch_calls: int
    batch_input_tokens: int
    batch_output_tokens: int
    simulated: bool


class ThroughputManifest(TypedDict):
    """Result of an arm's ``provision``: the provisioned throughput that serves it. Passed by XCom only."""

    model_arn: str | None  # custom model that answers; None while the base student takes the champion's place
    student: str  # key of the base model in models.yaml
    missing_answers: int  # evaluation questions without a stored answer
    bought: bool  # True when this try bought it, False when it was found or none is needed
    usd_per_hour: NotRequired[float]  # for all model units; absent from manifests of earlier versions
    throughput_name: str | None  # None when no answer is missing
    throughput_arn: str | None


class EndpointManifest(TypedDict):
    """Result of an arm's ``in_service``: what to call, and whose answers they are. Passed by XCom only."""

    invoke_id: str | None  # ARN of the throughput; None when no answer is missing
    model_arn: str | None
    student: str
