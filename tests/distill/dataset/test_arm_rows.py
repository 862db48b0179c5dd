from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError
from include.distill.dataset.arm_rows import hold_out, pairs_of, require_originals, rows_for_teacher
from tests.distill.conftest import make_row, make_use_case

BASE = {"name": "base", "kind": "base"}
ROWS = [make_row(number) for number in range(40)]
PAIRS = [{"row_id": row["row_id"], "pair": number} for row in ROWS for number in range(3)]


def with_arms(*mixes: tuple[Any, Any], **changes: Any) -> UseCase:
    arms = [{"name": f"a{i}", "originals": mix[0], "synthetic": mix[1]} for i, mix in enumerate(mixes)]
    return make_use_case(arms=[BASE, *arms], **changes)


class TestTeacher:
    @pytest.mark.parametrize(
        ("mixes", "sent"),
        [
            pytest.param([(10, 30), (40, 0)], 10, id="rows of originals alone are not sent"),
            pytest.param([(10, 30), (25, 5)], 25, id="the longest share holds the others"),
            pytest.param([("all", 1)], 40, id="all"),
            pytest.param([(0, 9), (10, 30)], 40, id="pairs of any row"),
            pytest.param([("all", 0)], 0, id="nobody takes pairs"),
        ],
    )
    def test_only_rows_are_sent_from_which_some_arm_takes_pairs(self, mixes: Any, sent: int) -> None:
        assert rows_for_teacher(with_arms(*mixes), ROWS) == ROWS[:sent]

    def test_rows_held_out_for_validation_are_not_sent(self) -> None:
        use_case = with_arms(("all", "all"), training={"validation_share": 0.5})
        training, held_out = hold_out(ROWS, use_case)
        assert held_out
        assert rows_for_teacher(use_case, ROWS) == training


class TestPairs:
    def test_they_come_from_the_arms_own_originals(self) -> None:
        arm = with_arms((10, 30)).arm("a0")
        found = list(pairs_of(arm, ROWS, PAIRS))
        assert {pair["row_id"] for pair in found} == {row["row_id"] for row in ROWS[:10]}
        assert len(found) == 30

    def test_an_arm_without_originals_takes_them_from_any_row(self) -> None:
        assert list(pairs_of(with_arms((0, 100)).arm("a0"), ROWS, PAIRS)) == PAIRS[:100]

    def test_an_arm_of_originals_takes_none(self) -> None:
        assert list(pairs_of(with_arms((10, 0)).arm("a0"), ROWS, PAIRS)) == []


class TestShortage:
    def test_arms_that_would_be_trained_on_the_same_rows_are_refused(self) -> None:
        with pytest.raises(InputError, match="40 rows to train on, and a1 asks for 500, a2 asks for 60 originals"):
            require_originals(with_arms((40, 0), (500, 0), (60, 0)), ROWS)

    def test_a_few_rejected_rows_are_no_reason(self) -> None:
        require_originals(with_arms((42, 0), ("all", 0)), ROWS)

    def test_more_than_the_use_case_lets_fail_are(self) -> None:
        with pytest.raises(InputError, match="a0 asks for 42"):
            require_originals(with_arms((42, 0), fan_out={"max_failed_share": 0.01}), ROWS)
