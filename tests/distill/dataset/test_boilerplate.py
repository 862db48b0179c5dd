from __future__ import annotations

import pytest

from include.distill.dataset.boilerplate import headers_and_footers
from include.distill.dataset.passages import PassageIndex
from tests.distill.dataset.test_document_groups import text_of
from tests.distill.dataset.test_passages import leaks, pairs, table_of

NOTICE = text_of(99, 50)
OWN = [text_of(n, 70) for n in range(60)]
COPIED = f"{OWN[0][: len(OWN[0]) // 2]} {text_of(500, 50)}"


@pytest.mark.parametrize("form", ["{notice} {own}", "{own} {notice}", "{own} {notice} Page {n} of 9."])
@pytest.mark.parametrize("documents", [6, 30])
def test_a_header_or_footer_in_some_of_the_documents_does_not_relate_them(form: str, documents: int) -> None:
    texts = [form.format(notice=NOTICE, own=own, n=n) for n, own in enumerate(OWN[:documents])] + OWN[documents:]
    index = PassageIndex(table_of(*texts, COPIED), range(10))
    assert len(headers_and_footers(table_of(*texts)))
    assert leaks(index, list(range(10)), list(range(10, 61))) == [(0, 60)]
    assert pairs(index, want_shared=True) == [(0, 60, True)]


def test_text_in_few_documents_is_not_a_footer() -> None:
    assert not len(headers_and_footers(table_of(*(f"{own} {NOTICE}" for own in OWN[:5]), *OWN[5:])))


def test_a_passage_at_any_place_in_documents_is_not_a_footer() -> None:
    retrieved = [" ".join([*OWN[n : n + n // 3 % 3], NOTICE, *OWN[n + n // 3 % 3 : n + 3]]) for n in range(0, 60, 3)]
    assert not len(headers_and_footers(table_of(*retrieved)))


def test_a_long_passage_at_the_end_of_documents_and_most_of_a_document_are_not_footers() -> None:
    passage = text_of(98, 150)
    assert not len(headers_and_footers(table_of(*(f"{text_of(n, 300)} {passage}" for n in range(10)))))
    assert not len(headers_and_footers(table_of(*(f"{text_of(n, 40)} {NOTICE}" for n in range(10)))))


def test_a_table_without_repeated_text_has_no_footers() -> None:
    assert not len(headers_and_footers(table_of(*OWN)))
    assert not len(headers_and_footers(table_of()))
