from __future__ import annotations

import pytest

from include.distill.dataset.document_groups import DocumentGroups
from include.distill.dataset.group_split import same_question_pairs
from tests.distill.dataset.test_document_groups import groups_of, split, text_of


def test_documents_that_share_a_passage_are_on_one_side() -> None:
    texts = [f"{text_of(n, 300)} {text_of(1000 + n // 2, 120)}" for n in range(40)]
    result = split(groups_of(*texts))
    assert all(result.sides[n] == result.sides[n + 1] for n in range(0, 40, 2))
    assert len(set(result.groups)) == 20


def test_a_training_document_of_an_earlier_run_is_dropped_when_it_contains_an_evaluation_passage() -> None:
    texts = [text_of(1, 200), f"{text_of(1, 100)} {text_of(2, 200)}", text_of(3)]
    result = split(groups_of(*texts), {0: "evaluation", 1: "train", 2: "train"})
    assert result.sides == ["evaluation", None, "train"]
    assert result.conflicts[1].relation == "passage"
    kept = split(groups_of(*texts), {0: "evaluation", 1: "train", 2: "train"}, shared_passages="warn")
    assert kept.sides == ["evaluation", "train", "train"]
    assert kept.leaked == {1: 0}


@pytest.mark.parametrize("seed", range(5))
def test_documents_of_one_template_are_split_near_the_share(seed: int) -> None:
    template = text_of(1, 60)
    result = split(groups_of(*(f"{template} {text_of(n, 6)}" for n in range(10, 25))), share=0.1, seed=seed)
    assert 1 <= result.sides.count("evaluation") <= 3
    assert result.templates == 15


def test_a_question_asked_about_many_documents_relates_nothing() -> None:
    groups = DocumentGroups()
    for number in range(40):
        groups.add(text_of(number), group=None, row=number)
        groups.add_question(number, "summarize" if number < 20 else f"question {number // 2}")
    assert set(same_question_pairs(groups)) == {(n, n + 1) for n in range(20, 40, 2)}
