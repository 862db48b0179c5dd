from __future__ import annotations

import pytest

from include.distill.grounding.identifiers import blanked, compounds, identifiers


def found(text: str) -> list[str]:
    return [identifier.text for identifier in identifiers(text)]


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("Run it with --dry-run=yes, please.", "--dry-run=yes"),
        ("Add -v to it.", "-v"),
        ("Set MAX_ITEMS first.", "MAX_ITEMS"),
        ("Write to ops@example.com.", "ops@example.com"),
        ("See https://a.b/c?x=1.", "https://a.b/c?x=1"),
        ("Edit 'config.yaml'.", "config.yaml"),
        ("The bucket is arn:aws:s3:::archive.", "arn:aws:s3:::archive"),
        ("Allow s3:GetObject.", "s3:GetObject"),
        ("Open ~/.ssh/config, then leave.", "~/.ssh/config"),
        ("Call getItem on it.", "getItem"),
        ("It is a DynamoDb table.", "DynamoDb"),
        ("It runs in us-east-1.", "us-east-1"),
        ("Rent an m5.large machine.", "m5.large"),
        ("It needs 3.11.4 or later.", "3.11.4"),
        ("使用S3。", "S3"),
    ],
)
def test_an_identifier_is_found_without_the_punctuation_around_it(text: str, identifier: str) -> None:
    assert set(found(text)) == {identifier}


@pytest.mark.parametrize(
    "text",
    [
        "An ordinary Sentence about Lambda.",
        "Use one of them, e.g. this one, z.B. that one.",
        "It ended on 24.12.2024 or on 2024.12.24.",
        "It has 1.234.567 rows and version 2.0.",
        "The third-party tool is well-known.",
    ],
)
def test_words_dates_and_numbers_are_no_identifiers(text: str) -> None:
    assert found(text) == []


def test_each_word_of_code_is_an_identifier() -> None:
    assert found("Run `npm run` and then\n```bash\npip install\n```") == ["npm", "run", "pip", "install"]


def test_code_is_read_only_once() -> None:
    assert found("Use `b.c` and d.e in it.") == ["b.c", "d.e"]


def test_the_place_of_an_identifier_is_its_span_in_the_text() -> None:
    text = "Run `aws ls`, or set max_items. Then take 3.11.4 and a block:\n```\nrun it\n```"
    assert [text[one.start : one.end] for one in identifiers(text)] == found(text)


@pytest.mark.parametrize(
    ("code", "is_number"),
    [("300", True), ("5,5%", True), ("0.75", True), ("a5", False), ("1.2.3", False)],
)
def test_only_a_plain_number_in_code_is_a_number(code: str, is_number: bool) -> None:
    assert identifiers(f"`{code}`")[0].is_number is is_number


def test_a_blanked_part_keeps_the_length_of_the_text() -> None:
    assert blanked("set max_items now", 4, 13) == "set ;;;;;;;;; now"


def test_compounds_are_words_in_lower_case_with_hyphens() -> None:
    text = "The orders-dlq and us-east-1, not Policy-based, x-ray, --dry-run or plain."
    assert compounds(text) == ["orders-dlq", "us-east-1"]


def test_a_version_is_found_once() -> None:
    assert found("Install v2.0.3 or 3.11.4 of it.") == ["v2.0.3", "3.11.4"]
    assert found("Install python3.11.4-slim.") == ["python3.11.4-slim"]


def test_the_unit_in_a_range_is_no_identifier() -> None:
    assert found("It holds 20 GiB-64 TiB, or 5 MB-10 MB.") == []
    assert found("It is in GiB-64.") == ["GiB-64"]
