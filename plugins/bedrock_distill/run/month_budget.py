"""
Check the monthly budgets of a run's use case and of its owner, and claim what the run is expected to pay.

The histories of the owner's other use cases are read with the connections of these use cases. A run to which no budget
applies reads nothing.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.hooks.statuses import THROUGHPUT_STATUS, Progress
from bedrock_distill.run.access import RunAccess
from bedrock_distill.run.checks import utc_now
from bedrock_distill.run.metrics import emit
from bedrock_distill.run.run_history import replace_record
from include.distill.cleanup.ownership import is_standing
from include.distill.config.budgets import MonthBudget
from include.distill.config.layout import Layout, champion_uri
from include.distill.config.loader import USE_CASES_FOLDER, UseCases, load_use_cases
from include.distill.config.owner_budgets import budgets_of, load_owner_budgets, unknown_owner_warnings
from include.distill.config.use_case import UseCase
from include.distill.core.errors import (
    FAILED_TASK,
    BudgetExceededError,
    BudgetUnknownError,
    ContractError,
    DistillError,
    NotFoundError,
    ServiceError,
    ThrottledError,
    TransientError,
)
from include.distill.core.naming import standing_endpoint_name
from include.distill.cost.month_budget import (
    StandingCost,
    budget_state,
    covers,
    decide,
    hours_in_month,
    state_sentence,
    undecided_usd,
    warning_sentences,
)
from include.distill.cost.over_budget import over_budget_error
from include.distill.cost.prices import load_prices
from include.distill.cost.records import BudgetState
from include.distill.evaluation.champion import read_champion
from include.distill.history.months import read_month
from include.distill.history.records import BudgetClaim, HistoryEntry
from include.distill.report.run_metrics import budget_samples

if TYPE_CHECKING:
    from airflow.sdk import Context

# A claim of another run is decided after a few reads from S3. Only the claim of a task that was killed stays undecided.
WAIT_SECONDS = 3.0
_MOST_READS = 20
_GIVE_ACCESS = "Give the connection access."


@dataclass(frozen=True)
class _Place:
    """
    A root in S3, the use cases of a budget in it, and how to read it.

    :param connection: id of the Airflow connection, for messages.
    """

    root: str
    store: S3ObjectStore
    hook: BedrockDistillHook
    connection: str
    use_cases: list[UseCase] = field(default_factory=list)


class RunBudgets:
    """
    The monthly budgets that apply to a run.

    :param task: the task that checks the budgets.
    :param use_case: the run's use case.
    :param folder: the folder of all use cases, in which the other use cases of the owner are found.
    :raises UseCaseError: ``include/budgets.yaml`` is not valid.
    """

    def __init__(
        self, task: RunAccess, use_case: UseCase, context: Context, *, folder: Path = USE_CASES_FOLDER
    ) -> None:
        self._task = task
        self._use_case = use_case
        self._context = context
        self._folder = folder
        self._owners = load_owner_budgets()
        self.budgets = budgets_of(use_case, self._owners)

    def warnings(self) -> list[str]:
        """Return a warning for each owner in ``include/budgets.yaml`` that no use case has."""
        if not self._owners.owners:
            return []
        return unknown_owner_warnings(self._owners, {use_case.owner for use_case in self._found.valid})

    def require_some_left(self) -> None:
        """
        Check before any work that something is left of each budget.

        :raises BudgetExceededError: nothing is left of a budget.
        :raises BudgetUnknownError: it cannot be read what was spent.
        """
        if not self.budgets:
            return
        runs = self._read_runs()
        own = next((run for run in runs if self._is_own(run)), None)
        for budget in self.budgets:
            state = self._state(budget, runs, own, 0.0)
            # Claims that are not decided yet may be refused in a moment.
            if state["left_usd"] + undecided_usd(self._covered(budget, runs), own) <= 0:
                raise self._over_budget(budget, state, runs, is_estimated=False)

    def with_claim(self, run: HistoryEntry, to_pay_usd: float) -> HistoryEntry:
        """
        Return the record of a run that is about to ask, with its claim if a budget applies.

        Without the claim, other runs would count the full price of this run until it has asked.

        :param to_pay_usd: 0 if the run is refused for another reason.
        """
        if not self.budgets:
            return run
        return {**run, "budget": {"to_pay_usd": to_pay_usd, "decided": to_pay_usd == 0, "warned": []}}

    def claim(self, to_pay_usd: float) -> list[BudgetState]:
        """
        Claim what the run is expected to pay, and return the state of each budget without this claim.

        :raises BudgetExceededError: a budget has too little left; the claim was withdrawn.
        :raises BudgetUnknownError: it cannot be read what was spent; the claim was withdrawn.
        """
        if not self.budgets:
            return []
        own = self._record({"to_pay_usd": to_pay_usd, "decided": False, "warned": []})
        try:
            states = self._granted(own, to_pay_usd)
            warned: list[str] = [state["kind"] for state in states if state["is_warning"]]
            self._record({"to_pay_usd": to_pay_usd, "decided": True, "warned": warned})
        except Exception:
            with suppress(DistillError):  # the task `outcome` also ends the claim
                self._record({"to_pay_usd": 0.0, "decided": True, "warned": []})
            raise
        self._log(states)
        return states

    def preview(self, to_pay_usd: float) -> None:
        """Log whether the run would start, for a dry run, which claims nothing."""
        if not self.budgets:
            return
        runs = self._read_runs()
        states = [self._state(budget, runs, None, to_pay_usd) for budget in self.budgets]
        self._log(states)
        for budget, state in zip(self.budgets, states, strict=True):
            if to_pay_usd > state["left_usd"]:
                error = self._over_budget(budget, state, runs, is_estimated=True)
                self._task.log.warning("A run that is not a dry run would not start now. %s", error.happened)

    def _granted(self, own: HistoryEntry, to_pay_usd: float) -> list[BudgetState]:
        for read in range(1, _MOST_READS + 1):
            runs = self._read_runs()
            states = [self._state(budget, runs, own, to_pay_usd) for budget in self.budgets]
            emit(budget_samples(self._use_case.name, states))
            decisions = [
                decide(state, self._covered(budget, runs), own)
                for budget, state in zip(self.budgets, states, strict=True)
            ]
            blocked = "refused" if "refused" in decisions or read == _MOST_READS else None
            for budget, state, decision in zip(self.budgets, states, decisions, strict=True):
                if blocked and decision != "granted":
                    raise self._over_budget(budget, state, runs, is_estimated=True)
            if all(decision == "granted" for decision in decisions):
                return states
            self._task.log.info("Another run is comparing its cost with the same budget. Waiting for its decision.")
            time.sleep(WAIT_SECONDS)
        raise AssertionError("the last read returns or raises")

    def _log(self, states: Sequence[BudgetState]) -> None:
        for state in states:
            self._task.log.info("%s", state_sentence(state))
        for sentence in warning_sentences(states):
            self._task.log.warning("%s", sentence)

    def _record(self, claim: BudgetClaim) -> HistoryEntry:
        def change(run: HistoryEntry) -> HistoryEntry:
            return {**run, "state": "running", "ended_at": None, "budget": claim}

        with self._readable(f"the history of use case {self._use_case.name}", self._task.aws_conn_id):
            return replace_record(self._task, self._context, change)

    def _state(
        self, budget: MonthBudget, runs: Sequence[HistoryEntry], own: HistoryEntry | None, to_pay_usd: float
    ) -> BudgetState:
        return budget_state(
            budget.kind,
            budget.month_usd,
            self._covered(budget, runs),
            self._month,
            standing=self._standing_of(budget),
            own=own,
            expected_usd=to_pay_usd,
        )

    def _over_budget(
        self, budget: MonthBudget, state: BudgetState, runs: Sequence[HistoryEntry], *, is_estimated: bool
    ) -> BudgetExceededError:
        others = [run for run in self._covered(budget, runs) if not self._is_own(run)]
        # `estimate` reads the copy of the use case that preflight made, and the file of the owners as it is now.
        is_frozen = is_estimated and budget.kind == "use_case"
        return over_budget_error(
            budget,
            state,
            others,
            self._standing_of(budget),
            self._month,
            then_clear="preflight with downstream" if is_frozen else self._task.task_to_clear,
            is_estimated=is_estimated,
        )

    def _is_own(self, run: HistoryEntry) -> bool:
        return (run["use_case"], run["run_key"]) == (self._use_case.name, self._task.folder.run_key)

    def _covered(self, budget: MonthBudget, runs: Sequence[HistoryEntry]) -> list[HistoryEntry]:
        return [run for run in runs if covers(budget, run)]

    def _standing_of(self, budget: MonthBudget) -> list[StandingCost]:
        return [cost for cost in self._standing if budget.kind == "owner" or cost.use_case == budget.name]

    @property
    def _month(self) -> datetime.datetime:
        """A time in the month in which the run counts. It does not change when a task of the run is cleared."""
        started: datetime.datetime = self._context["dag_run"].run_after
        return started

    @property
    def _has_owner_budget(self) -> bool:
        return any(budget.kind == "owner" for budget in self.budgets)

    @cached_property
    def _found(self) -> UseCases:
        return load_use_cases(self._folder)

    @cached_property
    def _places(self) -> list[_Place]:
        """The roots of the use cases that the budgets cover. The root of the run's own use case is the first."""
        root = Layout(self._use_case.storage).roots[0]
        places = {root: _Place(root, self._task.store, self._task.hook, self._task.aws_conn_id, [self._use_case])}
        if self._has_owner_budget:
            for problem in self._found.problems:
                self._task.log.warning(
                    "A use-case file is not valid. If the use case has the same owner, its runs count in the budget"
                    " only if they are stored in the same place as those of the owner's other use cases. %s",
                    problem,
                )
            for use_case in self._found.valid:
                if use_case.owner == self._use_case.owner and use_case.name != self._use_case.name:
                    root = Layout(use_case.storage).roots[0]
                    places.setdefault(root, _place(root, use_case)).use_cases.append(use_case)
        return list(places.values())

    def _read_runs(self) -> list[HistoryEntry]:
        only = None if self._has_owner_budget else self._use_case.name
        runs = []
        for place in self._places:
            names = ", ".join(use_case.name for use_case in place.use_cases)
            with (
                self._readable(f"the history of {names} in {place.root}", place.connection),
                suppress(NotFoundError),  # a bucket that does not exist yet
            ):
                runs += read_month(place.store, place.root, self._month, use_case=only)
        return runs

    @cached_property
    def _standing(self) -> list[StandingCost]:
        """What the standing endpoints that are billed by the hour have cost in the month until now."""
        costs: list[StandingCost] = []
        for place in self._places:
            for use_case in place.use_cases:
                with self._readable(f"the champion of {use_case.name} in {place.root}", place.connection):
                    costs += _standing_cost(place, use_case, self._month)
        return costs

    @contextmanager
    def _readable(self, what: str, connection: str) -> Iterator[None]:
        """
        Turn an error of AWS, or about a stored object, in the block into one that says which budget cannot be kept.

        An error that may be temporary is not changed, because Airflow repeats the task after it.
        """
        try:
            yield
        except (TransientError, ThrottledError):
            raise
        except ServiceError as error:
            budgets = " and ".join(f"of {budget.whose}" for budget in self.budgets)
            keys = " and ".join(f"{budget.key} from {budget.file}" for budget in self.budgets)
            cause, to_do = f"cannot be read or written with the Airflow connection {connection}", _GIVE_ACCESS
            if isinstance(error, ContractError):  # the object itself is the problem, not the access to it
                cause, to_do = "cannot be used", error.to_do
            raise BudgetUnknownError(
                f"The monthly budget {budgets} cannot be kept, because {what} {cause}. {error.happened}",
                left="The run did not start.",
                billed="Nothing was bought.",
                to_do=f"{to_do} Or remove {keys}.",
                then_clear=FAILED_TASK,
            ) from error


def _place(root: str, use_case: UseCase) -> _Place:
    hook = BedrockDistillHook(use_case.aws.conn_id, use_case.aws.region, bucket_owners=use_case.bucket_owners)
    return _Place(root, S3ObjectStore(hook), hook, use_case.aws.conn_id)


def _standing_cost(place: _Place, use_case: UseCase, month: datetime.datetime) -> Iterator[StandingCost]:
    """
    Yield what the use case's standing endpoint has cost in a month until now, if it is billed by the hour.

    The endpoint counts as soon as it exists. A run that buys it may fail before it records the new champion.
    """
    champion = read_champion(place.store, champion_uri(place.root, use_case.name))
    endpoint = champion.endpoint if champion else None
    is_recorded = endpoint is not None and endpoint.kind == "provisioned"
    if not is_recorded and use_case.promotion.serve != "provisioned":
        return
    name = endpoint.arn if endpoint and is_recorded else standing_endpoint_name(use_case.environment, use_case.name)
    found = place.hook.find_throughput(name)
    if found is None or THROUGHPUT_STATUS.get(found.status) is Progress.FAILED:
        return
    if not is_recorded and not is_standing(place.hook.tags(found.arn)):
        return  # somebody else's endpoint with this name
    student = champion.student if champion and is_recorded else use_case.student
    usd_per_hour = found.units * load_prices().price(student, "throughput_per_hour")
    hours = hours_in_month(found.created, month, utc_now())
    yield StandingCost(use_case.name, found.name, round(hours * usd_per_hour, 4), usd_per_hour)
