from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.core.errors import InputError
from include.distill.dataset.splits import row_tokens, shards, split_by_document
from include.distill.text.token_count import central_token_count


def row(document: str = "d", question: str = "q", number: int = 1) -> dict[str, Any]:
    return {"row": number, "document": document, "question": question, "group": document}


def split(rows: Any, share: float, seed: int = 7, *, purpose: str = "evaluation") -> Any:
    return split_by_document(rows, share, seed, purpose=purpose)


class TestShards:
    @given(st.integers(0, 500), st.integers(1, 60))
    def test_shards_contain_every_row_once_in_order_and_are_of_nearly_equal_size(
        self, count: int, max_tasks: int
    ) -> None:
        parts = shards(count, max_tasks)
        assert [number for shard in parts for number in shard] == list(range(count))
        assert len(parts) == min(count, max_tasks)
        sizes = {len(shard) for shard in parts}
        assert not sizes or max(sizes) - min(sizes) <= 1

    def test_shards_for_fewer_than_one_task_are_refused(self) -> None:
        with pytest.raises(InputError, match="max_tasks is 0"):
            shards(3, 0)


class TestSplitByDocument:
    ROWS = tuple(row(f"document {number // 2}", f"q{number}", number=number + 1) for number in range(400))

    def test_a_document_stays_on_one_side_and_no_row_is_lost(self) -> None:
        kept, held_out = split(self.ROWS, 0.25)
        assert not {row["document"] for row in kept} & {row["document"] for row in held_out}
        assert sorted(row["row"] for row in [*kept, *held_out]) == [row["row"] for row in self.ROWS]
        assert 60 <= len(held_out) <= 140

    def test_no_row_changes_sides_when_rows_are_appended(self) -> None:
        before = split(self.ROWS[:200], 0.25)
        after = split(self.ROWS, 0.25)
        assert [side[: len(old)] for side, old in zip(after, before, strict=True)] == list(before)

    @pytest.mark.parametrize("share", [1e-12, 1 - 1e-12])
    def test_no_side_is_empty_when_there_are_two_documents(self, share: float) -> None:
        kept, held_out = split([row("one"), row("two", number=2)], share)
        assert (len(kept), len(held_out)) == (1, 1)

    def test_the_split_depends_on_the_seed(self) -> None:
        assert split(self.ROWS, 0.25) != split(self.ROWS, 0.25, 8)

    def test_splits_for_two_purposes_are_drawn_independently(self) -> None:
        kept, _ = split(self.ROWS, 0.3)
        # With the same purpose, the draw would hold out no further document. One moves because no side may be empty.
        assert len({row["document"] for row in split(kept, 0.2)[1]}) == 1
        assert len(split(kept, 0.2, purpose="validation")[1]) > 20

    @pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
    def test_a_share_that_is_not_between_0_and_1_is_refused(self, share: float) -> None:
        with pytest.raises(InputError, match="more than 0 and less than 1"):
            split(self.ROWS, share)

    def test_a_group_of_documents_stays_on_one_side(self) -> None:
        rows = [{**row(f"d{n}", number=n), "group": f"g{n % 7}"} for n in range(70)]
        kept, held_out = split(rows, 0.4)
        assert held_out
        assert not {row["group"] for row in kept} & {row["group"] for row in held_out}

    def test_the_split_depends_only_on_group_names_seed_and_purpose(self) -> None:
        """A changed draw would move rows between training and evaluation in every use case that has run before."""
        rows = [row(f"document {number}") for number in range(8)]
        assert [row["document"] for row in split(rows, 0.4)[1]] == [
            f"document {number}" for number in (0, 1, 4, 5, 6, 7)
        ]


def test_row_tokens_replaces_texts_by_their_estimated_numbers_of_tokens() -> None:
    rows: list[Any] = [{**row("four", "seven ?"), "answer": "東京都", "row_id": "1"}]
    assert row_tokens(rows) == [
        {
            "group": "four",
            "document": central_token_count("four"),
            "question": central_token_count("seven ?"),
            "answer": central_token_count("東京都"),
        }
    ]
