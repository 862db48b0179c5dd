from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError
from include.distill.dataset.arm_rows import hold_out, pairs_of, require_originals, rows_for_teacher
from include.distill.dataset.splits import split_by_document
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
            pytest.param([(10, 30), (25, 5)], 25, id="the longest list contains the others"),
            pytest.param([("all", 1)], 40, id="all rows"),
            pytest.param([(0, 9), (10, 30)], 40, id="pairs of any row"),
            pytest.param([("all", 0)], 0, id="no arm takes pairs"),
        ],
    )
    def test_the_teacher_is_sent_only_rows_from_which_an_arm_takes_pairs(self, mixes: Any, sent: int) -> None:
        assert rows_for_teacher(with_arms(*mixes), ROWS) == ROWS[:sent]

    def test_the_teacher_is_not_sent_rows_held_out_for_validation(self) -> None:
        use_case = with_arms(("all", "all"), training={"validation_share": 0.5})
        training, held_out = hold_out(ROWS, use_case)
        assert held_out
        assert rows_for_teacher(use_case, ROWS) == training


class TestHoldOut:
    ROWS = tuple(make_row(number) for number in range(200))

    def test_documents_are_held_out_for_validation_after_the_evaluation_split_took_its_share(self) -> None:
        use_case = make_use_case(training={"validation_share": 0.3})
        remaining, _ = split_by_document(self.ROWS, 0.4, use_case.seed, purpose="evaluation")
        training, held_out = hold_out(remaining, use_case)
        assert len(training) + len(held_out) == len(remaining)
        assert 0.15 < len(held_out) / len(remaining) < 0.45

    def test_no_row_is_held_out_for_validation_by_default(self) -> None:
        assert hold_out(self.ROWS, make_use_case()) == (list(self.ROWS), [])


class TestPairs:
    def test_the_pairs_of_an_arm_come_from_its_originals(self) -> None:
        arm = with_arms((10, 30)).arm("a0")
        pairs = list(pairs_of(arm, ROWS, PAIRS))
        assert {pair["row_id"] for pair in pairs} == {row["row_id"] for row in ROWS[:10]}
        assert len(pairs) == 30

    def test_the_pairs_of_an_arm_without_originals_come_from_all_rows(self) -> None:
        assert list(pairs_of(with_arms((0, 100)).arm("a0"), ROWS, PAIRS)) == PAIRS[:100]

    def test_an_arm_of_originals_alone_takes_no_pairs(self) -> None:
        assert list(pairs_of(with_arms((10, 0)).arm("a0"), ROWS, PAIRS)) == []


class TestRequireOriginals:
    def test_arms_that_request_more_rows_than_exist_are_refused(self) -> None:
        with pytest.raises(
            InputError, match="40 rows to train on, but arm a1 requests 500 originals, arm a2 requests 60 or"
        ):
            require_originals(with_arms((40, 0), (500, 0), (60, 0)), ROWS)

    def test_an_arm_may_lack_a_few_rejected_rows(self) -> None:
        require_originals(with_arms((42, 0), ("all", 0)), ROWS)

    def test_an_arm_that_lacks_more_rows_than_the_use_case_allows_is_refused(self) -> None:
        with pytest.raises(InputError, match="arm a0 requests 42"):
            require_originals(with_arms((42, 0), fan_out={"max_failed_share": 0.01}), ROWS)
