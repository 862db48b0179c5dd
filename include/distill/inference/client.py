"""How a task asks models: paid answers first, then at the speed of its share of each model's quota."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol

from include.distill.config.use_case import UseCase
from include.distill.inference.answer_store import AnswerStore, StoredAnswer
from include.distill.inference.pacing import PacedClient, Quota
from include.distill.inference.pools import pool_name, pool_slots
from include.distill.inference.requests import Completion, ModelClient, ModelRequest


@dataclass(frozen=True)
class PoolShare:
    """
    Where a task stands in its Airflow pool.

    :param slots: how many slots of ``pool`` it holds.
    :param is_first: whether it is on its first try and among the first tasks that fill the pool.
    """

    pool: str
    slots: int
    is_first: bool

    @classmethod
    def for_task(cls, pool: str, slots: int, *, try_number: int, map_index: int) -> PoolShare:
        """Return the place of a task instance; Airflow starts mapped ones in the order of their indices."""
        return cls(pool, slots, is_first=try_number == 1 and map_index < pool_slots(pool) // slots)

    def quota_share(self, pool: str) -> float:
        """
        Return the part of a quota that goes with ``pool``.

        Who does not wait there takes as one slot of it, and no more than it has of the pool where it waits: so the
        tasks that are let in there take no more than the whole quota, however many slots either pool has.
        """
        own = min(1.0, self.slots / pool_slots(self.pool))
        return own if self.pool == pool else min(own, 1 / pool_slots(pool))


class Budget(Protocol):
    """Counts what a task's calls cost and refuses a call that would exceed the task's share of the spend cap."""

    def ask(self, request: ModelRequest, client: ModelClient) -> Completion:
        """Send ``request`` through ``client`` and count its cost.

        :raises SpendCapError: the budget is used up. Nothing was sent.
        """

    def record_stored(self, answer: StoredAnswer) -> None:
        """Count an answer that was stored before."""


@dataclass(frozen=True)
class BudgetedClient:
    """Looks at the bill in the very moment of a call: it may have waited long for the quota."""

    client: ModelClient
    budget: Budget

    def ask(self, request: ModelRequest) -> Completion:
        """Ask unless the task's part of the spend cap is used up."""
        return self.budget.ask(request, self.client)


def is_on_demand(request: ModelRequest) -> bool:
    """Tell whether ``request`` is paid for by the token; an endpoint of our own is paid for by the hour."""
    return request.invoke_id == request.model.inference_id


class RateLimitedModel:
    """
    Asks a model unless the answer is paid for already. One for all threads of a task.

    A model is asked on demand at the task's share of the quota. An endpoint of our own has no stated quota and no
    pool, for it is billed by the hour: its speed is found by throttling.

    :param budget: the bill of the task's calls on demand; without one nothing is capped.
    :param shares_queue_with: what asks for another bill of the same task; both wait in one queue for each model.
    """

    def __init__(
        self,
        answers: AnswerStore,
        client: ModelClient,
        use_case: UseCase,
        pool_share: PoolShare,
        budget: Budget | None = None,
        shares_queue_with: RateLimitedModel | None = None,
    ) -> None:
        self._answers = answers
        self._client = client
        self._budget = budget
        self._use_case = use_case
        self._pool_share = pool_share
        self._shares_queue_with = shares_queue_with
        self._paced: dict[str, PacedClient] = {}
        self._making = threading.Lock()

    def __call__(self, request: ModelRequest) -> StoredAnswer:
        """Return the stored answer, or ask, store and return it."""
        answer = self._answers.get_or_ask(request, self._paced_client(request))
        if self._budget and is_on_demand(request):
            self._budget.record_stored(answer)
        return answer

    def with_budget(self, budget: Budget) -> RateLimitedModel:
        """Return what asks at the same speed, from the same quota, for another bill."""
        return RateLimitedModel(
            self._answers, self._client, self._use_case, self._pool_share, budget, shares_queue_with=self
        )

    def _paced_client(self, request: ModelRequest) -> PacedClient:
        with self._making:
            if request.invoke_id not in self._paced:
                self._paced[request.invoke_id] = self._new_client(request)
            return self._paced[request.invoke_id]

    def _new_client(self, request: ModelRequest) -> PacedClient:
        fan_out = self._use_case.fan_out
        client = self._client
        if self._budget and is_on_demand(request):
            client = BudgetedClient(client, self._budget)
        if self._shares_queue_with:
            return self._shares_queue_with._paced_client(request).with_client(client)
        return PacedClient(
            client,
            self._quota(request),
            concurrency=fan_out.concurrency,
            patience_seconds=fan_out.patience_seconds,
        )

    def _quota(self, request: ModelRequest) -> Quota:
        if not is_on_demand(request):
            return Quota()
        pool = pool_name(request.model.key, self._use_case.aws.region)
        whole = Quota(**self._use_case.quota(request.model).model_dump())
        return whole.scaled(
            self._pool_share.quota_share(pool), starts_full=self._pool_share.is_first and self._pool_share.pool == pool
        )
