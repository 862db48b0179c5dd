"""
Define the records of the report: report.json and its parts, the rows of its tables, and the list of past runs.

The pydantic models in ``schema*.py`` check the same fields when a report is built. A test compares the records with the
models.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Literal, NotRequired, TypedDict

from include.distill.config.arms import ArmKind
from include.distill.core.records import BillLineRecord
from include.distill.cost.records import ServingChoice
from include.distill.curation.records import CriticCounts, PairCounts, PairText
from include.distill.dataset.records import IngestManifest, Role, RowOrigin, RowRejectionReason
from include.distill.evaluation.records import (
    AnswerEndings,
    ComparisonResult,
    Disagreement,
    Finding,
    PromotionRecord,
    StandingKind,
    Verdict,
)
from include.distill.history.records import Drift
from include.distill.labeling.records import LabelCounts
from include.distill.managed_evaluation.records import MeanScore, ScoreDifference
from include.distill.prompt_optimization.records import OptimizedPrompt
from include.distill.report.published_records import PublishedRecord
from include.distill.stats.agreement import Agreement
from include.distill.training.records import DataCard, LossPoint


class ReportSynthesis(PairCounts):
    """
    Counts of the teacher's pairs, and the usage that this run paid for.

    The record is stored as ``synthesis`` in report.json.
    """

    calls: int
    cache_hits: int
    input_tokens: int
    output_tokens: int
    batch_calls: int
    batch_input_tokens: int
    batch_output_tokens: int
    dropped: dict[str, int]  # rejected pairs by filter
    critic: CriticCounts | None  # None without a critic


class TrainingPrice(TypedDict):
    """
    What it costs to make an arm's model if nothing is stored yet, in US dollars. Serving and answers are not included.

    The record is ``price`` of :class:`ReportArm`.
    """

    pairs_usd: float | None  # the teacher's pairs, as estimated before the run; None if the estimate does not say
    teacher_usd: float  # the teacher that Bedrock asks during a distillation job
    training_usd: float


class ReportArm(TypedDict):
    """
    One arm of the run.

    The record is an entry in ``arms`` of report.json. Fields about training are ``None`` if the run trained no model
    for the arm.
    """

    name: str
    kind: ArmKind
    records: int | None  # number of records in the training file
    # Number of records that the use case requests. None without training; absent from reports of earlier versions.
    designed: NotRequired[int | None]
    # For a champion arm, whether the base student gives its answers because there is no champion yet; else absent.
    base_student_answers: NotRequired[bool]
    # For an arm that Bedrock distilled: the teacher that Bedrock asked, and whether our answers were sent. Else absent.
    teacher: NotRequired[str]
    golden_answers: NotRequired[bool]
    prompt: NotRequired[Literal["optimized"]]  # for a base arm whose prompt a job of Bedrock optimized; else absent
    prompt_version: NotRequired[str]  # hash of the optimized prompt; also absent if the prompt cannot be read
    price: NotRequired[TrainingPrice]  # absent without training, and from reports of earlier versions
    train_uri: str | None
    job_arn: str | None
    job_status: str | None
    training_loss: float | None
    serving: str | None  # ARN of the endpoint that served the arm
    released: bool  # whether the endpoint no longer exists; also True if no endpoint served the arm


class ReportBillLine(BillLineRecord):
    """One line of the bill, with its estimate. The record is an entry in ``lines`` of :class:`ReportCost`."""

    estimated_usd: NotRequired[float]  # 0.0 if the line was not estimated; absent from reports of earlier versions


class UncertainCost(TypedDict, total=False):
    """
    Costs that AWS may charge although they are not in the lines of the bill, in US dollars.

    The key of a cost is absent if there is no such cost.
    """

    failed_endpoints: list[BillLineRecord]  # highest possible cost of endpoints that failed, if Bedrock bills them
    failed_endpoints_usd: float  # sum of the lines in failed_endpoints
    hourly_usd: float  # price per hour of the endpoints that still existed when the report was written


class ReportCost(UncertainCost):
    """The bill of the run, in US dollars. The record is stored as ``cost`` in report.json."""

    estimated_usd: float
    actual_usd: float  # sum of the lines
    lines: list[ReportBillLine]
    # calls that AWS may bill although no answer is stored; absent from reports of earlier versions
    lost_calls: NotRequired[int]
    # how the estimate chose to serve each arm's model; absent without an estimate and from reports of earlier versions
    serving: NotRequired[dict[str, ServingChoice]]


class ReportDisagreement(Disagreement):
    """A disagreement with the question and both answers. The record is an entry in ``disagreements`` of report.json."""

    question: str
    candidate_answer: str
    baseline_answer: str


class ReportRejectedRow(RowOrigin):
    """A rejected row without its text. ``rejected_rows`` of report.json contains the first hundred of these records."""

    column: Role | None
    reason: RowRejectionReason
    message: str


class ReportEndpoint(TypedDict):
    """
    The endpoint that keeps the champion callable, as it was before the run's own promotion.

    The record is ``champion_endpoint`` of report.json.
    """

    kind: StandingKind
    arn: str | None  # None if the first promotion will create the endpoint
    model_arn: str | None  # the champion that it served when the report was written; None without an endpoint
    usd_per_hour: float | None  # None for a deployment, which is billed by the token


class ReportApproval(TypedDict):
    """A person's decision about this run or its champion. The record is an entry in ``approvals`` of report.json."""

    what: Literal["spending", "promotion", "endpoint"]
    subject: str  # what the person was asked about, as the end of a sentence
    decision: Literal["approved", "rejected", "unanswered"]
    user_name: str | None  # None if nobody answered in time
    user_id: str | None  # also None if the record does not state it
    at: str  # ISO 8601, UTC


class EndpointPart(TypedDict, total=False):
    """The part of the report about the standing endpoint; empty without one."""

    champion_endpoint: ReportEndpoint


class MetricRating(TypedDict):
    """One rating of a custom metric's scale. The record is part of :class:`ReportMetric`."""

    definition: str
    value: float


class ReportMetric(TypedDict):
    """A metric of the evaluation jobs, and its scale. The record is an entry in ``metrics`` of ``evaluations``."""

    name: str
    low: float  # smallest score
    high: float  # largest score
    high_is_bad: bool  # whether the metric finds faults; False for custom metrics
    ratings: list[MetricRating]  # of a custom metric, in the order of the use case; empty for a built-in metric


class LowScore(TypedDict):
    """One of the worst scores of an arm. The record is an entry in ``worst`` of ``evaluations``."""

    row_id: str
    arm: str
    evaluator: str
    metric: str
    score: float
    question: str
    answer: str
    explanation: str  # empty if the evaluator gave none


class ReportEvaluations(TypedDict):
    """
    The scores from Bedrock's evaluation jobs. The record is ``evaluations`` of report.json.

    For each entry in ``scores``, ``n + missing`` is ``questions``.
    """

    questions: int  # questions of each job
    evaluation_rows: int  # of the run; more than ``questions`` if the jobs got only the first questions
    metrics: list[ReportMetric]
    scores: list[MeanScore]
    differences: list[ScoreDifference]
    worst: list[LowScore]


class EvaluationsPart(TypedDict, total=False):
    """The part of the report about evaluation jobs; empty without them."""

    evaluations: ReportEvaluations


class OptimizedPromptsPart(TypedDict, total=False):
    """The part of the report about optimized prompts; empty without them."""

    prompt_optimization: list[OptimizedPrompt]


class ReportParts(TypedDict):
    """The parts of report.json that ``build_report`` copies unchanged."""

    run_key: str
    use_case: str
    dag_id: str
    run_id: str
    finished_at: str  # ISO 8601, UTC
    simulated: bool  # True if any model of the run is simulated
    simulated_as_of: NotRequired[str]  # absent if the models are real, or those of today
    published: NotRequired[PublishedRecord]  # absent if the use case names no published figures
    source: IngestManifest  # counts of rows
    synthesis: ReportSynthesis
    arms: list[ReportArm]
    noise_control_note: str
    agreement: list[Agreement]
    labels: LabelCounts
    warnings: list[str]
    cost: ReportCost
    loss_curves: dict[str, list[LossPoint]]  # by arm
    disagreements: list[ReportDisagreement]
    pair_sample: list[PairText]
    data_cards: NotRequired[list[DataCard]]  # one per trained arm; absent from reports of earlier versions
    rejected_rows: list[ReportRejectedRow]
    validation_curves: NotRequired[dict[str, list[LossPoint]]]  # by arm; absent from reports of earlier versions
    missing_parts: NotRequired[list[str]]  # one sentence per missing part; absent from reports of earlier versions
    answer_endings: NotRequired[dict[str, AnswerEndings]]  # by arm; absent from reports of earlier versions
    approvals: NotRequired[list[ReportApproval]]  # absent from reports of earlier versions
    champion_endpoint: NotRequired[ReportEndpoint]  # absent if the champion has no standing endpoint and gets none
    evaluations: NotRequired[ReportEvaluations]  # absent without evaluation jobs, and if their scores cannot be read
    prompt_optimization: NotRequired[list[OptimizedPrompt]]  # one entry per optimized prompt; absent without them
    format: NotRequired[int]  # format of the stored record; absent from reports of earlier versions
    version: NotRequired[str]  # version of the pipeline that wrote the record; absent from reports of earlier versions
    # What a reader needs to repeat the run: models, prompt versions, parameters, attribution.
    settings: dict[str, object]


class Report(ReportParts):
    """The report of a run. The record is stored in ``report/report.json``; ``report/report.html`` shows it."""

    comparisons: list[ComparisonResult]  # the pair of arms in the report's verdict comes first
    noise_control: list[ComparisonResult]  # an arm compared with its own second answers
    promotion: PromotionRecord | None
    judges: NotRequired[list[str]]  # all judges of the use case; absent from reports of earlier versions
    drift: NotRequired[list[Drift]]  # empty if nothing has changed beyond chance; absent if this is not known
    verdict: str  # one sentence


class JudgedParts(TypedDict):
    """The arguments of ``build_report`` that depend on verdicts and labels. This record is not stored."""

    verdicts: list[Sequence[Verdict]]  # one list per judge and pair of arms; the verdict's pair comes first
    clusters: dict[str, str]  # document group by row id
    max_unparsable_share: float
    noise_control: list[Sequence[Verdict]]
    noise_control_note: str
    agreement: list[Agreement]
    warnings: list[str]
    promote: Callable[[Sequence[ComparisonResult]], PromotionRecord]
    judges: tuple[str, ...]


class HeadlinePair(TypedDict):
    """The arms of the first comparison, for the page of the report. The record is not stored."""

    candidate: str
    baseline: str


class MatrixFinding(TypedDict):
    """
    One judge's finding in a cell of the table of arms, from the point of view of the arm in the row.

    The record is not stored.
    """

    judge: str
    half_win_rate: float | None
    finding: Finding
    word: str  # the finding in words


class MatrixCell(TypedDict):
    """One cell of the table that compares every arm with every other arm. The record is not stored."""

    against: str  # the arm in the column
    findings: list[MatrixFinding] | None  # None for an arm against itself; empty if the two arms were not compared


class MatrixRow(TypedDict):
    """One row of the table that compares every arm with every other arm. The record is not stored."""

    arm: str
    cells: list[MatrixCell]


class AgreementRow(Agreement):
    """One row of the table that shows how well each pair of raters agrees. The record is not stored."""

    too_few: str  # why kappa is not shown; empty if it is shown


class PastRunFigures(TypedDict):
    """
    The figures of one run in the list of past runs.

    The record is part of :class:`PastRun` and :class:`ShownPastRun`.
    """

    run_key: str
    use_case: str
    dag_id: str
    run_id: str
    simulated: bool
    claim: str
    evidence: list[str]
    estimated_usd: float
    actual_usd: float
    billing: list[str]  # arms whose throughput was not released when the report was written


class PastRun(PastRunFigures):
    """
    One run with a report.

    The record is stored in ``<prefix>/reports/<use case>/<start>-<run key>.json``, outside the run's folder.
    """

    finished_at: str  # ISO 8601, UTC


class ShownPastRun(PastRunFigures):
    """One run in the form that the page of past runs needs. The record is not stored."""

    finished_at: datetime.datetime


class ReportEvent(TypedDict):
    """The ``extra`` of the report asset's event, for DAGs that are scheduled on the asset."""

    report_json_uri: str
    report_html_uri: str
    verdict: str
    actual_usd: float
    simulated: bool
    run_key: str


class ReportManifest(TypedDict):
    """Result of the task ``report``. The record is passed through XCom only."""

    report_json_uri: str
    report_html_uri: str
    verdict: str
    actual_usd: float
    simulated: bool
    drift: NotRequired[list[Drift]]  # empty if nothing has changed beyond chance; absent if this is not known
