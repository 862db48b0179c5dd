"""A promotion is asked about in each run, and a part is refused if its first state contains too much."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tools.simulate.conftest import opened
from tools.simulate.all_parts import PARTS
from tools.simulate.parts import DELETION, DISTILL, FORMER, LOSERS, OTHER_ROWS, ROLLBACK, TRAINING


def test_a_person_who_starts_another_rollback_names_the_champion() -> None:
    assert [ROLLBACK.configuration(number)["to"][:20] for number in (1, 2)] == ["previous", "manual-simulated-8-2"]


def test_each_run_of_a_promotion_looks_at_the_present_champion_and_asks() -> None:
    promoting = [part for part in PARTS if part.promotion and part.dag == DISTILL]
    assert {part.promotion.choice for part in promoting if part.promotion} == {"Approve", "Reject", None}
    for part in (one for one in promoting if "approve" in one.tasks):
        assert "preflight" in {*part.before} & {*part.tasks}
        assert part.tasks.index("approve") < part.tasks.index("switch") < part.tasks.index("promote")


def test_the_champions_before_the_runs_were_trained_on_other_rows_unless_the_part_says_otherwise() -> None:
    rows = {part: part.promotion.champions for part in PARTS if part.promotion}
    assert (rows[DELETION], rows[LOSERS], rows[FORMER]) == ((OTHER_ROWS,), (0,), (0, OTHER_ROWS))


def test_a_part_whose_first_state_contains_later_tasks_is_refused(tmp_path: Path) -> None:
    early = replace(TRAINING, name="early", tasks=("estimate", *TRAINING.tasks), before=("ingest", "tuned.upload"))
    with (
        pytest.raises(ValueError, match=r"tuned.upload is executed before the part early, but comes after estimate"),
        contextmanager(opened)(tmp_path, early),
    ):
        pass
