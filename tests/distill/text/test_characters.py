from __future__ import annotations

import pytest

from include.distill.text.characters import character_class


@pytest.mark.parametrize(
    ("character", "expected"),
    [
        ("é", "latin"),
        ("ế", "vietnamese"),
        ("ж", "cyrillic"),
        ("λ", "greek"),
        ("ש", "hebrew"),
        ("م", "arabic"),
        ("क", "devanagari"),
        ("த", "indic"),
        ("ก", "thai"),
        ("の", "hiragana"),
        ("カ", "katakana"),
        ("的", "han_common"),
        ("鶏", "han"),
        ("蚵", "han_rare"),
        ("鰺", "han_rarest"),
        ("한", "hangul"),
        ("뷁", "hangul_rare"),
        ("“", "punctuation"),
        ("。", "cjk_punctuation"),
        ("ա", "bytes_2"),
        ("→", "bytes_3"),
        ("😀", "bytes_4"),
        ("\ud800", "bytes_3"),
    ],
)
def test_a_character_has_the_class_of_its_script_and_frequency(character: str, expected: str) -> None:
    assert character_class(character) == expected
