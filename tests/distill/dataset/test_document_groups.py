from __future__ import annotations

import random

import pytest

from include.distill.core.errors import InputError
from include.distill.dataset.document_groups import DocumentGroups, Side, Split, split_groups
from include.distill.dataset.stored_split import StoredSplit
from tests.fakes.memory_store import MemoryStore

URI = "s3://bucket/splits/mine.jsonl"
LETTERS = random.Random(7)
WORDS = ["".join(LETTERS.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(2000)]


def text_of(seed: int, words: int = 60) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


def window(start: int) -> str:
    """Return 200 of many words; two windows 20 words apart are similar by 0.82, two 40 apart by 0.67."""
    return " ".join(text_of(0, 300).split()[start : start + 200])


LEFT, BETWEEN, RIGHT = window(0), window(20), window(40)


def groups_of(*documents: str, stated: dict[str, str] | None = None) -> DocumentGroups:
    groups = DocumentGroups()
    for number, document in enumerate(documents):
        groups.add(document, group=(stated or {}).get(document), row=number)
    return groups


def split(groups: DocumentGroups, stated: dict[int, Side] | None = None, **options: float) -> Split:
    chosen = {"similarity": 0.8, "share": 0.3, "seed": 7, **options}
    return split_groups(groups, stated or {}, **chosen)  # type: ignore[arg-type]


def by_text(
    texts: list[str], stated: dict[str, Side] | None = None, seed: int = 7
) -> dict[str, tuple[str, Side | None]]:
    """Return group and side of each text; very near copies share a number."""
    groups = DocumentGroups()
    numbers = {text: groups.add(text, group=None, row=0) for text in texts}
    found = split(groups, {numbers[text]: side for text, side in (stated or {}).items()}, seed=seed)
    return {text: (found.groups[number], found.sides[number]) for text, number in numbers.items()}


class TestGroups:
    def test_the_same_text_is_one_document_and_its_first_row_is_known(self) -> None:
        groups = DocumentGroups()
        numbers = [groups.add(text, group=None, row=place) for place, text in enumerate(["a text", "b", "A  text"])]
        assert numbers == [0, 1, 0]
        assert list(groups.first_rows) == [0, 1]

    def test_near_duplicates_lie_on_one_side_under_every_seed(self) -> None:
        texts = [text_of(n) for n in range(40)]
        for seed in range(5):
            found = by_text([*texts, *(f"{text} and more" for text in texts)], seed=seed)
            assert [found[text] for text in texts] == [found[f"{text} and more"] for text in texts]
            assert len({group for group, _ in found.values()}) == 40
            assert {side for _, side in found.values()} == {"train", "evaluation"}

    def test_short_texts_are_one_only_when_they_are_equal_but_for_case_and_spacing(self) -> None:
        groups = groups_of(*(f"Unit {n}" for n in range(100)), "UNIT  7")
        assert len(groups) == 100
        assert len(set(split(groups).groups)) == 100

    def test_what_the_file_calls_a_group_lies_on_one_side(self) -> None:
        texts = [text_of(n) for n in range(60)]
        found = split(groups_of(*texts, stated={text: f"page {n % 6}" for n, text in enumerate(texts)}))
        assert len(set(found.groups)) == 6
        assert len({(found.groups[n], found.sides[n]) for n in range(60)}) == 6

    def test_appended_documents_move_none(self) -> None:
        texts = [text_of(n) for n in range(100)]
        before, after = split(groups_of(*texts[:50])), split(groups_of(*texts))
        assert after.sides[:50] == before.sides

    def test_the_order_of_the_file_does_not_matter(self) -> None:
        texts = [text_of(n) for n in range(50)] + [f"{text_of(n)} and more" for n in range(25)]
        assert by_text(texts) == by_text(texts[::-1])

    def test_the_share_is_met_roughly(self) -> None:
        sides = split(groups_of(*(f"{n} {text_of(n, 12)}" for n in range(1000)))).sides
        assert 240 <= sides.count("evaluation") <= 360

    @pytest.mark.parametrize("share", [1e-9, 1 - 1e-9])
    @pytest.mark.parametrize("stated", [{}, {0: "train"}, {0: "evaluation"}])
    def test_two_groups_leave_no_side_empty(self, share: float, stated: dict[int, Side]) -> None:
        assert set(split(groups_of(text_of(1), text_of(2)), stated, share=share).sides) == {"train", "evaluation"}

    @pytest.mark.parametrize("share", [0, 1, float("nan")])
    def test_need_a_share_between_none_and_all(self, share: float) -> None:
        with pytest.raises(InputError, match="more than 0 and less than 1"):
            split(groups_of("a"), share=share)


class TestStatedSides:
    def test_stay_whatever_the_seed_and_new_twins_follow(self) -> None:
        texts = [text_of(n) for n in range(20)]
        stated: dict[str, Side] = {text: "evaluation" if n % 2 else "train" for n, text in enumerate(texts)}
        for seed in range(5):
            found = by_text([*texts, *(f"{text} and more" for text in texts)], stated, seed)
            assert [found[text][1] for text in texts] == list(stated.values())
            assert [found[f"{text} and more"][1] for text in texts] == list(stated.values())

    def test_a_new_document_between_two_sides_is_dropped_and_joins_nothing(self) -> None:
        groups = groups_of(LEFT, RIGHT, BETWEEN)
        found = split(groups, {0: "train", 1: "evaluation"}, similarity=0.75)
        assert found.sides == ["train", "evaluation", None]
        assert found.conflicts == {2: (0, 1)}
        assert found.groups[0] != found.groups[1]

    def test_one_that_a_column_ties_to_the_one_side_and_its_text_to_the_other_is_dropped(self) -> None:
        texts = [text_of(1), text_of(2), f"{text_of(2)} and more"]
        groups = groups_of(*texts, stated={texts[0]: "page 1", texts[1]: "page 2", texts[2]: "page 1"})
        found = split(groups, {0: "train", 1: "evaluation"})
        assert found.sides == ["train", "evaluation", None]
        assert found.conflicts == {2: (0, 1)}

    def test_rows_of_a_group_stay_together_when_the_one_that_brought_it_is_dropped(self) -> None:
        """The first row of page 1 is dropped; the two behind it still belong together."""
        texts = [LEFT, RIGHT, BETWEEN, text_of(3), text_of(4)]
        groups = groups_of(*texts, stated=dict.fromkeys(texts[2:], "page 1"))
        for seed in range(10):
            found = split(groups, {0: "train", 1: "evaluation"}, similarity=0.75, seed=seed)
            assert found.sides[2] is None
            assert found.groups[3] == found.groups[4]

    def test_one_trained_on_that_is_nearly_evaluated_is_dropped_and_the_evaluated_one_stays(self) -> None:
        found = split(groups_of(text_of(1), f"{text_of(1)} and more"), {0: "train", 1: "evaluation"})
        assert found.sides == [None, "evaluation"]
        assert found.conflicts == {0: (0, 1)}


class TestStored:
    def test_decisions_survive_and_win_over_other_shares_and_gone_rows(self) -> None:
        store, texts = MemoryStore(), [text_of(n) for n in range(40)]
        first = groups_of(*texts)
        decided = split(first)
        StoredSplit(store, URI, seed=7).remember(first, decided)
        later = groups_of(*texts[20:], *(text_of(n) for n in range(40, 60)))
        stored = StoredSplit(store, URI, seed=7)
        found = split(later, stored.sides_of(later), share=0.9)
        assert found.sides[:20] == decided.sides[20:]
        stored.remember(later, found)
        assert len(StoredSplit(store, URI, seed=7)) == 60

    def test_nothing_is_written_when_nothing_is_new(self) -> None:
        store, groups = MemoryStore(), groups_of(text_of(1), text_of(2))
        for _ in range(2):
            stored = StoredSplit(store, URI, seed=7)
            stored.remember(groups, split(groups, stored.sides_of(groups)))
        assert store.writes == [URI]

    def test_another_seed_draws_anew(self) -> None:
        store, groups = MemoryStore(), groups_of(text_of(1), text_of(2))
        StoredSplit(store, URI, seed=7).remember(groups, split(groups))
        assert StoredSplit(store, URI, seed=8).sides_of(groups) == {}

    def test_a_dropped_document_has_no_side(self) -> None:
        store, groups = MemoryStore(), groups_of(LEFT, RIGHT, BETWEEN)
        found = split(groups, {0: "train", 1: "evaluation"}, similarity=0.75)
        StoredSplit(store, URI, seed=7).remember(groups, found)
        assert StoredSplit(store, URI, seed=7).sides_of(groups) == {0: "train", 1: "evaluation"}
