"""Count the calls of one attempt of a task by model, so that the attempt can report what it has asked and paid for."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

from include.distill.core.errors import (
    ContractError,
    ModelNotReadyError,
    PossiblyBilledError,
    RefusedError,
    ServiceError,
    ThrottledError,
)
from include.distill.core.metrics import (
    ANSWERS_STORED,
    CALLS,
    CALLS_REJECTED,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    Metric,
    Sample,
)
from include.distill.inference.requests import Completion, ModelRequest

# Why a call has no usable answer. A class comes before its base classes.
_REASONS: tuple[tuple[type[ServiceError], str], ...] = (
    (ThrottledError, "throttled"),
    (PossiblyBilledError, "lost"),
    (ContractError, "unreadable"),
    (RefusedError, "refused"),
    (ModelNotReadyError, "not_ready"),
    (ServiceError, "failed"),
)
REJECTION_REASONS = tuple(reason for _, reason in _REASONS)


class ModelCalls:
    """
    Count answers, calls without a usable answer, and tokens, by model. The class is thread-safe.

    Unlike :class:`~include.distill.inference.answer_store.Usage`, it counts only what this attempt did. Answers that
    an earlier attempt of the same run paid for are stored answers here.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[Metric, str, str]] = Counter()
        self._lock = threading.Lock()

    def add_answer(self, request: ModelRequest, completion: Completion) -> None:
        """Count a call that the model answered."""
        model = request.model.key
        with self._lock:
            self._counts[CALLS, model, ""] += 1
            self._counts[INPUT_TOKENS, model, ""] += completion.input_tokens
            self._counts[OUTPUT_TOKENS, model, ""] += completion.output_tokens

    def add_rejected(self, request: ModelRequest, error: ServiceError) -> None:
        """Count a call that has no usable answer."""
        reason = next(reason for kind, reason in _REASONS if isinstance(error, kind))
        with self._lock:
            self._counts[CALLS_REJECTED, request.model.key, reason] += 1

    def add_stored(self, request: ModelRequest) -> None:
        """Count an answer that was stored."""
        with self._lock:
            self._counts[ANSWERS_STORED, request.model.key, ""] += 1

    def samples(self, use_case: str, step: str) -> Iterator[Sample]:
        """Yield the counts as samples of metrics."""
        with self._lock:
            counts = self._counts.copy()
        for (metric, model, reason), number in counts.items():
            tags = {"use_case": use_case, "step": step, "model": model}
            yield Sample(metric, number, {**tags, "reason": reason} if reason else tags)
