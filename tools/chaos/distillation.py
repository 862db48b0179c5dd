"""
Test crashes that happen while a run buys a distillation job or waits for it.

The runs are those of :mod:`tools.chaos.matrix`, except that Bedrock distils the student of the arm. The job must be
bought exactly once, as a fine-tuning job is. Each run crashes at the same instant in the purchase of its throughput.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tools.chaos.matrix import BEFORE, LOST, LOST_FOR_GOOD, PHASES, UNRECORDED, WAITING, Instant, crash, two_copies
from tools.chaos.scenarios import mark_stops
from tools.chaos.trial import Case, Trial

PROMPTS = 100  # Bedrock's minimum for one distillation job
CHANGES: dict[str, Any] = {
    # The rows are similar to each other, and the quality of the student does not matter here.
    "source": {"same_document_similarity": 1, "shared_documents": "keep"},
    "arms": [{"name": "base", "kind": "base"}, {"name": "tuned", "kind": "distilled", "teacher": "nova-pro"}],
}
CRASHES: tuple[tuple[Instant, str], ...] = (
    (LOST_FOR_GOOD, "task retry"),
    (BEFORE, "worker SIGKILL"),
    (LOST, "clear task"),
    (UNRECORDED, "task SIGKILL"),
    (WAITING, "triggerer SIGKILL"),
)


def distillation() -> list[Case]:
    """Return the cases in which the run buys a distillation job."""
    crashes = [
        _case(
            f"{instant.name} / {recovery}",
            partial(crash, instant=instant, recovery=recovery),
            PHASES.get(recovery, "together"),
        )
        for instant, recovery in CRASHES
    ]
    return [
        *crashes,
        _case("two copies, bought / worker SIGKILL", partial(two_copies, before=False)),
        _case("two copies, about to buy / worker SIGKILL", partial(two_copies, before=True)),
        _case("waiting task marked failed: the job is stopped", mark_stops),
    ]


def _case(name: str, script: Callable[[Trial], None], phase: str = "together") -> Case:
    return Case(f"distillation: {name}", script, CHANGES, phase, training_rows=PROMPTS)
