"""Compare the estimates with real token counts; tests/data/token_counts/README.md says how they were measured."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from include.distill.core.paths import PROJECT_ROOT
from include.distill.text.token_count import central_token_count, conservative_token_count, fits, token_counts
from include.distill.text.token_weights import WEIGHTS

LINES = (PROJECT_ROOT / "tests" / "data" / "token_counts" / "llama3.jsonl").read_text("utf-8").splitlines()
MEASURED: list[dict[str, Any]] = [json.loads(line) for line in LINES]
MAIN = ("english", "code", "german", "japanese", "chinese")
# The weights were fitted with the measured texts of even index among others, so those of odd index are held out.
HELD_OUT = [text for number, text in enumerate(MEASURED) if number % 2 and text["kind"] in MAIN]


def test_there_are_enough_held_out_texts_of_each_main_kind() -> None:
    assert all(count >= 10 for count in Counter(text["kind"] for text in HELD_OUT).values())
    assert {text["kind"] for text in HELD_OUT} == set(MAIN)


@pytest.mark.parametrize("measured", HELD_OUT, ids=lambda text: f"{text['kind']}: {text['text'][:20]!r}")
def test_the_central_estimate_of_a_held_out_text_is_within_20_percent(measured: dict[str, Any]) -> None:
    assert central_token_count(measured["text"]) == pytest.approx(measured["tokens"], rel=0.2)


@pytest.mark.parametrize("measured", MEASURED, ids=lambda text: f"{text['kind']}: {text['text'][:20]!r}")
def test_the_conservative_estimate_is_never_below_the_real_number(measured: dict[str, Any]) -> None:
    assert conservative_token_count(measured["text"]) >= measured["tokens"]


@pytest.mark.parametrize("kind", MAIN)
def test_the_conservative_estimate_of_a_whole_kind_is_at_most_twice_the_real_number(kind: str) -> None:
    texts = [text for text in MEASURED if text["kind"] == kind]
    estimated = conservative_token_count("\n".join(text["text"] for text in texts))
    assert estimated <= 2 * sum(text["tokens"] for text in texts)


@pytest.mark.parametrize("text", ["", " ", "a", "é", "😀", "\ud800", "漢" * 9, "kG" * 30])
def test_no_estimate_exceeds_the_number_of_bytes(text: str) -> None:
    size = len(text.encode(errors="surrogatepass"))
    assert central_token_count(text) <= size
    assert conservative_token_count(text) <= size
    assert fits(text, size)
    assert token_counts(text) == (central_token_count(text), conservative_token_count(text))


def test_the_conservative_weights_are_not_below_the_central_ones() -> None:
    assert all(central <= conservative for central, conservative in WEIGHTS.values())


@pytest.mark.parametrize("kind", MAIN)
def test_a_text_fits_if_its_conservative_estimate_does(kind: str) -> None:
    text = "\n".join(text["text"] for text in MEASURED if text["kind"] == kind)
    estimated = conservative_token_count(text)
    assert fits(text, estimated)
    assert not fits(text, estimated - 1)
    for characters in range(0, len(text), 97):
        tokens = conservative_token_count(text[:characters]) + len(text[characters:].encode())
        assert fits(text, tokens) == (tokens >= estimated)


def test_a_text_whose_end_may_have_as_many_tokens_as_bytes_is_not_estimated_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lengths = []

    def estimate(text: str) -> int:
        lengths.append(len(text))
        return conservative_token_count(text)

    monkeypatch.setattr("include.distill.text.token_count.conservative_token_count", estimate)
    assert fits("It was the best of times. " * 2000, 40_000)
    assert lengths == [18_462]
