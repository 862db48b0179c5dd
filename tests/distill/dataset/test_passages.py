from __future__ import annotations

import random

from include.distill.dataset.passage_table import PassageTable
from include.distill.dataset.passages import PassageIndex
from tests.distill.dataset.test_document_groups import text_of


def table_of(*documents: str, answers: dict[str, int] | None = None) -> PassageTable:
    table = PassageTable()
    for number, document in enumerate(documents):
        table.add_document(document, number)
    for answer, number in (answers or {}).items():
        table.add_answer(answer, number)
    return table


def pairs(index: PassageIndex, *, want_shared: bool) -> list[tuple[int, int, bool]]:
    return list(index.related_pairs(want_shared=want_shared, is_connected=lambda one, other: False))


def leaks(index: PassageIndex, documents: list[int], among: list[int]) -> list[tuple[int, int]]:
    found = index.find(documents, among, is_settled=lambda one, other: False)
    return [(one, other) for one, other, is_leak in found if is_leak]


def test_a_document_that_contains_half_of_an_evaluation_document_leaks_it() -> None:
    evaluated = text_of(1, 200)
    table = table_of(evaluated, f"{text_of(2, 300)} {evaluated[: len(evaluated) // 2]}", text_of(3, 200))
    assert leaks(PassageIndex(table, [0]), [0], [1, 2]) == [(0, 1)]


def test_a_document_that_contains_an_evaluation_answer_leaks_it() -> None:
    answer = text_of(9, 12)
    table = table_of(text_of(1, 200), f"{text_of(2, 300)} {answer}", answers={answer: 0})
    assert leaks(PassageIndex(table, [0]), [0], [1]) == [(0, 1)]


def test_an_answer_is_found_if_a_tenth_of_its_words_differ_but_not_half_of_it() -> None:
    answer = text_of(9, 60)
    words = answer.split()
    changed = " ".join("other" if n % 10 == 5 else word for n, word in enumerate(words))
    bullets = "\n- ".join(" ".join(words[n : n + 10]) for n in range(0, 60, 10))
    half = " ".join(words[: len(words) // 2])
    documents = [f"{text_of(2 + n, 300)} {text}" for n, text in enumerate((changed, bullets, half))]
    table = table_of(text_of(1, 200), *documents, answers={answer: 0})
    assert leaks(PassageIndex(table, [0]), [0], [1, 2, 3]) == [(0, 1), (0, 2)]


def test_a_chinese_answer_of_fewer_than_sixty_characters_is_compared() -> None:
    answer = "图书馆和游泳池自上次选举以来已经失去了三分之一的员工委员会因此反对拟议的削减并要求重新审查"
    table = table_of(text_of(1, 200), f"{text_of(2, 200)} {answer}", answers={answer: 0})
    assert leaks(PassageIndex(table, [0]), [0], [1]) == [(0, 1)]


def test_a_single_passage_relates_documents_only_loosely() -> None:
    passage = text_of(1, 120)
    index = PassageIndex(table_of(f"{text_of(2, 400)} {passage}", f"{passage} {text_of(3, 400)}"))
    assert pairs(index, want_shared=True) == [(0, 1, False)]
    assert pairs(index, want_shared=False) == []


def test_text_in_most_documents_is_ignored() -> None:
    template = text_of(1, 60)
    index = PassageIndex(table_of(*(f"{template} {text_of(n, 20)}" for n in range(10, 20))))
    assert pairs(index, want_shared=True) == []
    assert all(index.is_mostly_common(number) for number in range(10))
    assert index.differ_apart_from_common(0, 1)


def test_an_empty_table_has_no_pairs() -> None:
    assert pairs(PassageIndex(table_of("short")), want_shared=True) == []


def test_a_leak_is_found_among_texts_that_share_many_phrases() -> None:
    phrases = [text_of(seed, 4) for seed in range(40)]
    draw = random.Random(3)
    documents = [" ".join(draw.choices(phrases, k=30)) + " " + text_of(seed, 60) for seed in range(100, 700)]
    evaluated = " ".join(draw.choices(phrases, k=8)) + " " + text_of(1000, 200)
    copied = text_of(2000, 120) + evaluated[: len(evaluated) // 2] + evaluated[-len(evaluated) // 4 :]
    answer = evaluated[-200:]
    table = table_of(evaluated, copied, *documents, answers={answer: 0})
    assert leaks(PassageIndex(table, [0]), [0], list(range(1, 602))) == [(0, 1), (0, 1)]  # text and answer


def test_only_the_given_documents_are_compared_unless_they_are_settled() -> None:
    text = text_of(1, 200)
    index = PassageIndex(table_of(text, f"{text} {text_of(2)}", f"{text} {text_of(3)}", text_of(4, 200)))
    assert leaks(index, [0], [2, 3]) == [(0, 2)]
    assert list(index.find([0, 1], [0, 1, 2], is_settled=lambda one, other: 0 in {one, other})) == [(1, 2, True)]
    assert list(index.find([], [0], is_settled=lambda one, other: False)) == []
