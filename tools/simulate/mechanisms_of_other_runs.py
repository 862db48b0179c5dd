"""Remove the safety mechanisms that protect a run from another run of the same DAG at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from bedrock_distill.lifecycle import marked_jobs
from bedrock_distill.operators import outcome
from bedrock_distill.triggers import polling
from tools.simulate.mechanisms_of_other_dags import Removal
from tools.simulate.parts import TRAINING, Part


@contextmanager
def _nobody_is_asked() -> Iterator[None]:
    def nobody(*_: object) -> dict[str, str]:
        return {}

    with (
        patch.object(polling, "awaited_jobs", nobody),
        patch.object(outcome, "asked_of", nobody),
        patch.object(marked_jobs, "asked_of", nobody),
    ):
        yield


# For each mechanism: its name, its part, its removal, and whether a run without faults ends badly without it.
OTHER_RUNS: tuple[tuple[str, Part, Removal, bool], ...] = (
    ("the question whether another run waits for a job", TRAINING, _nobody_is_asked, False),
)
