"""Define the records of model calls: a teacher's pairs, stored answers, usage, and the endpoint of a model."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

# The reason why a part of a teacher's output is not a pair.
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
    """A document and a question about it: the input for a student's request. Dataset rows have both fields."""

    document: str
    question: str


class QuestionAnswer(TypedDict):
    """A question with its answer. :class:`WrittenPair` and dataset rows have both fields."""

    question: str
    answer: str


class WrittenPair(QuestionAnswer):
    """A question and its answer as a teacher wrote them. The ``text`` of a :class:`RejectedPair` is such a record."""

    topic: str


class UnreadablePair(TypedDict):
    """A part of a teacher's output that is not a pair."""

    reason: UnreadableReason
    message: str  # the position in characters, the fault, and what was expected
    text: str  # the unreadable part of the output


class CompletionRecord(TypedDict):
    """A model's output with its real token usage, as stored in ``completion`` of :class:`StoredAnswerRecord`."""

    text: str
    stop_reason: str  # as Bedrock returned it
    input_tokens: int
    output_tokens: int
    simulated: bool  # True when no real model wrote the text


class StoredAnswerRecord(TypedDict):
    """
    One stored answer of a model.

    The answer is stored in ``<prefix>/responses/<model>/<first two hex digits>/<request key>.json``. This object is
    not in a run's folder, because all runs share it.
    """

    identity: str  # inference id of the model, or ARN of a custom model
    sample: int  # 0 for the first request; a repeated request has the next number
    max_tokens: int
    batch: NotRequired[bool]  # True when the answer comes from a batch job; absent otherwise
    # Key of the base model in models.yaml, if a deployment of a custom model answered, so that the tokens are billed at
    # the custom model's price; absent otherwise. Answers from provisioned throughput lack it too: they are billed by
    # the hour, not by the token.
    deployed: NotRequired[str]
    paid_by: str  # run key of the run that paid for the answer
    completion: CompletionRecord


class LostCallRecord(TypedDict):
    """
    A model call whose answer did not arrive. AWS may bill the call.

    The record is stored in ``lost_calls/`` of the run's folder and counted in the run's bill. The token counts are
    upper limits.
    """

    key: str  # key of the request, a hash that reveals none of the request's text
    model: str  # key of the model in models.yaml
    round: str  # the task instance and Airflow's max_tries, which grows when a person clears the task
    input_tokens: int  # a conservative estimate
    output_tokens: int  # the request's max_tokens
    batch: NotRequired[bool]  # True for an answer of a batch job that was billed but cannot be used; absent otherwise
    deployed: NotRequired[bool]  # True for a call to a deployment of a custom model; absent otherwise


class UsageRecord(TypedDict):
    """
    The model usage of a task: the calls and tokens that this run pays for, and the answers that were already stored.

    The manifests of ``synthesize``, ``curate``, ``answer`` and ``judge`` contain this record. Answers from batch jobs
    are counted both in the totals and in the ``batch_`` fields, because batch jobs cost less. The tokens of deployments
    are counted again in the ``deployed_`` fields, because they have the custom model's price.
    """

    calls: int
    cache_hits: int
    input_tokens: int
    output_tokens: int
    batch_calls: int
    batch_input_tokens: int
    batch_output_tokens: int
    deployed_input_tokens: NotRequired[int]  # absent if no deployment of a custom model answered
    deployed_output_tokens: NotRequired[int]
    simulated: bool


class ThroughputManifest(TypedDict):
    """
    The endpoint that serves an arm. The task ``provision`` or ``deploy`` passes this record through XCom only.

    ``deploy`` creates a deployment, or buys provisioned throughput if the estimate chose it.
    """

    model_arn: str | None  # ARN of the custom model; None if the base student is used in place of a champion
    student: str  # key of the base model in models.yaml
    missing_answers: int  # evaluation questions without a stored answer
    bought: bool  # True if this attempt created the endpoint; False if it already existed or is not needed
    usd_per_hour: NotRequired[float]  # for all model units; absent with a deployment and in records of earlier versions
    deployment_name: NotRequired[str]  # absent without a deployment
    deployment_arn: NotRequired[str]
    throughput_name: str | None  # None when no answer is missing, and with a deployment
    throughput_arn: str | None
    created: NotRequired[str]  # ISO 8601; absent without an endpoint and in records of earlier versions


class EndpointManifest(TypedDict):
    """
    The endpoint to call and its model.

    The task ``in_service`` or ``active`` passes this record through XCom only.
    """

    invoke_id: str | None  # ARN of the endpoint; None when no answer is missing
    model_arn: str | None
    student: str
