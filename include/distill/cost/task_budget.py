"""
Keep the cost of a task's calls within the task's share of the run's spend cap.

Mapped tasks share no memory, so the cap is divided among them before they start. The estimated cost of training and
serving is set aside. The rest is split among the tasks in proportion to the estimated cost of their rows, so the shares
never add up to more than the cap. A task stops when its share is used up. A retry of a task counts what the run has
already paid for the task's rows.

This is custom code, because no library splits a budget among processes that share no memory.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from include.distill.core.errors import PossiblyBilledError, SpendCapError, UnreadableAnswerError
from include.distill.core.records import BillLineRecord
from include.distill.cost.prices import BillLine
from include.distill.cost.records import BudgetEstimate
from include.distill.inference.answer_store import StoredAnswer
from include.distill.inference.records import LostCallRecord
from include.distill.inference.requests import Completion, ModelClient, ModelRequest


@dataclass(frozen=True)
class BudgetShare:
    """
    The amount that a task may spend on one model, in US dollars.

    :param usd: the task's share.
    :param cap_usd: the run's whole budget that is split among tasks: its spend cap, or the critic's budget.
    :param calls: expected number of calls. Until a real cost is known, each call is assumed to cost ``usd / calls``.
    """

    usd: float
    cap_usd: float
    calls: int


def budget_share(expected: Sequence[BillLine], estimate: BudgetEstimate, *, cap_usd: float, calls: int) -> BudgetShare:
    """
    Return a task's share of the spend cap.

    :param expected: bill lines of the calls that the task is expected to make for its rows. Their numbers of tokens are
        estimated from characters, not counted by Bedrock.
    :param estimate: estimate of the run, as stored in ``estimate.json``.
    :param calls: number of calls that the task is expected to make.
    """
    model_calls = model_calls_usd(estimate["lines"])
    training_and_serving = estimate["estimated_usd"] - model_calls
    # The task's own cost is estimated from characters. It is divided by the run's cost, which must be estimated in
    # the same way, even if Bedrock counted the run's tokens.
    estimated = estimate.get("by_characters_usd", model_calls)
    room = (cap_usd - training_and_serving) / estimated if estimated else 1.0
    # The prices come from the run's estimate, not from the task's own lines. A single task may have too few rows for a
    # batch job, and its own lines then have on-demand prices even if the run uses batch jobs.
    prices = {_without_mode(line["what"]): line["unit_price_usd"] for line in estimate["lines"]}
    # The dollar amounts in the lines are not used: they are rounded, and a single row costs a fraction of a cent.
    usd = sum(line.quantity * prices.get(_without_mode(line.what), line.unit_price_usd) for line in expected)
    return BudgetShare(room * usd, cap_usd, calls)


def _without_mode(what: str) -> str:
    return what.replace(" batch ", " ")


_MODEL_CALLS = ("synthesis", "critic", "answers", "judging", "smoke prompts")


def model_calls_usd(lines: Iterable[BillLineRecord]) -> float:
    """Return the cost of model calls in an estimate, without training and serving, in US dollars."""
    return float(sum(line["usd"] for line in lines if line["what"].startswith(_MODEL_CALLS)))


_ROUNDING = 1e-9


class TaskBudget:
    """
    Count the cost of one task's answers, and refuse further calls when the task's share is used up.

    The class is thread-safe.

    :param usd_per_token: on-demand prices of one input token and one output token.
    :param run_key: key of the run that pays.
    :param usd_per_batch_token: batch prices of one input token and one output token. If it is ``None``, answers from
        batch jobs are counted at on-demand prices.
    :param usd_per_deployed_token: prices of one input token and one output token of a deployment of a custom model. If
        it is ``None``, answers from a deployment are counted at on-demand prices.
    """

    def __init__(
        self,
        share: BudgetShare,
        usd_per_token: tuple[float, float],
        run_key: str,
        usd_per_batch_token: tuple[float, float] | None = None,
        usd_per_deployed_token: tuple[float, float] | None = None,
    ) -> None:
        self._share = share
        self._usd_per_token = usd_per_token
        self._usd_per_batch_token = usd_per_batch_token or usd_per_token
        self._usd_per_deployed_token = usd_per_deployed_token or usd_per_token
        self._run_key = run_key
        self._usd = self._lost_usd = 0.0
        self._lost_calls = 0
        self._keys_lost_earlier: set[str] = set()
        self._paid_keys: set[str] = set()
        self._in_flight = 0
        self._lock = threading.Lock()

    @property
    def spent_usd(self) -> float:
        """The amount that the run has paid for this task's rows so far, in US dollars.

        Calls whose answer did not arrive are counted at their highest possible cost.
        """
        return self._usd + self._lost_usd

    def record_stored(self, answer: StoredAnswer) -> None:
        """Count the cost of a stored answer if this run paid for the answer."""
        if answer.paid_by == self._run_key:
            usd_per_token = self._prices(batch=answer.batch, deployed=answer.deployed)
            self._add(answer.request.key, answer.completion, usd_per_token)

    def ask(self, request: ModelRequest, client: ModelClient) -> Completion:
        """Send ``request`` if the share is expected to cover it as well as the calls in flight.

        :raises SpendCapError: the share would be exceeded. The request was not sent. Calls in flight are finished and
            their answers are stored.
        """
        usd_per_token = self._prices(deployed=request.is_deployed)
        with self._lock:
            usd_per_call = self._usd / len(self._paid_keys) if self._paid_keys else self._first_call_usd
            expected = usd_per_call * (self._in_flight + 1)
            # The first call is sent even if it is expected to cost more than the share, because the real cost of a call
            # is not known yet. Other calls that start at the same time are sent only if they fit into the share.
            is_first = not self._paid_keys and not self._in_flight and self._lost_usd < self._share.usd
            if not is_first and self._usd + self._lost_usd + expected > self._share.usd * (1 + _ROUNDING):
                raise self._used_up(request)
            self._in_flight += 1
        try:
            completion = client.ask(request)
        except (PossiblyBilledError, UnreadableAnswerError):
            self._add_lost(request.estimated_tokens[1], request.max_tokens, usd_per_token)
            raise
        finally:
            with self._lock:
                self._in_flight -= 1
        self._add(request.key, completion, usd_per_token)
        return completion

    def record_lost(self, calls: Sequence[LostCallRecord]) -> None:
        """Count the highest possible cost of a request's calls that were lost in earlier attempts of the task."""
        for call in calls:
            if call["key"] not in self._keys_lost_earlier:
                prices = self._prices(batch=call.get("batch", False), deployed=call.get("deployed", False))
                self._add_lost(call["input_tokens"], call["output_tokens"], prices)
        self._keys_lost_earlier.update(call["key"] for call in calls)

    def _prices(self, *, batch: bool = False, deployed: bool = False) -> tuple[float, float]:
        if deployed:
            return self._usd_per_deployed_token
        return self._usd_per_batch_token if batch else self._usd_per_token

    def _add_lost(self, input_tokens: int, output_tokens: int, usd_per_token: tuple[float, float]) -> None:
        input_price, output_price = usd_per_token
        with self._lock:
            self._lost_calls += 1
            self._lost_usd += input_tokens * input_price + output_tokens * output_price

    @property
    def _first_call_usd(self) -> float:
        return self._share.usd / max(1, self._share.calls)

    def _add(self, key: str, completion: Completion, usd_per_token: tuple[float, float]) -> None:
        with self._lock:
            if key in self._paid_keys:
                return
            self._paid_keys.add(key)
            input_price, output_price = usd_per_token
            self._usd += completion.input_tokens * input_price + completion.output_tokens * output_price

    def _lost_part(self) -> str:
        if not self._lost_calls:
            return ""
        return f", and up to ${self._lost_usd:.4f} for {self._lost_calls} calls whose answer did not arrive"

    def _used_up(self, request: ModelRequest) -> SpendCapError:
        return SpendCapError(
            f"The spend cap is reached. This task has paid ${self._usd:.4f} for {len(self._paid_keys)} answers"
            f" from {request.model.key}{self._lost_part()}. Its share of max_spend_usd (${self._share.cap_usd:.2f}) is"
            f" ${self._share.usd:.4f}. No further call was made.",
            left="All answers are stored and will not be paid for again.",
            to_do="Find out why the calls cost more than estimated, and raise max_spend_usd in the use case.",
            then_clear="preflight with downstream",
            settings=["max_spend_usd"],
        )
