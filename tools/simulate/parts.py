"""Say which tasks of which DAG a schedule executes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from include.distill.core.naming import run_key
from tools.simulate.small_batches import LEAST_RECORDS

OTHER_ROWS = 100  # the first training row of a champion that was not trained on the rows of the part
APPROVE = "Approve"  # the answer of a person who agrees
NAME = "simulated"  # of the use case
DISTILL, ROLLBACK_DAG, SWEEPER_DAG, CLEAN_UP_DAG = "distill", "rollback", "release_leftovers", "clean_up"


@dataclass(frozen=True)
class Promoting:
    """
    How a run promotes its winner. The first state contains a report on the arm ``tuned``.

    :ivar choice: what the person answers to the question of ``approve``; ``None`` if nobody answers in time.
    :ivar has_champion: whether the first state has a champion that another model replaces.
    :ivar wins: whether the arm has won.
    :ivar same_rows: whether the champion was trained on the rows of the part, so that the arm has the same model.
    :ivar is_former: whether another model has replaced this champion before the runs, so that it is a former champion.
    :ivar is_stale: whether the champion was promoted after the runs had begun, so that no run was compared with it.
    """

    choice: str | None
    has_champion: bool = False
    wins: bool = True
    same_rows: bool = False
    is_former: bool = False
    is_stale: bool = False

    @property
    def champions(self) -> tuple[int, ...]:
        """The first training row of each champion before the runs, the oldest one first."""
        first = 0 if self.same_rows else OTHER_ROWS
        return (first, OTHER_ROWS) if self.is_former else (first,)


@dataclass(frozen=True)
class Approval:
    """
    How a run asks for the approval of its spending.

    :ivar choice: what the person answers; ``None`` if nobody answers in time.
    """

    choice: str | None


@dataclass(frozen=True)
class Part:
    """
    A part of a DAG.

    :ivar before: the tasks that are executed once. Their result is the first state of all schedules.
    :ivar tasks: the tasks that each schedule executes. All other tasks succeed at once and do nothing. A task that is
        also in ``before`` is executed again by each run, because its result depends on what the earlier run has left.
    :ivar training_rows: the number of rows of the training CSV. By default, the minimum of a fine-tuning job.
    :ivar use_case: the keys in which the part's use case differs from the one of :mod:`tools.simulate.use_case`.
    :ivar must_fail: whether each run is refused something, so that it fails.
    :ivar approval: what a person answers to the question about the spending; ``None`` if there is no question.
    :ivar promotion: how the winner of each run is promoted, and how a person answers; ``None`` if no report is needed.
    :ivar dag: the file in ``dags`` whose DAG the schedules run. If it is not ``distill``, its runs execute all tasks.
    :ivar earlier: the function in ``tools.simulate.earlier`` that executes earlier runs of the use case.
    :ivar form: what a person enters in the trigger form of the first run.
    :ivar next_form: the values in which the forms of later runs differ.
    :ivar next_run_seconds: how long after a failed run the next one starts.
    """

    name: str
    before: tuple[str, ...]
    tasks: tuple[str, ...]
    training_rows: int = 8
    use_case: Mapping[str, Any] = field(default_factory=dict, hash=False)
    promotion: Promoting | None = None
    must_fail: bool = False
    approval: Approval | None = None
    dag: str = DISTILL
    earlier: str | None = None
    form: Mapping[str, Any] = field(default_factory=dict, hash=False)
    next_form: Mapping[str, Any] = field(default_factory=dict, hash=False)
    next_run_seconds: float = 86_400.0

    @property
    def choice(self) -> str | None:
        """What a person answers to the questions of a schedule; ``None`` if nobody answers in time."""
        asked = self.promotion or self.approval
        return asked.choice if asked else None

    def configuration(self, number: int) -> dict[str, Any]:
        """Return what a person enters in the trigger form of a run."""
        return {**self.form, **(self.next_form if number > 1 else {})}


_PREPARED = (
    "preflight",
    "ingest",
    "estimate",
    "approve_spending",
    "evaluation_shards",
    "tuned.merge",
    "tuned.upload",
)
TRAINING = Part("training", before=_PREPARED, tasks=("tuned.submit", "tuned.trained", "outcome"))
SERVING = Part(
    "serving",
    before=(*_PREPARED, "tuned.submit", "tuned.trained"),
    tasks=("tuned.provision", "tuned.in_service", "tuned.release", "outcome"),
)
ON_DEMAND = Part(
    "on-demand",
    before=(*_PREPARED, "tuned.submit", "tuned.trained"),
    tasks=("tuned.deploy", "tuned.active", "tuned.undeploy", "outcome"),
    use_case={"serving": {"mode": "on_demand", "poll_interval_seconds": 400}},
)
DISTILLATION = Part(
    "distillation",
    before=_PREPARED,
    tasks=("tuned.submit", "tuned.trained", "outcome"),
    training_rows=100,  # the minimum of a distillation job
    use_case={
        "arms": [
            {"name": "base", "kind": "base"},
            {"name": "tuned", "kind": "distilled", "teacher": "nova-pro", "originals": "all"},
        ]
    },
)
_SYNTHETIC = [{"name": "base", "kind": "base"}, {"name": "tuned", "originals": "all", "synthetic": 1}]
BATCH = Part(
    "batch_jobs",
    before=("preflight", "ingest", "estimate", "approve_spending", "shards"),
    tasks=("synthesize_batch.submit", "synthesize_batch.wait", "synthesize_batch.collect", "outcome"),
    use_case={
        "teacher": "nova-lite",
        "arms": _SYNTHETIC,
        "synthesis": {"inference": "batch", "pairs_per_document": 1},
        "batch": {"poll_interval_seconds": 1500},
    },
    training_rows=LEAST_RECORDS,
)
SYNTHESIS = Part(
    "synthesis",
    before=("preflight", "ingest", "estimate", "approve_spending", "shards"),
    tasks=("synthesize", "curate", "outcome"),
    use_case={
        "arms": _SYNTHETIC,
        "synthesis": {"pairs_per_document": 1},
        "fan_out": {"max_tasks": 2, "evaluation_tasks": 1, "concurrency": 2},
    },
)
_SCORE = "evaluate.base_by_claude-haiku-4-5"
EVALUATION = Part(
    "evaluation",
    before=("preflight", "ingest", "estimate", "approve_spending", "evaluation_shards", "base.answer"),
    tasks=(f"{_SCORE}.submit", f"{_SCORE}.wait", f"{_SCORE}.collect", "outcome"),
    use_case={
        "evaluations": {
            "pointwise": {
                "evaluators": ["claude-haiku-4-5"],
                "metrics": ["Builtin.Correctness"],
                "poll_interval_seconds": 1500,
            }
        }
    },
)
_STANDING: Mapping[str, Any] = {
    "max_spend_usd": 500,  # the endpoints of two arms
    "promotion": {"serve": "provisioned", "ask_a_person": True, "smoke_prompts": 2},
    "arms": [
        {"name": "base", "kind": "base"},
        {"name": "best", "kind": "champion"},
        {"name": "tuned", "originals": "all", "synthetic": 0},
    ],
}


def _promotion(name: str, choice: str | None, *, has_champion: bool = False) -> Part:
    return Part(
        name,
        before=(*_PREPARED, "tuned.submit", "tuned.trained"),
        tasks=("preflight", "approve", "start_switch", "switch", "switched", "smoke", "promote", "settle", "outcome"),
        use_case=_STANDING,
        promotion=Promoting(choice, has_champion),
    )


PROMOTION = _promotion("promotion", APPROVE)
REPLACEMENT = _promotion("replacement", APPROVE, has_champion=True)
REJECTION = _promotion("rejection", "Reject", has_champion=True)
SILENCE = _promotion("silence", None)
# A winner that loses against a champion with a standing endpoint.
LOSING = Part(
    "losing",
    before=PROMOTION.before,
    tasks=PROMOTION.tasks,
    use_case=_STANDING,
    promotion=Promoting(APPROVE, has_champion=True, wins=False),
)


def _with_rules(name: str, rules: Mapping[str, Any], promotion: Promoting) -> Part:
    """Return a part with other rules of promotion. Tasks that do not exist under these rules are left out."""
    is_served, asks = rules["serve"] != "none", rules["ask_a_person"]
    deletes = rules.get("delete_losers", False)
    arms = _STANDING["arms"] + ([{"name": "lost", "originals": 8, "synthetic": 0}] if deletes else [])
    left_out = {"approve"} if not asks else set()
    left_out |= set() if is_served else {"start_switch", "switch", "switched", "smoke", "settle"}
    tasks = [task for task in PROMOTION.tasks if task not in left_out]
    return Part(
        name,
        before=PROMOTION.before + (("lost.merge", "lost.upload", "lost.submit", "lost.trained") if deletes else ()),
        tasks=(*tasks[:-1], *(["delete_losers"] if deletes else []), tasks[-1]),
        training_rows=9 if deletes else 8,
        use_case={**_STANDING, "arms": arms, "promotion": {"smoke_prompts": 2, **rules}},
        promotion=promotion,
    )


_UNATTENDED = {"serve": "none", "ask_a_person": False}
UNATTENDED = _with_rules("unattended", _UNATTENDED, Promoting(None))
DELETION = _with_rules("deletion", {**_UNATTENDED, "delete_losers": True}, Promoting(None, has_champion=True))
LOSERS = _with_rules(
    "losers",
    {**_UNATTENDED, "delete_losers": True},
    Promoting(None, has_champion=True, wins=False, same_rows=True),
)
# A loser that was the champion before, so a person can roll back to it.
FORMER = replace(
    LOSERS, name="former", promotion=Promoting(None, has_champion=True, wins=False, same_rows=True, is_former=True)
)
STALE = replace(
    _with_rules("stale", _UNATTENDED, Promoting(None, has_champion=True, is_stale=True)),
    tasks=("promote", "outcome"),
    must_fail=True,
)
ON_DEMAND_PROMOTION = _with_rules(
    "on-demand_promotion", {"serve": "on_demand", "ask_a_person": True}, Promoting(APPROVE)
)
ON_DEMAND_REPLACEMENT = _with_rules(
    "on-demand_replacement", {"serve": "on_demand", "ask_a_person": False}, Promoting(None, has_champion=True)
)
EARLIER_RUN = 8  # the number of the first of the earlier runs


def _rollback(name: str, choice: str | None) -> Part:
    """
    Return a part in which a person goes back to the first of two champions.

    If the run fails, a person starts another one, and names the champion, because the failed run may have gone back
    already.
    """
    return Part(
        name,
        before=(),
        tasks=(
            "choose",
            "approve_rollback",
            "start_switch",
            "switch",
            "switched",
            "smoke",
            "restore",
            "settle",
            "outcome",
        ),
        use_case=_STANDING,
        promotion=Promoting(choice),
        dag=ROLLBACK_DAG,
        earlier="promote_twice",
        form={"use_case": NAME, "to": "previous"},
        next_form={"to": run_key(f"distill_{NAME}", f"manual__simulated-{EARLIER_RUN}")},
    )


ROLLBACK = _rollback("rollback", "Approve")
ROLLBACK_REJECTION = _rollback("rollback-rejection", "Reject")
# Each run of this part leaves an endpoint, because the teardown is not among its tasks.
LEFT_THROUGHPUT = Part(
    "left-throughput",
    before=(*_PREPARED, "tuned.submit", "tuned.trained"),
    tasks=("tuned.provision", "tuned.in_service"),
    use_case={"max_spend_usd": 500},
)
LEFT_DEPLOYMENT = Part(
    "left-deployment",
    before=(*_PREPARED, "tuned.submit", "tuned.trained"),
    tasks=("tuned.deploy", "tuned.active"),
    use_case=ON_DEMAND.use_case,
)
SWEEPER = Part(
    "sweeper",
    before=(),
    tasks=("sweep_aws_default_us-east-1",),
    dag=SWEEPER_DAG,
    earlier="leave_endpoints",
    next_run_seconds=900.0,
)
CLEAN_UP = Part(
    "clean-up",
    before=(),
    tasks=("list_leftovers", "delete_leftovers"),
    use_case=_STANDING,
    dag=CLEAN_UP_DAG,
    earlier="leave_a_run",
    form={"use_case": NAME, "dry_run": False},
)
CLEAN_UP_STANDING = Part(
    "clean-up-standing",
    before=(),
    tasks=("list_leftovers", "delete_leftovers"),
    use_case=_STANDING,
    dag=CLEAN_UP_DAG,
    earlier="leave_a_live_run",
    form={"dry_run": False, "delete_standing_endpoints": True, "datasets": True, "paid_answers": True},
)
_ASKED = Part(
    "approved_spending",
    before=("preflight", "ingest"),  # all later tasks wait for the approval
    tasks=("estimate", "approve_spending", "tuned.merge", "tuned.upload", "tuned.submit", "tuned.trained", "outcome"),
    use_case={"approval": {"before_spending": "always", "before_hourly": "never"}},
)
APPROVED_SPENDING = replace(_ASKED, approval=Approval(APPROVE))
REJECTED_SPENDING = replace(_ASKED, name="rejected_spending", approval=Approval("Reject"), must_fail=True)
ABOVE_CAP = replace(_ASKED, name="above_cap", use_case={"max_spend_usd": 1}, must_fail=True)  # an hour costs more
# The arm is served while it answers, and both arms answer in two shards.
_SERVED = ("tuned.deploy", "tuned.active", "tuned.answer", "tuned.undeploy")
_TWO_SHARDS = {
    "serving": {"mode": "on_demand", "poll_interval_seconds": 400},
    "fan_out": {"evaluation_tasks": 2, "concurrency": 2},
    "answering": {"temperature": 0.5},  # so that an arm answers twice for the noise control, which is a second pair
}
ANSWERS = Part(
    "answers",
    before=(*_PREPARED, "tuned.submit", "tuned.trained"),
    tasks=("base.answer", *_SERVED, "outcome"),
    use_case=_TWO_SHARDS,
)
JUDGING = Part(
    "judging",
    before=(*ANSWERS.before, "base.answer", *_SERVED),
    tasks=("judge.claude-haiku-4-5", "report", "outcome"),
    use_case=_TWO_SHARDS,
)
