from __future__ import annotations

from pathlib import Path

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.config.layout import RunFolder
from include.distill.config.loader import load_use_cases
from include.distill.dataset.ingestion import ingest
from include.distill.training.limits import family_for_arm
from include.distill.training.reachable_sizes import require_reachable_sizes
from tests.fakes.memory_store import MemoryStore
from tools.chaos.distillation import CRASHES, PROMPTS, distillation
from tools.chaos.matrix import PHASES, matrix
from tools.chaos.runner import prepare


def test_every_case_has_as_many_rows_as_the_smallest_job_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows must be accepted, or the run would be refused before it buys anything."""
    monkeypatch.setenv("DISTILL_INPUT_ROOTS", str(tmp_path))
    (case, *_) = prepare(distillation(), tmp_path)
    use_case = next(one for one in load_use_cases(tmp_path).valid if one.name == case.key)
    store = MemoryStore()
    folder = RunFolder("s3://bucket/runs/one")
    ingested = ingest(use_case.source, store=store, folder=folder, splits_uri="s3://bucket/splits", seed=use_case.seed)
    assert ingested.manifest()["train"] == PROMPTS
    family = load_catalog().family_of(load_catalog().model(use_case.student))
    assert family_for_arm(use_case.arm("tuned"), family).training_records[0] == PROMPTS
    require_reachable_sizes(use_case, family, training=PROMPTS, held_out=0)


@pytest.mark.parametrize(("instant", "recovery"), CRASHES)
def test_every_crash_is_one_of_the_matrix_and_in_its_phase(instant: object, recovery: str) -> None:
    name = f"{instant.name} / {recovery.replace('task SIGKILL', 'task retry')}"  # type: ignore[attr-defined]
    phases = {case.name: case.phase for case in matrix()}
    assert phases[name] == PHASES.get(recovery, "together")
    own = {case.name: case.phase for case in distillation()}
    assert own[f"distillation: {instant.name} / {recovery}"] == phases[name]  # type: ignore[attr-defined]
