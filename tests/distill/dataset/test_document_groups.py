from __future__ import annotations

import random

import pytest

from include.distill.core.errors import InputError
from include.distill.dataset.document_groups import DocumentGroups
from include.distill.dataset.group_links import Conflict
from include.distill.dataset.group_split import Split, split_groups
from include.distill.dataset.records import Side

LETTERS = random.Random(7)
WORDS = ["".join(LETTERS.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(2000)]


def text_of(seed: int, words: int = 60) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


def window(start: int) -> str:
    """Return 200 words of a text. Windows that start 20 words apart have a similarity of 0.82, 40 words apart 0.67."""
    return " ".join(text_of(0, 300).split()[start : start + 200])


LEFT, BETWEEN, RIGHT = window(0), window(20), window(40)


def groups_of(*documents: str, stated: dict[str, str] | None = None) -> DocumentGroups:
    groups = DocumentGroups()
    for number, document in enumerate(documents):
        groups.add(document, group=(stated or {}).get(document), row=number)
    return groups


def split(groups: DocumentGroups, stated: dict[int, Side] | None = None, **options: float | str) -> Split:
    chosen = {"similarity": 0.8, "share": 0.3, "seed": 7, **options}
    return split_groups(groups, stated or {}, **chosen)  # type: ignore[arg-type]


def by_text(
    texts: list[str], stated: dict[str, Side] | None = None, seed: int = 7
) -> dict[str, tuple[str, Side | None]]:
    """Return the group and the side of each text."""
    groups = DocumentGroups()
    numbers = {text: groups.add(text, group=None, row=0) for text in texts}
    result = split(groups, {numbers[text]: side for text, side in (stated or {}).items()}, seed=seed)
    return {text: (result.groups[number], result.sides[number]) for text, number in numbers.items()}


class TestGroups:
    def test_equal_texts_are_one_document_with_the_location_of_its_first_row(self) -> None:
        groups = DocumentGroups()
        numbers = [groups.add(text, group=None, row=place) for place, text in enumerate(["a text", "b", "A  text"])]
        assert numbers == [0, 1, 0]
        assert list(groups.first_rows) == [0, 1]

    def test_near_duplicates_are_on_the_same_side_with_every_seed(self) -> None:
        texts = [text_of(n) for n in range(40)]
        for seed in range(5):
            sides = by_text([*texts, *(f"{text} and more" for text in texts)], seed=seed)
            assert [sides[text] for text in texts] == [sides[f"{text} and more"] for text in texts]
            assert len({group for group, _ in sides.values()}) == 40
            assert {side for _, side in sides.values()} == {"train", "evaluation"}

    def test_short_texts_are_one_document_only_when_they_differ_in_case_and_spacing_alone(self) -> None:
        groups = groups_of(*(f"Unit {n}" for n in range(100)), "UNIT  7")
        assert len(groups) == 100
        assert len(set(split(groups).groups)) == 100

    def test_rows_of_one_stated_group_are_on_the_same_side(self) -> None:
        texts = [text_of(n) for n in range(60)]
        result = split(groups_of(*texts, stated={text: f"page {n % 6}" for n, text in enumerate(texts)}))
        assert len(set(result.groups)) == 6
        assert len({(result.groups[n], result.sides[n]) for n in range(60)}) == 6

    def test_documents_keep_their_sides_when_other_documents_are_appended(self) -> None:
        texts = [text_of(n) for n in range(100)]
        before, after = split(groups_of(*texts[:50])), split(groups_of(*texts))
        assert after.sides[:50] == before.sides

    def test_groups_do_not_depend_on_the_order_of_the_file(self) -> None:
        texts = [text_of(n) for n in range(50)] + [f"{text_of(n)} and more" for n in range(25)]
        assert by_text(texts) == by_text(texts[::-1])

    def test_the_evaluation_side_has_roughly_the_requested_share(self) -> None:
        sides = split(groups_of(*(f"{n} {text_of(n, 12)}" for n in range(1000)))).sides
        assert 240 <= sides.count("evaluation") <= 360

    @pytest.mark.parametrize("share", [1e-9, 1 - 1e-9])
    @pytest.mark.parametrize("stated", [{}, {0: "train"}, {0: "evaluation"}])
    def test_no_side_is_empty_when_there_are_two_documents(self, share: float, stated: dict[int, Side]) -> None:
        assert set(split(groups_of(text_of(1), text_of(2)), stated, share=share).sides) == {"train", "evaluation"}

    @pytest.mark.parametrize("share", [0, 1, float("nan")])
    def test_a_share_that_is_not_between_0_and_1_is_refused(self, share: float) -> None:
        with pytest.raises(InputError, match="more than 0 and less than 1"):
            split(groups_of("a"), share=share)


class TestStatedSides:
    def test_stated_sides_stay_with_every_seed_and_near_duplicates_follow(self) -> None:
        texts = [text_of(n) for n in range(20)]
        stated: dict[str, Side] = {text: "evaluation" if n % 2 else "train" for n, text in enumerate(texts)}
        for seed in range(5):
            sides = by_text([*texts, *(f"{text} and more" for text in texts)], stated, seed)
            assert [sides[text][1] for text in texts] == list(stated.values())
            assert [sides[f"{text} and more"][1] for text in texts] == list(stated.values())

    def test_a_new_document_similar_to_both_sides_is_dropped_and_their_groups_stay_apart(self) -> None:
        groups = groups_of(LEFT, RIGHT, BETWEEN)
        result = split(groups, {0: "train", 1: "evaluation"}, similarity=0.8, shared_passages="warn")
        assert result.sides == ["train", "evaluation", None]
        assert result.conflicts == {2: Conflict(0, 1, "document")}
        assert result.groups[0] != result.groups[1]

    def test_a_document_with_its_group_on_one_side_and_a_similar_text_on_the_other_is_dropped(self) -> None:
        texts = [text_of(1), text_of(2), f"{text_of(2)} and more"]
        groups = groups_of(*texts, stated={texts[0]: "page 1", texts[1]: "page 2", texts[2]: "page 1"})
        result = split(groups, {0: "train", 1: "evaluation"})
        assert result.sides == ["train", "evaluation", None]
        assert result.conflicts == {2: Conflict(0, 1, "document")}

    def test_a_group_stays_together_when_its_first_document_is_dropped(self) -> None:
        """The first row of page 1 is dropped. The two rows after it still belong together."""
        texts = [LEFT, RIGHT, BETWEEN, text_of(3), text_of(4)]
        groups = groups_of(*texts, stated=dict.fromkeys(texts[2:], "page 1"))
        for seed in range(10):
            result = split(groups, {0: "train", 1: "evaluation"}, similarity=0.8, seed=seed, shared_passages="warn")
            assert result.sides[2] is None
            assert result.groups[3] == result.groups[4]

    def test_a_conflict_names_the_documents_that_connect_the_dropped_document_to_both_sides(self) -> None:
        """The dropped text is similar to the first training document and in the group of the evaluation document."""
        texts = [window(20), window(40), text_of(3), window(0)]
        groups = groups_of(*texts, stated={texts[2]: "page 1", texts[3]: "page 1"})
        result = split(groups, {0: "train", 1: "train", 2: "evaluation"}, similarity=0.8, shared_passages="warn")
        assert result.groups[0] == result.groups[1]
        assert result.conflicts == {3: Conflict(0, 2, "document")}

    def test_of_two_near_duplicates_on_different_sides_the_training_document_is_dropped(self) -> None:
        result = split(groups_of(text_of(1), f"{text_of(1)} and more"), {0: "train", 1: "evaluation"})
        assert result.sides == [None, "evaluation"]
        assert result.conflicts == {0: Conflict(0, 1, "document")}
