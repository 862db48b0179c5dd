"""
The critic's own budget: parted among the tasks like the spend cap, and once it is used up, used up for the run.

A task gets as much of ``curation.critic.max_spend_usd`` as its rows have of the critic's estimate, and never more than
``max_spend_usd`` of the run leaves. When its part is used up it asks nothing more and notes that in the run's folder:
a retry finds the verdicts that are stored, the same pairs stay without, and nothing is paid twice. A larger part, as
after a use case with a larger budget, takes it up again.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from include.distill.config.sections import CriticSettings
from include.distill.config.use_case import UseCase
from include.distill.core.errors import SpendCapError
from include.distill.core.storage import ObjectStore, Record, read_json, write_json
from include.distill.cost.estimate import critic_lines, scale_to_budget
from include.distill.cost.prices import load_prices
from include.distill.cost.spending import BudgetShare, budget_share, model_calls_usd
from include.distill.inference.answer_store import AnswerStore, StoredAnswer
from include.distill.inference.requests import ModelRequest


def critic_budget_share(
    use_case: UseCase, critic: CriticSettings, rows: Sequence[Record], estimate: Mapping[str, Any]
) -> BudgetShare:
    """
    Return what a task may pay to the critic.

    :param rows: its own, or the lengths of their texts.
    :param estimate: what ``estimate.json`` holds.
    """
    own, whole = uncapped_critic_usd(use_case, rows), estimate["critic_by_characters_usd"]
    if not own or not whole:
        return BudgetShare(0.0, critic.max_spend_usd, 0)
    calls, maximum = use_case.synthesis.pairs_per_document * len(rows), critic.max_spend_usd * own / whole
    expected = scale_to_budget(critic_lines(use_case, rows, load_prices()), maximum)
    usd = min(maximum, budget_share(expected, estimate, cap_usd=use_case.max_spend_usd, calls=calls).usd)
    # A call is supposed to cost what it is estimated at, however few of them the part is good for.
    return BudgetShare(usd, critic.max_spend_usd, min(calls, math.floor(calls * usd / own + _ROUNDING)))


def uncapped_critic_usd(use_case: UseCase, rows: Sequence[Record]) -> float:
    """Return what looking at all pairs of ``rows`` is estimated at, by characters and as if there were no budget."""
    return sum(line.quantity * line.unit_price_usd for line in critic_lines(use_case, rows, load_prices()))


def estimate_critic(use_case: UseCase, rows: Sequence[Record]) -> Record:
    """Return what a run without a cost gate knows beforehand: the critic's part of ``estimate.json``, of all rows."""
    whole = uncapped_critic_usd(use_case, rows)
    lines = scale_to_budget(critic_lines(use_case, rows, load_prices()), use_case.max_spend_usd)
    records = [line.as_record() for line in lines]
    return {"lines": records, "estimated_usd": model_calls_usd(records), "critic_by_characters_usd": whole}


_ROUNDING = 1e-9


class BudgetedCritic:
    """
    Asks the critic until its part is used up; from then on only stored verdicts are found. Thread-safe.

    :param ask: what pays, and raises :class:`SpendCapError` when ``share`` does not reach.
    :param marker_uri: where the end of the part is noted.
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
        self._ended = share.calls < 1 or (
            store.exists(marker_uri) and read_json(store, marker_uri)["part_usd"] >= share.usd
        )

    def __call__(self, request: ModelRequest) -> StoredAnswer:
        """Return the stored answer, or ask.

        :raises SpendCapError: it is not stored, and the part is used up.
        """
        if not self._ended:
            try:
                return self._ask(request)
            except SpendCapError:
                self._end()
        if stored := self._answers.find(request):
            return stored
        message = f"The critic's part of its budget, ${self._share.usd:.4f} of ${self._share.cap_usd:.2f}, is used up."
        raise SpendCapError(message)

    def _end(self) -> None:
        with self._ending:
            if not self._ended:
                write_json(self._store, self._marker_uri, {"part_usd": self._share.usd})
                self._ended = True
