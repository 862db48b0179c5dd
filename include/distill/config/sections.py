"""Define and check the sections of a use case's YAML file. ``docs/reference/use_cases.md`` explains every key."""

from __future__ import annotations

from typing import Literal, TypeVar

from pydantic import Field, field_validator, model_validator

from include.distill.config.company import MOST_TAGS, JobKey, ObjectKey, TagKey, TagValue, Vpc
from include.distill.config.key_problems import KeyProblem, refuse
from include.distill.config.section import (
    MAX_RECORDS,
    AccountId,
    BucketName,
    ConnectionId,
    Count,
    Hours,
    Location,
    NonBlankText,
    Number,
    PollSeconds,
    S3Folder,
    Section,
    Share,
    Temperature,
    check_location,
)

ValueT = TypeVar("ValueT")
# What to do with training rows and pairs whose answer contains a string that the student's family reserves.
ReservedInAnswers = Literal["reject", "warn"]
# How students are trained: on questions and answers, or on documents alone.
TrainingMethod = Literal["fine_tuning", "continued_pre_training"]
# Single calls on demand, or batch jobs, which cost half as much but take hours or days.
Inference = Literal["on_demand", "batch"]
# How trained models are served. Both kinds of endpoint serve a model until they are deleted.
ServingSetting = Literal["auto", "on_demand", "provisioned"]


MAX_PAIRS_PER_DOCUMENT = 20
# At this value of ``curation.min_grounding``, the grounding check uses its thresholds unchanged. At other values, the
# thresholds change in proportion.
DEFAULT_MIN_GROUNDING = 0.3


class Aws(Section):
    """Access to AWS. ``role_arn`` is the role that Bedrock assumes to read and write S3."""

    conn_id: ConnectionId = Field("aws_default", min_length=1)
    promotion_conn_id: ConnectionId | None = Field(
        None, description="connection of the tasks that change the champion or its endpoint; conn_id if it is not set"
    )
    clean_up_conn_id: ConnectionId | None = Field(
        None, description="connection of distill_clean_up; conn_id if it is not set"
    )
    region: str = Field("us-east-1", pattern=r"^[a-z]{2,4}(-[a-z]+)+-[0-9]$", max_length=32)
    role_arn: str = Field(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/\S+$")
    tags: dict[TagKey, TagValue] = Field(
        default_factory=dict, max_length=MOST_TAGS, description="tags of everything that a run creates in AWS"
    )
    kms_key_arn: JobKey = Field(None, description="key that encrypts custom models and what jobs write")
    vpc: Vpc | None = Field(None, description="network of customization jobs and batch jobs")

    @property
    def account(self) -> str:
        """The 12-digit id of the account to which the role belongs."""
        return self.role_arn.split(":")[4]

    @property
    def promotion_connection(self) -> str:
        """The id of the connection of the tasks that change a champion or its standing endpoint."""
        return self.promotion_conn_id or self.conn_id

    @property
    def clean_up_connection(self) -> str:
        """The id of the connection of ``distill_clean_up``."""
        return self.clean_up_conn_id or self.conn_id


class Storage(Section):
    """The buckets, which must be in the use case's Region, and the prefix of all objects that the pipeline stores."""

    training_bucket: BucketName
    output_bucket: BucketName
    prefix: str = Field("distill", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$")
    create_buckets: bool = False
    bucket_owners: dict[BucketName, AccountId] = Field(
        default_factory=dict, description="owner accounts of the buckets that are not in the account of aws.role_arn"
    )
    kms_key_arn: ObjectKey = Field(
        None, description="key that encrypts the objects that the pipeline writes; without it, the bucket's setting"
    )

    @property
    def buckets(self) -> tuple[str, ...]:
        """The names of the buckets, each once, the training bucket first."""
        return tuple(dict.fromkeys((self.training_bucket, self.output_bucket)))


class SourceData(Section):
    """
    The input files, which are local or in S3, and the records to use.

    A path or URI that ends in a slash is a folder. The files in a folder are read in order of their names.
    """

    training_csv: Location
    evaluation_csv: Location | None = None
    allowed_prefixes: tuple[S3Folder, ...] = Field((), description="more S3 folders whose files the forms may name")
    evaluation_share: Share = Field(
        0.1, description="approximate share of the rows that is held out for evaluation if evaluation_csv is not set"
    )
    documents: int | None = Field(
        None, ge=1, le=MAX_RECORDS, description="use only the first N records of training_csv"
    )
    evaluation_rows: int | None = Field(
        None, ge=1, le=MAX_RECORDS, description="use only the first N records of evaluation_csv"
    )
    encoding: NonBlankText | dict[str, NonBlankText] = Field(
        "utf-8",
        description="encoding of the files, or a mapping of file names or patterns such as old/*.csv to encodings",
    )
    columns: dict[str, str] | None = Field(
        None, description="names of the columns with the document, the question and the answer"
    )
    max_document_characters: int = Field(60_000, ge=100)
    group_column: str | None = Field(
        None, min_length=1, description="rows with the same value in this column are on the same side of the split"
    )
    same_document_similarity: float = Field(
        0.8, ge=0.5, le=1, description="minimum similarity at which two documents count as the same"
    )
    shared_documents: Literal["drop", "keep"] = "drop"
    max_rejected_share: float = Field(
        0.2,
        ge=0,
        le=1,
        description="if more than this share of the training or evaluation rows is unusable, the run stops in ingest",
    )
    shared_passages: Literal["drop", "warn"] = Field(
        "drop",
        description="whether a training row is dropped, or kept and counted, if its document contains an evaluation"
        " answer or about half of an evaluation document, or is mostly contained in an evaluation document",
    )
    licence: str = ""
    attribution: str = ""


class Example(Section):
    """A good pair that is shown to the teacher as an example."""

    question: NonBlankText
    answer: NonBlankText


class Prompts(Section):
    """
    The template files and the instruction. The instruction is the student's system prompt, also in training records.

    A file is given as a name in ``include/prompts/``, as a path inside a permitted folder, or as an ``s3://`` URI.
    Preflight fills in the texts of ``instruction_file`` and ``examples``, and freezes all texts for the run.
    """

    synthesis: str = "synthesis.j2"
    answering: str = "answering.j2"
    judging: str = "judging.j2"
    critic: str = "critic.j2"
    instruction: NonBlankText = "Answer the question using only the document. If the document does not say, say so."
    instruction_file: str | None = Field(None, min_length=1, description="file whose text replaces instruction")
    examples: tuple[Example, ...] | str = Field(
        (), description="pairs shown to the teacher, or the .jsonl, .yaml or .json file that contains them"
    )

    @field_validator("synthesis", "answering", "judging", "critic", "instruction_file", "examples")
    @classmethod
    def _bucket_can_exist(cls, value: ValueT) -> ValueT:
        if isinstance(value, str):
            check_location(value)
        return value


class Synthesis(Section):
    """Settings for the requests that ask the teacher for new pairs."""

    inference: Inference = "on_demand"
    pairs_per_document: int = Field(3, ge=1, le=MAX_PAIRS_PER_DOCUMENT)
    max_tokens: int = Field(4096, ge=64, le=32_000)
    temperature: Temperature | None = 0.7
    attempts: int = Field(
        2, ge=1, le=5, description="maximum number of calls per row and round to get at least one readable pair"
    )
    rounds: int = Field(1, ge=1, le=5, description="maximum number of rounds; with 1, rejected pairs are not replaced")
    min_accepted_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="if less than this share of the requested pairs is accepted, the run fails before training",
    )


class CriticSettings(Section):
    """Settings for the critic, a model that checks whether the document supports a new pair's answer."""

    model: str
    max_spend_usd: float = Field(
        gt=0, description="once this budget is used up, further pairs are kept without a check, and are counted"
    )
    max_tokens: int = Field(512, ge=64, le=8_192)
    temperature: Temperature | None = 0.0
    attempts: int = Field(2, ge=1, le=5, description="maximum number of calls per pair to get a readable verdict")


class Curation(Section):
    """Settings for the filters. ``docs/explanation/curation.md`` has the measurements that led to the defaults."""

    min_question_characters: int = Field(4, ge=1)
    max_question_characters: int = Field(400, ge=1)
    min_answer_characters: int = Field(1, ge=1)
    max_answer_characters: int = Field(4_000, ge=1)
    max_question_similarity: float = Field(
        0.75, ge=0.6, le=1, description="maximum similarity to an original question or another new question"
    )
    max_leak_similarity: float = Field(0.7, ge=0.6, le=1, description="maximum similarity to an evaluation question")
    min_grounding: float = Field(
        DEFAULT_MIN_GROUNDING,
        ge=0,
        le=1,
        description="sets how many of an answer's content words the document or the question must contain; at 0, the"
        " grounding check is off, and the critic, if there is one, checks every pair that passes the other filters",
    )
    max_topic_similarity: float = Field(
        0.7, ge=0, le=1, description="maximum similarity to the row's question or answer; 1 accepts every pair"
    )
    drop_refusals: bool = True
    critic: CriticSettings | None = Field(None, description="checks pairs that the grounding check leaves undecided")

    @model_validator(mode="after")
    def _bounds_leave_room(self) -> Curation:
        for role in ("question", "answer"):
            minimum, maximum = getattr(self, f"min_{role}_characters"), getattr(self, f"max_{role}_characters")
            if minimum > maximum:
                bounds = f"min_{role}_characters is {minimum} and max_{role}_characters is {maximum}"
                text = f"{bounds}, so every pair would be rejected; expected a minimum that is not above the maximum"
                refuse([KeyProblem((f"min_{role}_characters",), text)])
        return self


class Answering(Section):
    """Settings for the requests that send the evaluation questions to the arms. All arms use the same settings."""

    max_tokens: int = Field(1024, ge=16, le=8_192)
    temperature: Temperature | None = 0.0


class Judging(Section):
    """Settings for the requests that ask the judges for verdicts."""

    inference: Inference = "on_demand"
    max_tokens: int = Field(512, ge=64, le=8_192)
    temperature: Temperature | None = 0.0
    show_reference: bool = False
    attempts: int = Field(2, ge=1, le=5, description="maximum number of calls to get a readable verdict")
    max_unparsable_share: Share = Field(
        0.05, description="maximum share of questions for which a judge gives no readable verdict"
    )
    noise_control: bool = Field(
        True, description="let the judges also compare two answers of the base arm to each question"
    )


class Training(Section):
    """Settings for the customization job, which takes hours and may first wait in Bedrock's queue for a day."""

    method: TrainingMethod = Field(
        "fine_tuning",
        description="fine_tuning trains on questions and answers; continued_pre_training on documents alone, which no"
        " model that Bedrock offers today supports",
    )
    hyperparameters: dict[str, Number] = Field(default_factory=dict)
    validation_share: Share = 0.0
    reserved_in_answers: ReservedInAnswers = Field(
        "reject",
        description="whether rows and pairs whose answer contains a reserved string, such as `User:` for Nova, are"
        " left out of training, or kept with a warning",
    )
    max_attempts: int = Field(3, ge=1, le=9)
    stop_when_marked_failed: bool = True
    stall_after_hours: Hours = Field(
        6, description="report the job as stalled if training has not started after this time"
    )
    poll_interval_seconds: PollSeconds = 60
    timeout_hours: Hours = 48


class Batch(Section):
    """
    Settings for the batch jobs that steps with ``inference: batch`` start.

    Bedrock accepts timeouts of 24 to 168 hours.
    """

    timeout_hours: int = Field(
        72, ge=24, le=168, description="after this time, Bedrock ends the job and returns the finished answers"
    )
    max_attempts: int = Field(3, ge=1, le=9)
    stop_when_marked_failed: bool = True
    poll_interval_seconds: PollSeconds = 60


class Serving(Section):
    """
    Settings for an arm's endpoint, which is created for the run and deleted once the arm has answered.

    The endpoint is a custom model deployment, which is billed by the token, or a provisioned throughput without a
    commitment, which is billed by the hour. ``model_units`` and ``expected_hours`` are only for provisioned throughput.
    """

    mode: ServingSetting = Field(
        "auto",
        description="auto serves on demand if Bedrock supports this for the model in the Region and the answers take at"
        " most max_hours",
    )
    max_hours: Hours = Field(
        2, description="if an arm's answers on demand would take longer than this, auto uses provisioned throughput"
    )
    deployment_quota: int = Field(10, ge=1, description="the account's quota of custom model deployments")
    model_units: int = Field(1, ge=1)
    arms_at_a_time: int = Field(
        1,
        ge=1,
        description="number of arms served at once; at most the account's quota of model units divided by model_units",
    )
    poll_interval_seconds: PollSeconds = 30
    timeout_minutes: float = Field(90, gt=0, le=525_600)
    expected_hours: Hours = Field(1, description="hours per arm that the estimate assumes for provisioned throughput")
    expires_after_hours: Hours = Field(24, description="after this time, the sweeper may release the endpoint")


# The shards' indices are passed through XCom. No XCom of this project may exceed 2 KB, and 400 indices take 1.9 KB.
# Airflow's own limit, max_map_length, is 1024 tasks.
MAX_TASKS = 400


class ModelQuota(Section):
    """
    The account's on-demand quota for one model in the use case's Region.

    A model without a quota is called at a rate that adapts to throttling. See
    :class:`include.distill.inference.rate_limits.Quota`.
    """

    requests_per_minute: float | None = Field(None, gt=0)
    tokens_per_minute: float | None = Field(
        None, gt=0, description="tokens are counted as Bedrock reserves them: the input and max_tokens of each call"
    )
    burst_share: float = Field(0.1, gt=0, le=1, description="share of a minute's requests that may be sent at once")
    token_burst_share: float = Field(
        1, gt=0, le=1, description="share of a minute's tokens that may be reserved at once"
    )


class Estimate(Section):
    """Settings for the cost estimate of a run."""

    counted_rows: Count | Literal["all"] = Field(
        20, description="number of rows for which CountTokens counts the tokens of the prompts"
    )


class FanOut(Section):
    """
    Settings for dividing rows among mapped tasks, and for the calls of each task.

    If there are at most ``max_tasks`` rows, each task gets one row. With more rows, each task gets about the same
    number of rows.
    """

    max_tasks: int = Field(20, ge=1, le=MAX_TASKS)
    evaluation_tasks: int = Field(
        4, ge=1, le=MAX_TASKS, description="maximum number of tasks for the evaluation rows of one arm"
    )
    concurrency: int = Field(8, ge=1, le=200, description="number of calls that one task makes at the same time")
    patience_seconds: float = Field(
        300,
        gt=0,
        le=86_400,
        description="how long a call may be throttled before its row fails, and how long all calls of a task may fail"
        " before the task stops",
    )
    max_failed_share: Share = 0.05

    @property
    def threads(self) -> int:
        """The number of rows in progress. It includes rows being read or stored, so it exceeds ``concurrency``."""
        return 2 * self.concurrency
