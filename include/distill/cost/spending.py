"""
The running bill of a task, and the part of ``max_spend_usd`` that it may come to.

Mapped tasks share no memory, so the cap is parted beforehand. What training and serving are estimated at is set aside;
the rest belongs to the questions, and a task gets as much of it as its own rows have of their estimate. All parts
together are what is left of the cap, and a task is stopped when its own part is used up: by then it cost as many times
its estimate as the cap leaves room for. A retry counts what this run has paid for the same rows.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include.distill.core.errors import SpendCapError
from include.distill.core.storage import Record
from include.distill.cost.prices import BillLine
from include.distill.inference.answer_store import StoredAnswer
from include.distill.inference.requests import Completion, ModelClient, ModelRequest


@dataclass(frozen=True)
class BudgetShare:
    """
    What a task may pay to one model.

    :param usd: at most.
    :param cap_usd: of the whole run.
    :param calls: how many are expected, for the price of the first ones.
    """

    usd: float
    cap_usd: float
    calls: int


def budget_share(
    expected: Sequence[BillLine], estimate: Mapping[str, Any], *, cap_usd: float, calls: int
) -> BudgetShare:
    """
    Return the part of a task.

    :param expected: the estimate of its own rows, by the same reckoning as ``estimate``.
    :param estimate: what ``estimate.json`` holds.
    """
    model_calls = model_calls_usd(estimate["lines"])
    others = estimate["estimated_usd"] - model_calls
    # By the estimate from characters, which a task makes of its own rows too, whatever was counted.
    estimated = estimate.get("by_characters_usd", model_calls)
    room = (cap_usd - others) / estimated if estimated else 1.0
    # Few rows are reckoned on demand; whether the step asks in batches was decided by all of them.
    prices = {_plain(line["what"]): line["unit_price_usd"] for line in estimate["lines"]}
    # Not their dollars, which are rounded: a single row costs a fraction of a cent.
    usd = sum(line.quantity * prices.get(_plain(line.what), line.unit_price_usd) for line in expected)
    return BudgetShare(room * usd, cap_usd, calls)


def _plain(what: str) -> str:
    return what.replace(" batch ", " ")


_QUESTIONS = ("synthesis", "critic", "answers", "judging")


def model_calls_usd(lines: Iterable[Record]) -> float:
    """Return what an estimate holds for questions to models, that is not for training and serving."""
    return float(sum(line["usd"] for line in lines if line["what"].startswith(_QUESTIONS)))


_ROUNDING = 1e-9


class TaskBudget:
    """
    Counts what the answers of one task cost and refuses further calls when its part is used up. Thread-safe.

    :param usd_per_token: of input and of output, on demand.
    :param usd_per_batch_token: the same of what batch jobs answered.
    :param run_key: whose bill it is.
    """

    def __init__(
        self,
        share: BudgetShare,
        usd_per_token: tuple[float, float],
        run_key: str,
        usd_per_batch_token: tuple[float, float] | None = None,
    ) -> None:
        self._share = share
        self._usd_per_token = usd_per_token
        self._usd_per_batch_token = usd_per_batch_token or usd_per_token
        self._run_key = run_key
        self._usd = 0.0
        self._paid: set[str] = set()
        self._in_progress = 0
        self._lock = threading.Lock()

    @property
    def spent_usd(self) -> float:
        """What the run has paid for this task's rows so far."""
        return self._usd

    def record_stored(self, answer: StoredAnswer) -> None:
        """Count an answer that an earlier try of this run paid for."""
        if answer.paid_by == self._run_key:
            self._add(
                answer.request.key,
                answer.completion,
                self._usd_per_batch_token if answer.batch else self._usd_per_token,
            )

    def ask(self, request: ModelRequest, client: ModelClient) -> Completion:
        """Ask, unless what is under way already will use up the part.

        :raises SpendCapError: it will. What is under way is finished and stored.
        """
        with self._lock:
            expected = self._usd_a_call() * (self._in_progress + 1)
            # The first call always goes, for nothing is known of prices before it; those beside it only if they fit.
            is_first = not self._paid and not self._in_progress
            if not is_first and self._usd + expected > self._share.usd * (1 + _ROUNDING):
                raise SpendCapError(self._reached(request))
            self._in_progress += 1
        try:
            completion = client.ask(request)
        finally:
            with self._lock:
                self._in_progress -= 1
        self._add(request.key, completion, self._usd_per_token)
        return completion

    def _usd_a_call(self) -> float:
        return self._usd / len(self._paid) if self._paid else self._share.usd / max(1, self._share.calls)

    def _add(self, key: str, completion: Completion, usd_per_token: tuple[float, float]) -> None:
        with self._lock:
            if key in self._paid:
                return
            self._paid.add(key)
            of_input, of_output = usd_per_token
            self._usd += completion.input_tokens * of_input + completion.output_tokens * of_output

    def _reached(self, request: ModelRequest) -> str:
        return (
            f"The spend cap is reached: this task has paid ${self._usd:.4f} to {request.model.key} for"
            f" {len(self._paid)} answers, and its part of max_spend_usd = ${self._share.cap_usd:.2f} is"
            f" ${self._share.usd:.4f}. No further call was made; all answers are stored and will not be paid again."
            " Raise max_spend_usd in the use case, or ask for less, and trigger a new run, or clear preflight with"
            " downstream."
        )
