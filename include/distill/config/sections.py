"""
Define the sections of a use case's YAML file and check their values.

``docs/reference/use_cases.md`` explains every key.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from include.distill.text.normalization import unsupported_character

Share = Annotated[float, Field(ge=0, lt=1)]
Temperature = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
BucketName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
NonBlankText = Annotated[str, Field(pattern=r"\S")]

# Single calls on demand, or batch jobs, which cost half the price and may take a day.
Inference = Literal["on_demand", "batch"]


class Section(BaseModel):
    """A frozen part of a use case; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_booleans_and_odd_characters(cls, value: Any, info: ValidationInfo) -> Any:
        # pydantic would read true as the number 1, and a training file cannot contain unsupported characters.
        annotation = cls.model_fields[str(info.field_name)].annotation
        if isinstance(value, bool) and bool not in (annotation, *get_args(annotation)):
            message = f"found {str(value).lower()}, expected a value that is not a boolean"
            raise ValueError(message)
        if isinstance(value, str) and (character := unsupported_character(value)):
            message = f"found the character {character}, which training files cannot contain; expected plain text"
            raise ValueError(message)
        return value


class Aws(Section):
    """Access to AWS. ``role_arn`` is the role that Bedrock assumes to read and write S3."""

    conn_id: str = "aws_default"
    region: str = Field("us-east-1", pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    role_arn: str = Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$")


class Storage(Section):
    """The buckets, which are in the Region of the job, and the prefix of all objects of this project."""

    training_bucket: BucketName
    output_bucket: BucketName
    prefix: str = Field("distill", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$")
    create_buckets: bool = False


class SourceData(Section):
    """
    The input files (``doc,question,answer``), local or in S3, and the records to use.

    A path or URI that ends in a slash is a folder. The files in a folder are read in order of name.
    """

    training_csv: NonBlankText
    evaluation_csv: NonBlankText | None = None
    evaluation_share: Share = Field(0.1, description="share of documents held out if there is no evaluation_csv")
    documents: int | None = Field(None, ge=1, description="use only the first N records of the training CSV")
    evaluation_rows: int | None = Field(None, ge=1, description="use only the first N records for evaluation")
    encoding: str = "utf-8"
    columns: dict[str, str] | None = Field(None, description="column name for document, question, answer")
    max_document_characters: int = Field(60_000, ge=100)
    group_column: str | None = Field(None, min_length=1, description="column; rows with the same value are on one side")
    same_document_similarity: float = Field(
        0.8, ge=0.5, le=1, description="minimum similarity of documents that count as the same"
    )
    shared_documents: Literal["drop", "keep"] = "drop"
    licence: str = ""
    attribution: str = ""


class Example(Section):
    """A good pair that the teacher is shown as an example."""

    question: NonBlankText
    answer: NonBlankText


class Prompts(Section):
    """
    Template files, and the task instruction, which is the system text of the student and of training records.

    A file is given as a name in ``include/prompts/``, as a path below a permitted folder, or as an ``s3://`` URI.
    Preflight fills in the texts of ``instruction_file`` and ``examples``, and freezes all texts for the run.
    """

    synthesis: str = "synthesis.j2"
    answering: str = "answering.j2"
    judging: str = "judging.j2"
    critic: str = "critic.j2"
    instruction: NonBlankText = "Answer the question using only the document. If the document does not say, say so."
    instruction_file: str | None = Field(None, min_length=1, description="replaces instruction")
    examples: tuple[Example, ...] | str = Field((), description="pairs shown to the teacher, or a .jsonl or .yaml file")


class Synthesis(Section):
    """Settings of the requests for new pairs to the teacher."""

    inference: Inference = "on_demand"
    pairs_per_document: int = Field(3, ge=1, le=20)
    max_tokens: int = Field(4096, ge=64, le=32_000)
    temperature: Temperature | None = 0.7
    attempts: int = Field(2, ge=1, le=5, description="maximum calls per row to get at least one readable pair")
    rounds: int = Field(1, ge=1, le=5, description="1: dropped pairs are not requested again")
    min_accepted_share: float = Field(
        0.5, ge=0, le=1, description="of the requested pairs; below it, nothing is trained"
    )


class CriticSettings(Section):
    """The critic, a model that checks whether the document supports the answer of a new pair. It has its own budget."""

    model: str
    max_spend_usd: float = Field(gt=0, description="pairs beyond this budget are kept without a check, and counted")
    max_tokens: int = Field(512, ge=64, le=8_192)
    temperature: Temperature | None = 0.0
    attempts: int = Field(2, ge=1, le=5, description="maximum calls per pair to get a readable verdict")


class Curation(Section):
    """Settings of the filters. ``docs/explanation/curation.md`` has the measurements behind the defaults."""

    min_question_characters: int = Field(4, ge=1)
    max_question_characters: int = Field(400, ge=1)
    min_answer_characters: int = Field(1, ge=1)
    max_answer_characters: int = Field(4_000, ge=1)
    max_question_similarity: float = Field(0.75, ge=0.6, le=1, description="to an original or another new question")
    max_leak_similarity: float = Field(0.7, ge=0.6, le=1, description="to an evaluation question")
    min_grounding: float = Field(
        0.3, ge=0, le=1, description="minimum share of the answer that is in the document; 0: any"
    )
    max_topic_similarity: float = Field(0.7, ge=0, le=1, description="to the example's question or answer; 1: any")
    drop_refusals: bool = True
    critic: CriticSettings | None = Field(None, description="checks every pair that passes all filters")

    @model_validator(mode="after")
    def _bounds_leave_room(self) -> Curation:
        for role in ("question", "answer"):
            minimum, maximum = getattr(self, f"min_{role}_characters"), getattr(self, f"max_{role}_characters")
            if minimum > maximum:
                bounds = f"min_{role}_characters is {minimum} and max_{role}_characters {maximum}"
                message = f"{bounds}, so every pair would be dropped; expected a minimum below the maximum"
                raise ValueError(message)
        return self


class Answering(Section):
    """Settings of the answers to evaluation questions, the same for all arms."""

    max_tokens: int = Field(1024, ge=16, le=8_192)
    temperature: Temperature | None = 0.0


class Judging(Section):
    """Settings of the requests for verdicts to the judges."""

    inference: Inference = "on_demand"
    max_tokens: int = Field(512, ge=64, le=8_192)
    temperature: Temperature | None = 0.0
    show_reference: bool = False
    attempts: int = Field(2, ge=1, le=5, description="maximum calls to get a readable verdict")
    max_unparsable_share: Share = Field(0.05, description="of a judge's questions; above it, the verdict is withheld")
    noise_control: bool = Field(True, description="let the judges compare two answers of the base arm")


class Promotion(Section):
    """The rule by which a candidate replaces the champion, fixed before the run. Every judge must satisfy the rule."""

    margin: float = Field(0.02, ge=0, lt=0.5, description="the half-win rate's lower bound must exceed 0.5 plus this")
    min_decisive: int = Field(50, ge=1, description="minimum number of questions that a judge decided")
    min_clusters: int = Field(20, ge=2, description="minimum number of document groups with a decided question")
    max_unparsable_share: float = Field(0.02, gt=0, le=1, description="of a judge's questions; must be below this")
    runs_a_year: float = Field(
        365, gt=0, description="used to compute the false promotions a year that the rule allows"
    )
    ask_a_person: bool = Field(False, description="wait for a person's approval, in Airflow's UI")
    answer_within_hours: float = Field(20, gt=0, description="without an answer by then, the answer is no")
    delete_losers: bool = Field(False, description="delete the run's custom models that lost")


class Training(Section):
    """The customization job. A job takes hours, and may wait in Bedrock's queue for a day."""

    hyperparameters: dict[str, int | float | str] = Field(default_factory=dict)
    validation_share: Share = 0.0
    max_attempts: int = Field(3, ge=1, le=9)
    stop_when_marked_failed: bool = True
    stall_after_hours: float = Field(6, gt=0, description="report a stall if training has not started by then")
    poll_interval_seconds: float = Field(60, gt=0)
    timeout_hours: float = Field(48, gt=0)


class Batch(Section):
    """The batch jobs of steps with ``inference: batch``. Bedrock accepts timeouts of 24 to 168 hours."""

    timeout_hours: int = Field(72, ge=24, le=168, description="then Bedrock ends the job with the answers so far")
    max_attempts: int = Field(3, ge=1, le=9)
    stop_when_marked_failed: bool = True
    poll_interval_seconds: float = Field(60, gt=0)


class Serving(Section):
    """The provisioned throughput of one arm, without commitment. It is released as soon as the arm has answered."""

    model_units: int = Field(1, ge=1)
    arms_at_a_time: int = Field(1, ge=1, description="the account's quota of model units, divided by model_units")
    poll_interval_seconds: float = Field(30, gt=0)
    timeout_minutes: float = Field(90, gt=0)
    expected_hours: float = Field(1, gt=0, description="used only for the estimate")
    expires_after_hours: float = Field(24, gt=0, description="the sweep may release older leftovers")


class Arm(Section):
    """
    One model that is compared: the base student, the student trained on a mix of pairs, or the promoted model.

    ``originals`` are the first N rows. ``synthetic`` are the first N pairs that the teacher wrote from these rows, or
    from all rows if ``originals`` is 0. A use case that requests more than the maximum is refused. Rejected rows and
    pairs may still leave an arm with fewer.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=16)]
    kind: Literal["base", "fine_tuned", "champion"] = "fine_tuned"
    originals: Count | Literal["all"] = "all"
    synthetic: Count | Literal["all"] = "all"

    @model_validator(mode="after")
    def _mix_fits_kind(self) -> Arm:
        if self.kind != "fine_tuned" and (self.originals, self.synthetic) != ("all", "all"):
            message = (
                f"arm {self.name} is of kind {self.kind}, which is not trained; expected no originals or synthetic"
            )
            raise ValueError(message)
        if self.kind == "fine_tuned" and not self.originals and not self.synthetic:
            message = f"arm {self.name} has neither originals nor synthetic pairs; expected some to train on"
            raise ValueError(message)
        return self

    @property
    def wants_pairs(self) -> bool:
        """Whether the teacher has to write pairs for this arm."""
        return self.kind == "fine_tuned" and self.synthetic != 0


class Comparison(Section):
    """A pair of arms that the judges compare to decide whether ``candidate`` is better."""

    candidate: str
    baseline: str


# The numbers of the shards are passed by XCom: 400 of them are 1.9 KB. Airflow's own limit, max_map_length, is 1024.
MAX_TASKS = 400


class ModelQuota(Section):
    """
    The account's on-demand quota for one model in the use case's Region.

    A model without a quota is called at a rate that adapts to throttling. See
    :class:`include.distill.inference.rate_limits.Quota`.
    """

    requests_per_minute: float | None = Field(None, gt=0)
    tokens_per_minute: float | None = Field(None, gt=0, description="as Bedrock reserves them: input and max_tokens")
    burst_share: float = Field(0.1, gt=0, le=1, description="share of a minute's requests that may be sent at once")
    token_burst_share: float = Field(1, gt=0, le=1, description="share of a minute's tokens that may be used at once")


class Estimate(Section):
    """Settings of the cost estimate of a run."""

    counted_rows: Count | Literal["all"] = Field(
        20, description="rows on which CountTokens counts each model's prompts"
    )


class FanOut(Section):
    """How rows are divided among mapped tasks: one row per task up to ``max_tasks`` rows, otherwise equal batches."""

    max_tasks: int = Field(20, ge=1, le=MAX_TASKS)
    evaluation_tasks: int = Field(4, ge=1, le=MAX_TASKS, description="max_tasks for the evaluation rows of one arm")
    concurrency: int = Field(8, ge=1, le=200, description="concurrent calls in one task")
    patience_seconds: float = Field(
        300, gt=0, description="time for which a call may be throttled before its row fails"
    )
    max_failed_share: Share = 0.05

    @property
    def threads(self) -> int:
        """The number of rows in progress at once. While some rows are read or stored, models are called for others."""
        return 2 * self.concurrency
