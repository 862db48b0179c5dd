"""
Keep the critic within its own budget, ``curation.critic.max_spend_usd``.

The budget is split among tasks in proportion to the critic's estimated cost for their rows. A task's share of this
budget never exceeds the task's share of the run's ``max_spend_usd``. A task that uses up its share stops calling the
critic and writes a note to the run's folder. A retry then reads the stored verdicts, leaves the same pairs unchecked,
and pays for nothing twice. If the budget in the use case is raised, the task's share is larger and the task calls the
critic again.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence

from include.distill.config.sections import CriticSettings
from include.distill.config.use_case import UseCase
from include.distill.core.errors import SpendCapError
from include.distill.core.storage import ObjectStore, read_json, write_json
from include.distill.cost.estimate import critic_lines, scale_to_budget, undecided_share
from include.distill.cost.prices import load_prices
from include.distill.cost.records import BudgetEstimate, CriticBudgetEnd
from include.distill.cost.task_budget import BudgetShare, budget_share, model_calls_usd
from include.distill.dataset.records import Row, RowTokens
from include.distill.inference.answer_store import AnswerStore, StoredAnswer
from include.distill.inference.requests import ModelRequest

_ROUNDING = 1e-9


def critic_budget_share(
    use_case: UseCase, critic: CriticSettings, rows: Sequence[Row | RowTokens], estimate: BudgetEstimate
) -> BudgetShare:
    """
    Return how much a task may spend on the critic.

    :param rows: the task's rows, either with their texts or with only the number of tokens of each text.
    :param estimate: estimate of the run, as stored in ``estimate.json``.
    """
    own_usd, run_usd = uncapped_critic_usd(use_case, rows), estimate["critic_by_characters_usd"]
    if not own_usd or not run_usd:
        return BudgetShare(0.0, critic.max_spend_usd, 0)
    pairs = use_case.synthesis.pairs_per_document * len(rows)
    calls = undecided_share(use_case) * pairs
    share_of_critic_budget = critic.max_spend_usd * own_usd / run_usd
    expected = scale_to_budget(critic_lines(use_case, rows, load_prices()), share_of_critic_budget)
    share_of_spend_cap = budget_share(expected, estimate, cap_usd=use_case.max_spend_usd, calls=pairs).usd
    usd = min(share_of_critic_budget, share_of_spend_cap)
    # Each call is assumed to cost its estimate, so a small share means fewer expected calls, not cheaper calls. With a
    # large share, the critic can check every pair, even if the grounding check leaves all of them undecided.
    return BudgetShare(usd, critic.max_spend_usd, min(pairs, math.floor(calls * usd / own_usd + _ROUNDING)))


def uncapped_critic_usd(use_case: UseCase, rows: Sequence[Row | RowTokens]) -> float:
    """Return what the critic would cost for ``rows`` if it had no budget, estimated from the texts, in US dollars."""
    return sum(line.quantity * line.unit_price_usd for line in critic_lines(use_case, rows, load_prices()))


def estimate_critic(use_case: UseCase, rows: Sequence[Row | RowTokens]) -> BudgetEstimate:
    """Estimate the critic's cost for all ``rows`` of a run, for a DAG without the task ``estimate``."""
    lines = scale_to_budget(critic_lines(use_case, rows, load_prices()), use_case.max_spend_usd)
    records = [line.as_record() for line in lines]
    return {
        "lines": records,
        "estimated_usd": model_calls_usd(records),
        "critic_by_characters_usd": uncapped_critic_usd(use_case, rows),
    }


class BudgetedCritic:
    """
    Call the critic until the task's share of the budget is used up. After that, return only stored verdicts.

    The class is thread-safe.

    :param ask: sends a request, and raises :class:`SpendCapError` if ``share`` does not cover the request.
    :param marker_uri: URI of the note that records that the share is used up.
    """

    def __init__(
        self,
        ask: Callable[[ModelRequest], StoredAnswer],
        answers: AnswerStore,
        store: ObjectStore,
        *,
        share: BudgetShare,
        marker_uri: str,
    ) -> None:
        self._ask = ask
        self._answers = answers
        self._store = store
        self._share = share
        self._marker_uri = marker_uri
        self._ending = threading.Lock()
        self._ended = share.calls < 1 or self._ended_before()

    def _ended_before(self) -> bool:
        if not self._store.exists(self._marker_uri):
            return False
        return read_json(self._store, self._marker_uri, CriticBudgetEnd)["part_usd"] >= self._share.usd

    def __call__(self, request: ModelRequest) -> StoredAnswer:
        """Return the stored answer to ``request``. If no answer is stored, send the request and return the answer.

        :raises SpendCapError: no answer is stored, and this task's share of the critic's budget is used up. Nothing was
            sent.
        """
        if not self._ended:
            try:
                return self._ask(request)
            except SpendCapError:
                self._end()
        if stored := self._answers.find(request):
            return stored
        message = (
            f"This task's share of the critic's budget, ${self._share.usd:.4f} of ${self._share.cap_usd:.2f}, is used"
            " up. This pair was not checked. Raise curation.critic.max_spend_usd to check more pairs."
        )
        raise SpendCapError(message)

    def _end(self) -> None:
        with self._ending:
            if not self._ended:
                note: CriticBudgetEnd = {"part_usd": self._share.usd}
                write_json(self._store, self._marker_uri, note)
                self._ended = True
