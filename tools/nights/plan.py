"""
Plan what happens on each simulated night: when it starts, how good its models are, and what goes wrong.

The plan says what is true on a night. What the run of the night finds also depends on chance, which
:mod:`tools.nights.draws` adds.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

NIGHTS = 30
SEED = 20_260_111
# The run ids of Airflow's own runs never start like this.
RUN_ID_START = "simulated_night__"
_HOUR = 2  # the schedule of aws_docs_qa is 0 2 * * *


@dataclass(frozen=True)
class Stage:
    """
    The settings of a use case from one night on, and how good the models are that they lead to.

    :ivar first: number of the first night with these settings.
    :ivar pairs: pairs per document.
    :ivar strength: by arm, the half-win rate against the base student, minus one half. A missing arm has 0.
    """

    first: int
    pairs: int
    strength: Mapping[str, float]


@dataclass(frozen=True)
class UseCasePlan:
    """
    The nights of one use case.

    :ivar name: name of the use case.
    :ivar every: number of days from one run to the next.
    :ivar scheduled: whether the schedule starts the runs.
    :ivar compares_champion: whether the nights add a champion arm to the use case, which has none.
    :ivar questions: number of evaluation questions.
    :ivar fails: numbers of the nights that fail.
    :ivar drifts: number of the night with the planted drift; ``None`` without one.
    """

    name: str
    every: int
    scheduled: bool
    compares_champion: bool
    questions: int
    stages: Sequence[Stage]
    fails: frozenset[int] = frozenset()
    drifts: int | None = None


@dataclass(frozen=True)
class Night:
    """
    What is true on one night.

    :ivar number: 0 for the oldest night.
    :ivar rows: number of rows for training.
    :ivar changed_rows: rows with a new document since the night before.
    :ivar strength: see :class:`Stage`.
    :ivar cost_factor: tokens of the teacher, compared with other nights.
    """

    use_case: str
    number: int
    started: datetime.datetime
    scheduled: bool
    fails: bool
    drifts: bool
    pairs: int
    rows: int
    changed_rows: int
    questions: int
    strength: Mapping[str, float] = field(default_factory=dict)
    cost_factor: float = 1.0

    @property
    def run_id(self) -> str:
        """The id of the DAG run. Airflow has no such run."""
        return f"{RUN_ID_START}{self.started.isoformat()}"


# The planted drift: the candidate's half-win rate falls by 0.15, and each pair costs 25 % more.
LOST_STRENGTH = 0.15
COST_FACTOR = 1.25

PLANS = (
    UseCasePlan(
        name="aws_docs_qa",
        every=1,
        scheduled=True,
        compares_champion=True,
        questions=100,
        stages=(
            Stage(0, 2, {"tuned": 0.08}),
            Stage(8, 3, {"tuned": 0.17}),
            Stage(16, 4, {"tuned": 0.36}),
        ),
        fails=frozenset({12}),
        drifts=26,
    ),
    UseCasePlan(
        name="compare_methods",
        every=5,
        scheduled=False,
        compares_champion=False,
        questions=100,
        stages=(Stage(0, 3, {"ours": 0.07, "managed": 0.04}),),
    ),
)


def plan_nights(plan: UseCasePlan, now: datetime.datetime, nights: int = NIGHTS) -> list[Night]:
    """Return the nights of a use case, oldest first. The last one is the night before ``now``."""
    last = now.astimezone(datetime.UTC).replace(hour=_HOUR, minute=0, second=0, microsecond=0)
    if last + datetime.timedelta(hours=1) > now:  # the run of this night would still be in progress
        last -= datetime.timedelta(days=1)
    days = range(nights - 1, -1, -plan.every)
    return [_night(plan, nights - 1 - ago, last - datetime.timedelta(days=ago)) for ago in days]


def _night(plan: UseCasePlan, number: int, started: datetime.datetime) -> Night:
    stage = [stage for stage in plan.stages if stage.first <= number][-1]
    drifts = number == plan.drifts
    lost = LOST_STRENGTH if drifts else 0.0
    return Night(
        use_case=plan.name,
        number=number,
        started=started,
        scheduled=plan.scheduled,
        fails=number in plan.fails,
        drifts=drifts,
        pairs=stage.pairs,
        rows=500 + 4 * number,
        changed_rows=500 if number == 0 or number == stage.first else 150,
        questions=plan.questions,
        strength={arm: strength - lost for arm, strength in stage.strength.items()},
        cost_factor=COST_FACTOR if drifts else 1.0,
    )
