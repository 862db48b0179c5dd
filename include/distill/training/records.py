"""Define the records of training: lines of a training file, the data card, and the training job."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from include.distill.core.records import BillLineRecord
from include.distill.curation.records import PairCounts
from include.distill.inference.records import WrittenPair


class PromptCompletionRecord(TypedDict):
    """
    One training record in the format ``prompt-completion``.

    The record is stored in ``merged/<arm>/train.jsonl`` and ``validation.jsonl``, and under
    ``<prefix>/datasets/<sha256>/``.
    """

    prompt: str
    completion: str


class AnthropicMessage(TypedDict):
    """One message of an :class:`AnthropicRecord`."""

    role: Literal["user", "assistant"]
    content: str


class AnthropicRecord(TypedDict):
    """
    One training record in the format ``anthropic-messages``.

    The record is stored like :class:`PromptCompletionRecord`.
    """

    system: NotRequired[str]  # absent if there is no instruction
    messages: list[AnthropicMessage]  # one message from the user, then one from the assistant


class TextBlock(TypedDict):
    """One block of text in a :class:`ConversationRecord`."""

    text: str


class ConversationMessage(TypedDict):
    """One message of a :class:`ConversationRecord`."""

    role: Literal["user", "assistant"]
    content: list[TextBlock]  # one block


class ConversationRecord(TypedDict):
    """
    One training record in the format ``bedrock-conversation-2024``.

    The record is stored like :class:`PromptCompletionRecord`.
    """

    schemaVersion: Literal["bedrock-conversation-2024"]
    system: NotRequired[list[TextBlock]]  # one block; absent if there is no instruction
    # One message from the user, then one from the assistant. A prompt of a distillation job may lack the latter.
    messages: list[ConversationMessage]


class DocumentRecord(TypedDict):
    """
    One training record in the format ``documents``: a document, or a part of one that is too long for a record.

    The record is stored like :class:`PromptCompletionRecord`.
    """

    input: str


TrainingRecord = PromptCompletionRecord | AnthropicRecord | ConversationRecord | DocumentRecord


class DocumentCounts(TypedDict):
    """
    How the documents of an arm became records of continued pre-training.

    The record is stored as ``documents`` in :class:`TrainingSetCounts`.
    """

    distinct: int  # documents in the training file, each once
    repeated: int  # rows whose document is already in the training file
    split: int  # distinct documents that are longer than a record may be, and are in several records


class TrainingSetCounts(TypedDict):
    """
    Sizes of an arm's training set, in records.

    The record is stored as ``counts`` in the data card, and is part of :class:`MergeManifest`.
    """

    originals: int  # original rows of the dataset
    synthetic: int  # pairs written by the teacher
    records: int  # originals + synthetic; with continued pre-training, the documents and their parts
    validation: int  # records in a separate file: held-out rows, or the parts of their documents
    documents: NotRequired[DocumentCounts]  # only with continued pre-training


class HistogramBin(TypedDict):
    """One bin of a distribution in the data card."""

    up_to: float | None  # inclusive upper bound; None for the last bin
    count: int


class TopicWord(TypedDict):
    """A frequent word in the topics of the pairs. The record is an entry in ``topic_words`` of the data card."""

    word: str
    pairs: int  # number of pairs with the word in their topic


class CardFigureRecord(TypedDict):
    """The measured figures of a training set. The record is part of :class:`DataCard`."""

    # Keys: ``<question|answer>_characters_<originals|synthetic>`` (in characters), ``grounding_synthetic`` (a share),
    # and with continued pre-training ``document_characters_originals``.
    distributions: dict[str, list[HistogramBin]]
    topic_words: list[TopicWord]
    to_read: list[WrittenPair]  # ten pairs, selected with the use case's seed


class CardModel(TypedDict):
    """The teacher or the student in the data card."""

    model: str  # inference id
    provider: str
    family: str


class FunnelStep(TypedDict):
    """Numbers of pairs that one filter dropped and kept. The record is an entry in ``funnel`` of the data card."""

    filter: str  # name of the filter, "critic", or "missing" for pairs that were never written
    dropped: int
    left: int


class CriticVerdictCounts(TypedDict):
    """The number of pairs for each verdict of the critic. The record is stored as ``critic`` in the data card."""

    grounded: int
    ungrounded: int
    unparsable: int
    not_looked_at: int


class JobTeacherPart(TypedDict, total=False):
    """The part of a data card about the model that Bedrock asks during a distillation job; empty for other jobs."""

    job_teacher: CardModel
    job_teacher_price: list[BillLineRecord]  # estimated
    golden_answers: bool  # whether the answers of the rows and pairs are sent to the job


class DataCard(CardFigureRecord, JobTeacherPart):
    """
    A description of a training set, for human readers.

    The record is stored in ``merged/<arm>/data_card.json``, in ``<prefix>/datasets/<sha256>/data_card.json``, and in
    ``data_cards`` of ``report/report.json``.
    """

    use_case: str
    arm: str
    counts: TrainingSetCounts
    sha256: str  # hash of the bytes of the training file and the validation file
    source: str  # path or URI of the training CSV
    evaluation_source: str | None
    licence: str
    attribution: str
    teacher: CardModel
    student: CardModel
    prompts: dict[str, str]  # version of each prompt, by name
    training_price: BillLineRecord  # for all epochs
    curation: dict[str, object]  # the ``curation`` section of the use case
    method: NotRequired[str]  # ``continued_pre_training``; absent with fine-tuning
    # The remaining fields are absent if no pairs were requested.
    synthesis: NotRequired[PairCounts]
    funnel: NotRequired[list[FunnelStep]]
    critic: NotRequired[CriticVerdictCounts]  # also absent without a critic
    licence_note: NotRequired[str]  # also absent if teacher and student have the same provider


class TeacherTokens(TypedDict):
    """
    The tokens of the teacher of a distillation job, which Bedrock asks once per prompt without an answer.

    The record is part of :class:`MergeManifest` and :class:`DatasetManifest`, and is absent for other jobs.
    """

    input_tokens: int  # estimated number of tokens in the prompts
    output_tokens: int  # estimated number of tokens in the answers; each is assumed to be as long as the row's answer


class MergeManifest(TrainingSetCounts):
    """
    Result of an arm's task ``merge``: the training set in the run's folder.

    The record is passed through XCom only.
    """

    train_uri: str  # ``merged/<arm>/train.jsonl``
    validation_uri: str | None  # None if no row is held out
    card_uri: str  # ``merged/<arm>/data_card.json``
    sha256: str  # hash of the bytes of the training file and the validation file
    tokens: int  # estimated number of tokens of one epoch, with the answers that a job's teacher adds to the file
    teacher: NotRequired[TeacherTokens]  # only for a distillation job


class DatasetManifest(TypedDict):
    """
    Result of an arm's task ``upload``: the training set, stored under its own hash.

    The record is passed through XCom only.
    """

    train_uri: str  # ``<prefix>/datasets/<sha256>/train.jsonl``
    validation_uri: str | None
    sha256: str
    records: int
    tokens: int  # estimated number of tokens of one epoch, with the answers that a job's teacher adds to the file
    uploaded: bool  # False if the training set was already stored
    teacher: NotRequired[TeacherTokens]  # only for a distillation job


class DatasetEvent(TypedDict):
    """The ``extra`` of the dataset asset's event, for DAGs that are scheduled on the asset."""

    train_uri: str
    validation_uri: str | None
    sha256: str
    records: int
    arm: str
    run_key: str


class TrainingJobManifest(TypedDict):
    """
    Result of an arm's task ``submit``: the customization job, bought now or earlier.

    The record is passed through XCom only.
    """

    job_name: str
    job_arn: str
    fingerprint: str  # hash of base model, customization type, hyperparameters and data
    attempt: int  # from 1
    bought: bool  # False if an earlier attempt or run bought the job
    # Price of the training over all epochs, and of a job's teacher; absent from manifests of earlier versions.
    at_most_usd: NotRequired[float]
    estimated_usd: NotRequired[float]  # of a distillation job, whose price can be far below `at_most_usd`


class TrainingManifest(TypedDict):
    """Result of an arm's task ``trained``: the completed job and its model. The record is passed through XCom only."""

    job_name: str
    job_arn: str
    status: str  # as Bedrock returned it: "Completed"
    model_arn: str | None
    training_loss: float | None
    output_uri: str  # S3 prefix under which Bedrock wrote the metrics


class ModelEvent(TypedDict):
    """The ``extra`` of the model asset's event, for DAGs that are scheduled on the asset."""

    model_arn: str
    job_arn: str
    training_loss: float | None
    arm: str
    run_key: str
    simulated: bool  # whether the AWS simulator trained the model


class LossPoint(TypedDict):
    """One step of a training job's metrics. ``loss_curves`` in ``report/report.json`` has a list of steps per arm."""

    step: int
    epoch: float | None  # None if the job reports no epoch
    loss: float | None  # None if the job reports no loss, or NaN after training diverged; JSON has no NaN
