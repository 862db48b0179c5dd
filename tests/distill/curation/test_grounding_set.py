from __future__ import annotations

import re
from collections import Counter
from typing import get_args

import pytest

from tests.distill.curation.grounding_set.reading import (
    FOLDER,
    HALVES,
    KINDS,
    PARTS,
    Half,
    Item,
    Kind,
    Label,
    half_of,
    read_documents,
    read_items,
)
from tests.fakes.each_case import each_case

DOCUMENTS = read_documents()
ITEMS = [item for part in PARTS for item in read_items(part)]
UNFAITHFUL: tuple[Kind, ...] = ("swapped_number", "swapped_entity", "negation")
ENGLISH_KINDS = [kind for kind in KINDS if kind != "translation"]
FORMS = {"prose", "list", "table", "yes_no", "short", "number"}
NUMBER_WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]


def in_other_forms(value: str) -> set[str]:
    """Return the value with numbers written in digits or words, and without thousands separators or hyphens."""
    numerals = {value, value.replace(",", ""), value.replace("-", " ")}
    words = {re.sub(r"\b\d+\b", _as_word, form) for form in numerals}
    digits = {re.sub(r"\b[A-Za-z]+\b", _as_digits, form) for form in numerals}
    return numerals | words | digits


def _as_word(number: re.Match[str]) -> str:
    value = int(number[0])
    return NUMBER_WORDS[value] if value < len(NUMBER_WORDS) else number[0]


def _as_digits(word: re.Match[str]) -> str:
    return str(NUMBER_WORDS.index(word[0].lower())) if word[0].lower() in NUMBER_WORDS else word[0]


def occurs(value: str, text: str) -> bool:
    """Return whether a text contains a value as whole words, whatever its case."""
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.IGNORECASE) is not None


def evidence(item: Item) -> str:
    return f"{DOCUMENTS[item.document_id].text}\n{item.question}"


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("kind", ENGLISH_KINDS)
def test_each_half_has_at_least_thirty_items_of_each_kind(kind: Kind, half: Half) -> None:
    assert sum(item.kind == kind for item in read_items(half)) >= 30


@pytest.mark.parametrize("kind", ENGLISH_KINDS)
def test_there_are_at_least_sixty_six_items_of_each_kind(kind: Kind) -> None:
    assert sum(item.kind == kind for item in ITEMS) >= 66


def test_the_readme_states_the_counts() -> None:
    counts = Counter((item.kind, item.half) for item in ITEMS)
    readme = (FOLDER / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| .*? \| (\d+) \| (\d+) \| (\d+) \|", readme, re.M)
    assert {kind: list(map(int, stated)) for kind, *stated in rows} == {
        kind: [counts[kind, part] for part in PARTS] for kind in KINDS
    }


def test_ids_and_answers_are_unique() -> None:
    ids = Counter(item.id for item in ITEMS)
    answers = Counter((item.document_id, item.question, item.answer) for item in ITEMS)
    assert [key for key, count in (ids + answers).items() if count > 1] == []


def test_every_document_exists_and_is_used() -> None:
    assert {item.document_id for item in ITEMS} == set(DOCUMENTS)


def test_the_text_of_a_document_decides_its_half() -> None:
    of_halves = {key: document for key, document in DOCUMENTS.items() if document.half in HALVES}
    assert [key for key, document in of_halves.items() if document.half != half_of(document.text)] == []
    assert [item.id for item in ITEMS if item.half != DOCUMENTS[item.document_id].half] == []
    assert len({document.text for document in DOCUMENTS.values()}) == len(DOCUMENTS)


def test_values_are_complete_and_of_the_named_choices() -> None:
    for item in ITEMS:
        expected: Label = "unfaithful" if item.kind in UNFAITHFUL else "faithful"
        assert item.label == expected, item.id
        assert item.label in get_args(Label), item.id
        assert item.form in FORMS, item.id
        assert item.language == "en", item.id
        assert item.question.strip() == item.question != "", item.id
        assert item.answer.strip() == item.answer != "", item.id
        assert bool(item.note) == (item.label == "unfaithful"), item.id


def test_a_swapped_value_is_in_the_answer_but_neither_in_the_document_nor_in_the_question() -> None:
    with each_case() as case:
        for item in ITEMS:
            if item.changed_to:
                with case(item.id):
                    assert occurs(item.changed_to, item.answer)
                    assert item.changed_from.lower() in evidence(item).lower()
                    assert [form for form in in_other_forms(item.changed_to) if occurs(form, evidence(item))] == []


def test_exactly_the_swapped_items_name_the_swapped_value() -> None:
    swapped = {item.id for item in ITEMS if item.kind in ("swapped_number", "swapped_entity")}
    assert {item.id for item in ITEMS if item.changed_to and item.changed_from} == swapped


@pytest.mark.parametrize("value", ["15 minutes", "fifteen minutes", "15 MINUTES"])
def test_the_check_for_a_swapped_value_finds_other_spellings(value: str) -> None:
    assert any(occurs(form, "It takes 15 minutes, or a limit of 1000.") for form in in_other_forms(value))
    assert any(occurs(form, "It takes 15 minutes, or a limit of 1000.") for form in in_other_forms("1,000"))
    assert not any(occurs(form, "It takes 115 minutes.") for form in in_other_forms(value))
