"""Define the record of one run in the history of its use case."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

# ``running`` until the run has ended. If its last task recorded no end, the next run of the use case asks Airflow how
# the run ended. ``lost`` means that Airflow has no record of the run, for example because its database was lost.
RunState = Literal["running", "succeeded", "failed", "lost"]
# What a bill line paid for; see :func:`include.distill.history.spending.kind_of_line`.
SpendingKind = Literal[
    "teacher", "critic", "training", "answers", "judges", "evaluations", "prompt_optimization", "endpoints", "other"
]

# What is compared with the runs before; see :mod:`include.distill.drift`.
Measure = Literal["half_win_rate", "accepted_share", "usd_per_pair", "document_characters", "rejected_row_share"]


class JudgedRate(TypedDict):
    """One judge's half-win rate on the pair of arms in the report's verdict."""

    judge: str
    half_win_rate: float | None  # None if no question has a readable verdict
    half_win_ci95: list[float] | None  # [low, high]; also None with too few document groups
    questions: int  # questions with a readable verdict


class PairFigures(TypedDict):
    """What became of the pairs that the teacher was asked for. ``requested = accepted + rejected + missing``."""

    requested: int
    accepted: int
    rejected: int
    missing: int
    dropped: dict[str, int]  # rejected pairs by filter


class RowFigures(TypedDict):
    """The rows of the run's input. ``read = accepted + rejected``."""

    read: int
    accepted: int
    rejected: int
    training: int
    evaluation: int
    documents: int | None  # different documents; None in results of versions that did not count them
    mean_document_characters: float | None  # over the training rows; None without training rows


class NewPairs(TypedDict):
    """
    The pairs for which the run paid the teacher. Pairs from stored answers are not counted.

    ``accepted`` includes pairs that ``curate`` dropped afterwards because they repeat a question of another row.
    """

    documents: int  # rows for which the run paid for at least one answer
    requested: int
    accepted: int
    usd: float  # what the run paid the teacher and the critic


class CallFigures(TypedDict):
    """The calls of models and their tokens, without those that Bedrock's jobs made."""

    calls: int  # new calls that this run paid for, single and in batch jobs
    stored: int  # answers that the answer store had, so that no call was needed
    input_tokens: int
    output_tokens: int


class Drift(TypedDict):
    """
    A measure of a run, compared with the same measure of the nights before.

    In ``drift`` of a run, ``value`` is below ``low`` or above ``high``.
    """

    measure: Measure
    value: float  # of this run
    expected: float  # of the runs before it
    low: float  # the smallest and the largest value that would not have been flagged
    high: float
    runs: int  # number of earlier nights that were compared


class BudgetClaim(TypedDict):
    """
    What a run claims of its monthly budgets. Only runs with a budget have it.

    ``estimate`` writes the claim before it compares the budget with the claims of all runs, and then its decision.
    """

    to_pay_usd: float  # the estimate without results that are stored already; 0 if the run was refused
    decided: bool  # False while the budgets are compared
    warned: list[str]  # kinds of the budgets of which the run reported that most of it is used up


class HistoryEntry(TypedDict):
    """
    One run in the history of its use case.

    The record is an entry in ``runs`` of :class:`HistoryMonth`. A run has one record, which is replaced as the run goes
    on: ``estimate`` writes it, ``report`` adds the results, ``promote`` the promotion, and ``outcome`` the end. The
    figures of results are absent until ``report`` has succeeded. Amounts are in US dollars.
    """

    run_key: str
    use_case: str
    dag_id: str
    run_id: str
    owner: str  # of the use case, for the budget of an owner
    started_at: str  # when the run was due to start (``run_after``), ISO 8601, UTC; it never changes
    ended_at: str | None
    state: RunState
    scheduled: bool  # whether the schedule started the run; drift compares only scheduled runs if there are enough
    estimated_usd: float | None
    spent_usd: float | None  # the bill; None while it is not known
    spent_by_kind: dict[str, float]  # by SpendingKind; empty while the bill is not known
    budget: NotRequired[BudgetClaim]  # absent if no monthly budget applies to the run
    simulated: NotRequired[bool]
    # True if ``make nights`` wrote the record. No such run took place, so neither budgets nor the drift of other runs
    # count it.
    example: NotRequired[bool]
    failed_tasks: NotRequired[list[str]]  # absent until the end of the run was recorded
    claim: NotRequired[str]  # the verdict in a sentence
    candidate: NotRequired[str]  # arm
    baseline: NotRequired[str]  # arm
    judges: NotRequired[list[JudgedRate]]
    training_loss: NotRequired[float | None]  # of the candidate
    pairs: NotRequired[PairFigures]
    rows: NotRequired[RowFigures]
    calls: NotRequired[CallFigures]
    new_pairs: NotRequired[NewPairs]  # absent if the run bought no pairs
    # Hashes of the settings that affect the results, by name. Drift compares only runs with the same settings.
    settings: NotRequired[dict[str, str]]
    # Model of the champion that the judges compared; None if the base student answered for it. Absent if neither arm of
    # the verdict's pair is the champion.
    compared_champion: NotRequired[str | None]
    promoted: NotRequired[str]  # arm that became the champion; absent if nothing was promoted
    champion_model_arn: NotRequired[str | None]  # the champion after the run
    drift: NotRequired[list[Drift]]  # empty if nothing has changed beyond chance; absent before the check


class HistoryMonth(TypedDict):
    """
    The runs of a use case that were due to start in one month.

    The record is stored in ``<prefix>/history/<use case>/<year>-<month>.json``.
    """

    runs: list[HistoryEntry]
