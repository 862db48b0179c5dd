from __future__ import annotations

from include.distill.dataset.passages import PassageIndex, PassageTable
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


def test_a_document_that_contains_half_of_an_evaluation_document_leaks_it() -> None:
    evaluated = text_of(1, 200)
    table = table_of(evaluated, f"{text_of(2, 300)} {evaluated[: len(evaluated) // 2]}", text_of(3, 200))
    assert PassageIndex(table, [0]).find(0, in_evaluation=False).leaked == [1]


def test_a_document_that_contains_an_evaluation_answer_leaks_it() -> None:
    answer = text_of(9, 12)
    table = table_of(text_of(1, 200), f"{text_of(2, 300)} {answer}", answers={answer: 0})
    assert PassageIndex(table, [0]).find(2, in_evaluation=False).leaked == [1]


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
