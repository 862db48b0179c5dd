from __future__ import annotations

import csv
import re
from collections import Counter

import pytest

from include.distill.core.paths import INCLUDE
from tests.distill.curation.grounding_set.reading import (
    HALVES,
    OTHER_LANGUAGES,
    Document,
    Kind,
    read_documents,
    read_items,
)

DOCUMENTS = read_documents() | read_documents(OTHER_LANGUAGES)
HELD_OUT = {key: document for key, document in DOCUMENTS.items() if document.half == "held_out"}
OF_HALVES = {key: document for key, document in DOCUMENTS.items() if document.half in HALVES}
ENGLISH = read_items("held_out")
OTHERS = read_items("held_out", OTHER_LANGUAGES)
FEWEST: dict[Kind, int] = {
    "paraphrase": 32,
    "steps": 32,
    "table": 32,
    "yes_no": 32,
    "short": 32,
    "summary": 32,
    "swapped_number": 32,
    "swapped_entity": 40,
    "negation": 20,
}
FEWEST_PER_LANGUAGE: dict[Kind, int] = {
    "paraphrase": 4,
    "steps": 2,
    "yes_no": 2,
    "short": 2,
    "summary": 2,
    "swapped_number": 4,
    "swapped_entity": 4,
    "negation": 2,
}


def passages(document: Document) -> set[str]:
    """Return the passages of a document of the sample data, or the whole text of any other."""
    return {passage.strip() for passage in re.split(r"(?:Context: )?\bDoc \d+: ", document.text) if passage.strip()}


def test_every_held_out_item_is_about_a_held_out_document() -> None:
    assert {item.document_id for item in ENGLISH + OTHERS} == set(HELD_OUT)


def test_no_passage_of_a_held_out_document_occurs_in_another_part() -> None:
    of_halves = set[str]().union(*map(passages, OF_HALVES.values()))
    assert [key for key, document in HELD_OUT.items() if passages(document) & of_halves] == []
    texts = [document.text for document in OF_HALVES.values()]
    assert [key for key, document in HELD_OUT.items() if any(document.text in text for text in texts)] == []


def test_the_held_out_rows_are_those_of_the_sample_data() -> None:
    rows: dict[str, str] = {}
    for name in ("train", "evaluation"):
        with (INCLUDE / f"data/aws_docs_qa/{name}.csv").open(encoding="utf-8", newline="") as lines:
            rows |= {f"{name}-{number}": row["doc"] for number, row in enumerate(csv.DictReader(lines), 1)}
    of_sample = {key: document.text for key, document in HELD_OUT.items() if re.match("train-|evaluation-", key)}
    assert len(of_sample) == 19
    assert of_sample.items() <= rows.items()


def test_there_are_enough_english_items_of_each_kind() -> None:
    counts = Counter(item.kind for item in ENGLISH)
    assert {kind: counts[kind] for kind, fewest in FEWEST.items() if counts[kind] < fewest} == {}


@pytest.mark.parametrize("language", ["de", "es", "ja", "zh", "hi", "ar"])
def test_there_are_four_documents_and_enough_items_in_each_language(language: str) -> None:
    assert sum(key.startswith(f"{language}-") for key in HELD_OUT) == 4
    counts = Counter(item.kind for item in OTHERS if item.document_id.startswith(f"{language}-"))
    assert {kind: counts[kind] for kind, fewest in FEWEST_PER_LANGUAGE.items() if counts[kind] < fewest} == {}


def test_translations_go_into_english_and_out_of_it() -> None:
    translations = [item for item in OTHERS if item.kind == "translation"]
    into_english = sum(item.language == "en" for item in translations)
    assert min(into_english, len(translations) - into_english) >= 16
