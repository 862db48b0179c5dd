from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from include.distill.config.catalog import load_catalog
from include.distill.text.normalization import is_blank
from include.distill.training.documents import DocumentRecords, split_document
from include.distill.training.limits import check_record, token_limit_count
from tests.distill.conftest import make_row

FAMILY = load_catalog().document_families["titan-text-lite-documents"]
SMALL, LARGER = (FAMILY.model_copy(update={"tokens_per_record": tokens}) for tokens in (40, 80))


def rows(*documents: str) -> list[Any]:
    return [make_row(number, document=document) for number, document in enumerate(documents)]


def written(*documents: str, family: Any = FAMILY) -> tuple[list[str], Any]:
    records = DocumentRecords(family)
    texts = [record["input"] for _, record in records.of_rows(rows(*documents))]
    return texts, records.counts


def test_each_distinct_document_is_written_once_in_the_order_of_the_rows() -> None:
    texts, counts = written("B.", "A.", "B.", "B.")
    assert texts == ["B.", "A."]
    assert counts == {"distinct": 2, "repeated": 2, "split": 0}


def test_a_long_document_becomes_several_records_of_its_row() -> None:
    long = "A sentence of eight words is right here. " * 30
    records = DocumentRecords(SMALL)
    found = list(records.of_rows(rows("Short.", long)))
    assert "".join(record["input"] for _, record in found[1:]) == long
    assert len({row_id for row_id, _ in found}) == 2
    assert len(found) > 5
    assert records.counts == {"distinct": 2, "repeated": 0, "split": 1}


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        pytest.param("one two three.\nfour five six.\n\nseven eight nine ten. " * 12, r"\n\n", id="paragraphs"),
        pytest.param("one two three four five.\nsix seven eight nine ten " * 12, r"\n", id="lines"),
        pytest.param("One two three four. Five six seven eight. " * 20, r"\. ", id="sentences"),
        pytest.param("one two three four five six seven eight " * 20, " ", id="words"),
        pytest.param("x" * 400, "x", id="characters"),
        pytest.param("これは長い文書です。" * 30, "。", id="no spaces"),
    ],
)
def test_a_document_is_split_at_the_best_place(text: str, ends: str) -> None:
    parts = list(split_document(text, LARGER))
    assert len(parts) > 1
    assert "".join(parts) == text
    assert all(re.search(f"{ends}$", part) for part in parts[:-1])


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=900))
@settings(max_examples=60, deadline=None)
@example("0" + "\x80" * 39 + "\xad")
def test_no_part_exceeds_the_limit_and_nothing_that_can_be_seen_is_lost(text: str) -> None:
    parts = list(split_document(text, SMALL))
    assert [len(part) for part in parts if token_limit_count([part], SMALL) > 40 and len(part) > 1] == []
    assert _visible("".join(parts)) == _visible(text)


def _visible(text: str) -> str:
    return "".join(character for character in text if not is_blank(character))


def test_every_part_is_a_valid_record() -> None:
    texts, _ = written("A sentence of eight words is right here. " * 300)
    assert len(texts) > 1
    assert [check_record({"input": text}, FAMILY, 1) for text in texts] == [[]] * len(texts)
