from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from include.distill.core.errors import (
    ModelNotReadyError,
    PossiblyBilledError,
    RefusedError,
    ServiceError,
    ThrottledError,
    TransientError,
    UnreadableAnswerError,
)
from include.distill.inference.model_calls import REJECTION_REASONS, ModelCalls
from include.distill.inference.requests import Completion
from tests.distill.conftest import make_request

ANSWER = Completion("a", "end_turn", 100, 10)
JUDGE, TEACHER = make_request("claude-haiku-4-5"), make_request("nova-pro")


def figures(counts: ModelCalls) -> dict[tuple[str, ...], float]:
    """Return the values by metric, model and reason."""
    return {
        (sample.metric.name, *(value for tag, value in sample.tags.items() if tag not in ("use_case", "step"))): (
            sample.value
        )
        for sample in counts.samples("faq", "judge")
        if sample.value
    }


def test_calls_and_tokens_are_counted_by_model() -> None:
    counts = ModelCalls()
    for request in (JUDGE, JUDGE, TEACHER):
        counts.add_answer(request, ANSWER)
    assert figures(counts) == {
        ("distill.calls", "claude-haiku-4-5"): 2,
        ("distill.input_tokens", "claude-haiku-4-5"): 200,
        ("distill.output_tokens", "claude-haiku-4-5"): 20,
        ("distill.calls", "nova-pro"): 1,
        ("distill.input_tokens", "nova-pro"): 100,
        ("distill.output_tokens", "nova-pro"): 10,
    }
    assert {(s.tags["use_case"], s.tags["step"]) for s in counts.samples("faq", "judge")} == {("faq", "judge")}


def test_answers_that_needed_no_call_came_from_the_store() -> None:
    counts = ModelCalls()
    counts.add_answer(JUDGE, ANSWER)
    counts.add_stored(JUDGE)
    counts.add_stored(JUDGE)
    assert figures(counts)["distill.answers_stored", "claude-haiku-4-5"] == 2


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ThrottledError("slow down"), "throttled"),
        (PossiblyBilledError("no answer"), "lost"),
        (UnreadableAnswerError("not JSON"), "unreadable"),
        (RefusedError("denied"), "refused"),
        (ModelNotReadyError("starting"), "not_ready"),
        (TransientError("no connection"), "failed"),
    ],
)
def test_a_call_without_a_usable_answer_has_a_reason(error: ServiceError, reason: str) -> None:
    counts = ModelCalls()
    counts.add_rejected(JUDGE, error)
    assert figures(counts) == {("distill.calls_rejected", "claude-haiku-4-5", reason): 1}
    assert reason in REJECTION_REASONS


def test_threads_lose_no_count() -> None:
    counts = ModelCalls()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: counts.add_answer(JUDGE, ANSWER), range(500)))
    assert figures(counts)["distill.calls", "claude-haiku-4-5"] == 500
