from __future__ import annotations

import re
import unicodedata
from collections import Counter

import pytest

from tests.distill.curation.grounding_set.number_words import has_word, numbers_of, plain_digits
from tests.distill.curation.grounding_set.reading import (
    FOLDER,
    HALVES,
    KINDS,
    OTHER_LANGUAGES,
    PARTS,
    Half,
    Item,
    Kind,
    half_of,
    read_documents,
    read_items,
)
from tests.fakes.each_case import each_case

OWN_DOCUMENTS = read_documents(OTHER_LANGUAGES)
DOCUMENTS = read_documents() | OWN_DOCUMENTS
ITEMS = [item for part in PARTS for item in read_items(part, OTHER_LANGUAGES)]
LANGUAGES = {
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "ja": "Japanese",
    "zh": "Chinese",
    "hi": "Hindi",
    "ar": "Arabic",
}
LETTERS = {"ja": "HIRAGANA", "zh": "CJK", "hi": "DEVANAGARI", "ar": "ARABIC"}
UNFAITHFUL: tuple[Kind, ...] = ("swapped_number", "swapped_entity", "negation")
FEWEST: dict[Kind, int] = {
    "paraphrase": 6,
    "steps": 3,
    "yes_no": 3,
    "short": 3,
    "summary": 3,
    "translation": 6,
    "swapped_number": 5,
    "swapped_entity": 4,
    "negation": 3,
}
SWAPPED = [item for item in ITEMS if item.kind in ("swapped_number", "swapped_entity")]


def language_of_document(item: Item) -> str:
    return item.document_id[:2] if item.document_id in OWN_DOCUMENTS else "en"


def language_of_set(item: Item) -> str:
    """Return the language of an item's document, or that of its answer if the document is English."""
    return language_of_document(item) if item.document_id in OWN_DOCUMENTS else item.language


def evidence(item: Item) -> str:
    return f"{DOCUMENTS[item.document_id].text}\n{item.question}"


def plain(text: str) -> str:
    return plain_digits(unicodedata.normalize("NFKC", text)).casefold()


def contains(text: str, value: str) -> bool:
    """Return whether a text contains a value that is not part of a longer number."""
    wanted = plain(value)
    before = r"(?<!\d)" if wanted[0].isdigit() else ""
    after = r"(?!\d)" if wanted[-1].isdigit() else ""
    return re.search(before + re.escape(wanted) + after, plain(text)) is not None


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_half_has_enough_items_of_each_kind_in_each_language(language: str, half: Half) -> None:
    counts = Counter(item.kind for item in ITEMS if language_of_set(item) == language and item.half == half)
    assert {kind: counts[kind] for kind, fewest in FEWEST.items() if counts[kind] < fewest} == {}


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_half_has_three_documents_in_each_language(language: str, half: Half) -> None:
    of_half = [key for key, document in OWN_DOCUMENTS.items() if document.half == half and key.startswith(language)]
    assert len(of_half) >= 3


def test_the_readme_states_the_counts() -> None:
    readme = (FOLDER / "README.md").read_text("utf-8")
    kinds = Counter((item.kind, item.half) for item in ITEMS)
    stated = re.findall(r"^\| `(\w+)` \| .* \| (\d+) \| (\d+) \| (\d+) \|$", readme, re.M)
    expected = {kind: [str(kinds[kind, part]) for part in PARTS] for kind in KINDS}
    assert {kind: counts for kind, *counts in stated} == expected
    languages = Counter((LANGUAGES[language_of_set(item)], item.half) for item in ITEMS)
    rows = re.findall(r"^\| ([A-Z]\w+) \| \d+ \| (\d+) \| (\d+) \| (\d+) \|$", readme, re.M)
    totals = {name: [str(languages[name, part]) for part in PARTS] for name in LANGUAGES.values()}
    assert {name: counts for name, *counts in rows} == totals


def test_ids_and_answers_are_unique() -> None:
    ids = Counter(item.id for item in ITEMS)
    answers = Counter((item.document_id, item.question, item.answer) for item in ITEMS)
    assert [key for key, count in (ids + answers).items() if count > 1] == []


def test_the_text_of_a_document_decides_its_half() -> None:
    of_halves = {key: document for key, document in OWN_DOCUMENTS.items() if document.half in HALVES}
    assert [key for key, document in of_halves.items() if document.half != half_of(document.text)] == []
    assert [item.id for item in ITEMS if item.half != DOCUMENTS[item.document_id].half] == []
    assert len({document.text.strip() for document in DOCUMENTS.values()}) == len(DOCUMENTS)
    assert set(OWN_DOCUMENTS) <= {item.document_id for item in ITEMS}


def test_values_are_complete_and_of_the_named_choices() -> None:
    for item in ITEMS:
        assert item.kind in KINDS, item.id
        assert item.label == ("unfaithful" if item.kind in UNFAITHFUL else "faithful"), item.id
        assert item.form in {"prose", "list", "yes_no", "short", "number"}, item.id
        assert item.question.strip() == item.question != "", item.id
        assert item.answer.strip() == item.answer != "", item.id
        assert bool(item.note) == (item.label == "unfaithful"), item.id
    named = {item.id for item in ITEMS if item.changed_to and item.changed_from}
    assert named == {item.id for item in SWAPPED}


def test_translations_and_some_unfaithful_items_are_in_another_language_than_the_document() -> None:
    kinds = Counter(item.kind for item in ITEMS if item.language != language_of_document(item))
    assert set(kinds) == {"translation", *UNFAITHFUL}
    assert kinds["translation"] == sum(item.kind == "translation" for item in ITEMS) >= 66


def test_an_answer_is_in_the_script_of_its_language() -> None:
    with each_case() as case:
        for item in ITEMS:
            if item.form in ("prose", "list"):
                with case(item.id):
                    assert_script(item)


def assert_script(item: Item) -> None:
    scripts = {unicodedata.name(char, "").split()[0] for char in item.answer if char.isalpha()}
    if item.language in LETTERS:
        assert LETTERS[item.language] in scripts
    else:
        quoted = DOCUMENTS[item.document_id].text
        foreign = [char for char in item.answer if char.isalpha() and not unicodedata.name(char).startswith("LATIN")]
        assert [char for char in foreign if char not in quoted] == []


def test_a_swapped_value_is_in_the_answer_but_neither_in_the_document_nor_in_the_question() -> None:
    with each_case() as case:
        for item in SWAPPED:
            with case(item.id):
                assert contains(item.answer, item.changed_to)
                assert plain(item.changed_from) in plain(evidence(item))
                assert not contains(evidence(item), item.changed_to)


def test_a_false_number_is_not_in_the_document_in_another_spelling() -> None:
    with each_case() as case:
        for item in SWAPPED:
            if item.kind == "swapped_number":
                with case(item.id):
                    assert_false_number(item)


def assert_false_number(item: Item) -> None:
    false_numbers = numbers_of(item.changed_to) - numbers_of(item.changed_from)
    assert false_numbers.isdisjoint(numbers_of(evidence(item)))
    if not false_numbers:
        month = item.changed_to.split()[-1]
        assert re.search(r"[^\W\d]{3}", month), item.id
        assert not has_word(evidence(item), month)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Es dauert 1.000,50 Stunden.", "1000.50"),
        ("höchstens achtundzwanzig Minuten", "28"),
        ("1\u202f000 requêtes", "1000"),
        ("dix-huit pour cent", "18"),
        ("二十四時間", "24"),
        ("２４時間", "24"),
        ("最高可保三万元", "30000"),
        ("一千二百円", "1200"),
        ("२४ घंटे", "24"),
        ("पच्चीस तारीख", "25"),
        ("٢٤ ساعة", "24"),
        ("٢٫٧٥ دينار", "2.75"),
        ("متوفر بسبعة ألوان", "7"),
        ("سبعين جنيهًا", "70"),
    ],
)
def test_the_check_for_a_false_number_reads_the_forms_of_each_language(text: str, number: str) -> None:
    assert numbers_of(text) == {number}


@pytest.mark.parametrize("text", ["nachts um zwei", "achtzig", "आठवाँ", "سبعون", "八十"])
def test_the_check_for_a_false_number_does_not_read_parts_of_words(text: str) -> None:
    assert numbers_of(text).isdisjoint({"7", "8", "10"})
