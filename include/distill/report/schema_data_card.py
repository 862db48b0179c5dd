"""Define the pydantic models for the data cards in ``report.json``."""

from __future__ import annotations

from typing import Any

from pydantic import Field, NonNegativeInt, StrictBool

from include.distill.report.schema_base import Section, optional_key
from include.distill.report.schema_run import BillLineSchema, PairCountsSchema

NO_PAIRS = "if no pairs were requested"


class DocumentCountsSchema(Section):
    """How the documents of an arm became records of continued pre-training."""

    distinct: NonNegativeInt = Field(description="Number of documents in the training file, each once.")
    repeated: NonNegativeInt = Field(description="Number of rows whose document is already in the training file.")
    split: NonNegativeInt = Field(
        description="Number of distinct documents that are longer than a record may be, and are in several records."
    )


class TrainingSetCountsSchema(Section):
    """
    Sizes of a training set, in records.

    ``records = originals + synthetic``, except with continued pre-training.
    """

    originals: NonNegativeInt = Field(description="Number of records made from rows of the CSV.")
    synthetic: NonNegativeInt = Field(description="Number of records made from pairs that the teacher wrote.")
    records: NonNegativeInt = Field(description="Number of records in the training file.")
    validation: NonNegativeInt = Field(description="Number of records in the validation file.")
    documents: DocumentCountsSchema | None = optional_key(
        "Counts of the documents. Originals are then rows of the CSV.", absent="with fine-tuning"
    )


class CardModelSchema(Section):
    """The teacher that wrote the pairs, or the student that is trained on the training set."""

    model: str = Field(description="Inference id.")
    provider: str = Field(description="Provider of the model.")
    family: str = Field(description="Family of the model.")


class HistogramBinSchema(Section):
    """One bin of a distribution."""

    up_to: int | float | None = Field(description="Inclusive upper bound; null for the last bin.")
    count: NonNegativeInt = Field(description="Number of records in the bin.")


class TopicWordSchema(Section):
    """A word that occurs in many topics."""

    word: str = Field(description="The word.")
    pairs: NonNegativeInt = Field(description="Number of pairs whose topic contains the word.")


class CardPairSchema(Section):
    """A pair that was selected as an example."""

    question: str = Field(description="The question.")
    answer: str = Field(description="The answer.")
    topic: str = Field(description="Topic of the pair, as named by the teacher.")


class FunnelStepSchema(Section):
    """The number of pairs that one filter dropped, and the number of pairs that were left after it."""

    filter: str = Field(description="Name of the filter, `critic`, or `missing` for pairs that were not written.")
    dropped: NonNegativeInt = Field(description="Number of pairs that the filter dropped.")
    left: NonNegativeInt = Field(description="Number of pairs that are left after the filter.")


class CriticVerdictsSchema(Section):
    """The number of pairs with each verdict of the critic."""

    grounded: NonNegativeInt = Field(description="Number of pairs whose answer the document supports.")
    ungrounded: NonNegativeInt = Field(
        description="Number of pairs whose answer the document does not support. These pairs are dropped."
    )
    unparsable: NonNegativeInt = Field(
        description="Number of pairs without a readable verdict. These pairs are dropped."
    )
    not_looked_at: NonNegativeInt = Field(
        description="Number of pairs that were kept without a check, because the critic's budget was used up."
    )


_NOT_DISTILLED = "for arms of another kind"


class DataCardSchema(Section):
    """The description of a training set. It is also stored as ``data_card.json`` next to the training file."""

    use_case: str = Field(description="Name of the use case.")
    arm: str = Field(description="Arm that is trained on the set.")
    counts: TrainingSetCountsSchema = Field(description="Sizes of the training set.")
    sha256: str = Field(description="Hash of the bytes of the training file and the validation file.")
    source: str = Field(description="Path or URI of the training CSV.")
    evaluation_source: str | None = Field(description="Path or URI of the evaluation CSV; null if there is none.")
    licence: str = Field(description="Licence of the source.")
    attribution: str = Field(description="Attribution of the source.")
    teacher: CardModelSchema = Field(description="The model that wrote the pairs.")
    student: CardModelSchema = Field(description="The model that is trained.")
    prompts: dict[str, str] = Field(description="Version of each prompt, by name.")
    training_price: BillLineSchema = Field(description="Cost of training on the set, over all epochs.")
    job_teacher: CardModelSchema | None = optional_key(
        "The model that Bedrock asks during the distillation job.", absent=_NOT_DISTILLED
    )
    job_teacher_price: list[BillLineSchema] = optional_key(
        "Estimated cost of this model.", absent=_NOT_DISTILLED, default=[]
    )
    golden_answers: StrictBool | None = optional_key(
        "Whether the answers of the rows and pairs are sent to the distillation job.", absent=_NOT_DISTILLED
    )
    curation: dict[str, Any] = Field(description="Section `curation` of the use case.")
    distributions: dict[str, list[HistogramBinSchema]] = Field(
        description="Histograms by name. The names are `<question|answer>_characters_<originals|synthetic>` and"
        " `grounding_synthetic`, and with continued pre-training `document_characters_originals`."
    )
    topic_words: list[TopicWordSchema] = Field(description="The most frequent words in topics.")
    to_read: list[CardPairSchema] = Field(description="Up to ten example pairs, selected with the use case's seed.")
    method: str = optional_key(
        "Method of the training, `continued_pre_training`.", absent="with fine-tuning", default=""
    )
    synthesis: PairCountsSchema | None = optional_key("Counts of the teacher's pairs.", absent=NO_PAIRS)
    funnel: list[FunnelStepSchema] = optional_key(
        "For each filter, the number of pairs that it dropped, and the number of pairs that were left after it.",
        absent=NO_PAIRS,
        default=[],
    )
    critic: CriticVerdictsSchema | None = optional_key("The critic's verdicts.", absent="without a critic")
    licence_note: str = optional_key(
        "Note on the terms of the teacher's provider.",
        absent="if teacher and student are from the same provider, or if no pairs were requested",
        default="",
    )
