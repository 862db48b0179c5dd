"""Return stored answers to a task's requests, or call models within the task's share of the quota and the budget."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from include.distill.config.use_case import UseCase
from include.distill.inference.answer_store import AnswerStore, StoredAnswer
from include.distill.inference.call_progress import CallProgress
from include.distill.inference.lost_calls import LostCalls
from include.distill.inference.paced_client import PacedClient
from include.distill.inference.pools import pool_name, pool_slots
from include.distill.inference.rate_limits import Quota
from include.distill.inference.records import LostCallRecord
from include.distill.inference.requests import Completion, ModelClient, ModelRequest


@dataclass(frozen=True)
class PoolShare:
    """
    A task's share of its Airflow pool.

    :param pool: name of the task's pool.
    :param slots: number of the pool's slots that the task holds.
    :param is_first: whether the task is in its first attempt and is one of the first tasks to get slots of the pool.
    """

    pool: str
    slots: int
    is_first: bool

    @classmethod
    def for_task(cls, pool: str, slots: int, *, try_number: int, map_index: int) -> PoolShare:
        """Return the share of ``pool`` for a task instance that holds ``slots`` of the pool's slots."""
        # Airflow starts mapped tasks in the order of their indices, so the lowest indices fill the pool first.
        return cls(pool, slots, is_first=try_number == 1 and map_index < pool_slots(pool) // slots)

    def quota_share(self, pool: str) -> float:
        """
        Return the share of ``pool``'s quota that the task may use, from 0 to 1.

        The result is the number of slots that the task holds in its own pool, divided by the size of that pool. The
        tasks in one pool hold at most all of its slots, so their results add up to at most 1. Together, they therefore
        never exceed the quota. A task may also need the quota of another pool. In this case, the result is at most
        1 divided by the size of that other pool.
        """
        own_share = min(1.0, self.slots / pool_slots(self.pool))
        return own_share if self.pool == pool else min(own_share, 1 / pool_slots(pool))


class Budget(Protocol):
    """A budget that counts the cost of a task's calls and refuses calls beyond the task's share of the spend cap."""

    @property
    def spent_usd(self) -> float:
        """The amount that the run has paid for the task's rows so far, in US dollars."""

    def ask(self, request: ModelRequest, client: ModelClient) -> Completion:
        """Send ``request`` through ``client`` and count its cost.

        :raises SpendCapError: the budget is used up. Nothing was sent.
        """

    def record_stored(self, answer: StoredAnswer) -> None:
        """Count the cost of a stored answer if this run paid for the answer."""

    def record_lost(self, calls: Sequence[LostCallRecord]) -> None:
        """Count the highest possible cost of calls that were lost in earlier attempts of the task."""


@dataclass(frozen=True)
class BudgetedClient:
    """A client that checks the budget when a call starts, which may be long after the call was queued."""

    client: ModelClient
    budget: Budget

    def ask(self, request: ModelRequest) -> Completion:
        """Send ``request`` and return the answer.

        :raises SpendCapError: the task's share of the spend cap is used up. Nothing was sent.
        """
        return self.budget.ask(request, self.client)


def task_quota(request: ModelRequest, use_case: UseCase, pool_share: PoolShare) -> Quota:
    """
    Return the part of the model's quota that a task may use.

    A deployment has a quota of its own, which all tasks of the arm share equally. Provisioned throughput has no stated
    quota, so this function sets no limit for it. In all cases, the rate of calls also adapts to throttling.
    """
    if request.is_deployed:
        customization = request.model.customization
        stated = customization.deployment_quota if customization else None
        quota = Quota(stated.requests_per_minute, stated.tokens_per_minute) if stated else Quota()
        return quota.scaled(1 / use_case.fan_out.evaluation_tasks, starts_full=pool_share.is_first)
    if not request.is_on_demand:
        return Quota()
    pool = pool_name(use_case.aws.account, request.model.key, use_case.aws.region)
    quota = Quota(**use_case.quota(request.model).model_dump())
    return quota.scaled(pool_share.quota_share(pool), starts_full=pool_share.is_first and pool_share.pool == pool)


class RateLimitedModel:
    """
    A callable that returns stored answers, or calls a model within the quota and the budget.

    One instance serves all threads of a task.

    :param budget: limits the cost of the task's on-demand calls; ``None`` means no limit.
    :param lost_calls: records the on-demand calls whose answer did not arrive.
    :param shares_queue_with: another instance for the same task, with another budget. The two instances share one queue
        per model.
    """

    def __init__(
        self,
        answers: AnswerStore,
        client: ModelClient,
        use_case: UseCase,
        pool_share: PoolShare,
        budget: Budget | None = None,
        shares_queue_with: RateLimitedModel | None = None,
        lost_calls: LostCalls | None = None,
    ) -> None:
        self._answers = answers
        self._client = client
        self._budget = budget
        self._use_case = use_case
        self._pool_share = pool_share
        self._shares_queue_with = shares_queue_with
        self._lost_calls = lost_calls
        self._clients: dict[str, PacedClient] = {}
        self._clients_lock = threading.Lock()
        self._progress: CallProgress = shares_queue_with._progress if shares_queue_with else CallProgress()
        self._budgets: list[Budget] = shares_queue_with._budgets if shares_queue_with else []
        if budget:
            self._budgets.append(budget)

    @property
    def spent_usd(self) -> float | None:
        """The amount that the run has paid for the task's rows so far; ``None`` if the task has no budget."""
        return sum(budget.spent_usd for budget in self._budgets) if self._budgets else None

    @property
    def call_progress(self) -> CallProgress:
        """The counts of the task's rows and calls, including the calls of all budgets."""
        return self._progress

    def __call__(self, request: ModelRequest) -> StoredAnswer:
        """Return the stored answer to ``request``. If no answer is stored, send the request and store the answer.

        :raises ServiceError: the call failed.
        :raises SpendCapError: the budget is used up. Nothing was sent.
        """
        if self._budget and self._lost_calls and request.is_on_demand:
            self._budget.record_lost(self._lost_calls.earlier(request))
        answer = self._answers.get_or_ask(request, self._paced_client(request))
        # A stored answer that came from provisioned throughput was not billed by the token.
        if self._budget and request.is_on_demand and answer.deployed is request.is_deployed:
            self._budget.record_stored(answer)
        self._progress.record_answer(is_new=answer.is_new)
        if not answer.is_new:
            self._progress.model_calls.add_stored(request)
        return answer

    def with_budget(self, budget: Budget) -> RateLimitedModel:
        """Return an instance for the same task with another budget. Both instances share the quota and the queues."""
        return RateLimitedModel(
            self._answers,
            self._client,
            self._use_case,
            self._pool_share,
            budget,
            shares_queue_with=self,
            lost_calls=self._lost_calls,
        )

    def _paced_client(self, request: ModelRequest) -> PacedClient:
        with self._clients_lock:
            if request.invoke_id not in self._clients:
                self._clients[request.invoke_id] = self._new_client(request)
            return self._clients[request.invoke_id]

    def _new_client(self, request: ModelRequest) -> PacedClient:
        client = self._client
        if self._budget and request.is_on_demand:
            client = BudgetedClient(client, self._budget)
        if self._shares_queue_with:
            return self._shares_queue_with._paced_client(request).with_client(client)
        return PacedClient(
            client,
            task_quota(request, self._use_case, self._pool_share),
            concurrency=self._use_case.fan_out.concurrency,
            patience_seconds=self._use_case.fan_out.patience_seconds,
            lost_calls=self._lost_calls if request.is_on_demand else None,
            progress=self._progress,
        )
