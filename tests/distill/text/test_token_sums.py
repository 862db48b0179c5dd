"""The packed sums must be the same as the weighted features, whether a text is read by chunks or by pieces."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

import pytest

from include.distill.core.paths import PROJECT_ROOT
from include.distill.text.token_sums import TokenSums
from include.distill.text.token_weights import WEIGHTS
from tests.distill.text.feature_counts import token_features

LINES = (PROJECT_ROOT / "tests" / "data" / "token_counts" / "llama3.jsonl").read_text("utf-8").splitlines()
PARTS = (
    *("abc ", "the ", "Ünder", "x.y ", "_x", "'s ", "kGq", "HTTPError ", "ß ", "é", "漢", "カ", "한", "😀", "\ud800"),
    *("1", "42 ", " 7", "²", "(", ")", "==", "\n", "\n\n", "  ", "\t", "\r\n"),
)


def texts() -> Iterator[str]:
    yield from (json.loads(line)["text"] for line in LINES)
    rng = random.Random(3)
    for _ in range(500):
        yield "".join(rng.choice(PARTS) for _ in range(rng.randrange(80)))


def test_the_sums_are_the_weighted_features() -> None:
    for text in texts():
        counts = token_features(text).counts
        weighted = sum(times * WEIGHTS[name][0] for name, times in counts.items())
        assert TokenSums(text).central == pytest.approx(weighted), text


def test_the_conservative_estimate_is_that_of_the_features_if_nothing_is_repeated() -> None:
    text = " ".join(record["text"] for record in map(json.loads, LINES) if record["kind"] in ("english", "code"))
    weighted = sum(times * WEIGHTS[name][1] for name, times in token_features(text).counts.items())
    assert TokenSums(text).conservative == pytest.approx(weighted)


@pytest.mark.parametrize("piece", ["kG%", "qx ", "%", "Zq7 ", "\u0ab1", "é"])
def test_repeated_pieces_have_their_maximum(piece: str) -> None:
    text = piece * 100
    weighted = sum(times * WEIGHTS[name][1] for name, times in token_features(text).counts.items())
    surplus = TokenSums(text).conservative - weighted
    assert surplus == 0 if piece.isspace() else surplus != 0


def test_repeated_ordinary_words_have_no_maximum() -> None:
    text = "word and other word, " * 20
    weighted = sum(times * WEIGHTS[name][1] for name, times in token_features(text).counts.items())
    assert TokenSums(text).conservative == pytest.approx(weighted)


def test_a_very_long_word_has_at_least_a_token_for_two_characters() -> None:
    assert TokenSums("see " + "baba" * 30).conservative >= 60
