"""A file with a wrong encoding, a wrong separator or both is explained at once, and the advice works."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
import yaml

from include.distill.core.errors import InputError
from include.distill.dataset.csv_records import read_csv
from include.distill.dataset.source_files import encoding_of

TEXT = "doc,question,answer\nDie Größe der Straße ist 5 – „mehr“ nicht.,Wie groß?,Fünf\n"
POLISH = "doc,question,answer\nKażdy łódź żółw śpi i ma się dobrze,Czy żółw śpi?,Tak\n"
RUSSIAN = "doc,question,answer\nПривет мир как дела,Что?,Да\n"
JAPANESE = "doc,question,answer\n日本語の文書です。,何ですか？,はい\n"


def problem(body: bytes, encoding: str) -> str:
    with pytest.raises(InputError) as raised:
        list(read_csv(BytesIO(body), source="s3://b/my rows.csv", encoding=encoding).records)
    return str(raised.value)


@pytest.mark.parametrize(
    ("text", "written", "declared"),
    [
        (TEXT, "cp1252", "utf-8"),
        (TEXT, "cp1252", "ascii"),
        (TEXT, "cp1252", "latin-1"),
        (TEXT, "utf-8", "cp1252"),
        (TEXT, "utf-8", "ascii"),
        (JAPANESE, "utf-8", "cp932"),
        (TEXT, "utf-8-sig", "cp1252"),
        (TEXT, "utf-16", "utf-8"),
        (TEXT, "utf-16-le", "utf-8"),
        (RUSSIAN, "utf-16-be", "utf-8"),
        (TEXT, "utf-32", "utf-8"),
    ],
)
def test_the_encoding_in_the_advice_reads_the_file(text: str, written: str, declared: str) -> None:
    message = problem(text.encode(written), declared)
    match = re.search(r'Set source\.encoding to (\S+) in the use case, or to \{"my rows\.csv": \1\}', message)
    assert match, message
    table = read_csv(BytesIO(text.encode(written)), source="a.csv", encoding=match[1])
    assert [record.raw for record in table.records] == text.splitlines(keepends=True)[1:]


@pytest.mark.parametrize("written", ["cp1252", "utf-16", "utf-16-le", "utf-8-sig"])
@pytest.mark.parametrize(("mark", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")])
def test_a_wrong_separator_is_named_with_the_wrong_encoding(written: str, mark: str, name: str) -> None:
    body = TEXT.replace(",", mark).encode(written)
    message = problem(body, "cp1251" if written == "utf-8-sig" else "utf-8")
    assert f"separated by {name}. No setting allows this separator, so save the file as comma-separated" in message
    assert ("and set source.encoding to utf-8" in message) == (written == "utf-8-sig")


def test_a_comma_inside_a_text_is_not_taken_for_the_separator() -> None:
    message = problem(TEXT.replace(",", ";").replace("5", "5, 6").encode("cp1252"), "utf-8")
    assert "separated by semicolons" in message


def test_a_semicolon_in_a_header_with_commas_is_text() -> None:
    message = problem(TEXT.replace("question", "question; or").encode("cp1252"), "utf-8")
    assert "Set source.encoding to cp1252" in message


def test_a_separator_is_named_with_the_declaration_of_the_saved_file() -> None:
    message = problem(TEXT.replace(",", ";").encode("cp1252"), "cp1252")
    assert message.endswith(
        "separated by semicolons; save the file as comma-separated UTF-8 and set source.encoding to utf-8."
    )


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (POLISH, "cp1250"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (JAPANESE, "cp932"),
        ("é,b,c\nGröße,ü,ß\n", "cp850"),
    ],
)
def test_an_encoding_that_gives_other_letters_is_not_advised(text: str, written: str) -> None:
    message = problem(text.encode(written), "utf-8")
    assert "read as cp1252" not in message
    assert "Set source.encoding in the use case to the encoding in which the file was saved" in message


def test_utf8_text_with_one_broken_byte_is_not_called_cp1252() -> None:
    message = problem(RUSSIAN.encode() + b"\xff,b,c\n", "utf-8")
    assert "read as cp1252" not in message


def test_the_pattern_in_the_advice_matches_a_file_with_any_name() -> None:
    name = 'rows [1] "é".csv'
    with pytest.raises(InputError) as raised:
        read_csv(BytesIO(TEXT.encode("utf-16")), source=f"s3://b/{name}", encoding="utf-8")
    (mapping,) = re.findall(r"or to (\{.*\}) if", str(raised.value))
    assert encoding_of(f"2026/{name}", yaml.safe_load(mapping)) == "utf-16"
