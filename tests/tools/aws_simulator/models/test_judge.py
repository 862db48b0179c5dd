from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.config.prompts import load_prompt
from tests.tools.aws_simulator.models.sample_rows import sample_rows
from tools.aws_simulator.models.judge import compare
from tools.aws_simulator.models.ranker import quote_answer
from tools.aws_simulator.models.text import read_document

FAMILIES = ("anthropic", "meta")
SWAPPED = {"A": "B", "B": "A", "TIE": "TIE"}
DOCUMENT = "Doc 1: Keys. A key is the unique name of an object in a bucket. It has at most 1,024 bytes."
QUESTION = "What is a key?"
GOOD, BAD = "A key is the unique name of an object in a bucket.", "Zebras graze."


def reply(provider: str, a: str, b: str, *, row: dict[str, str] | None = None, reference: bool = True) -> str:
    row = row or {"doc": DOCUMENT, "question": QUESTION, "answer": GOOD}
    prompt = load_prompt("judging.j2").render(
        document=row["doc"],
        question=row["question"],
        reference=row["answer"] if reference else None,
        answer_a=a,
        answer_b=b,
    )
    return compare(prompt, provider=provider)


def verdict(provider: str, a: str, b: str, *, row: dict[str, str] | None = None, reference: bool = True) -> str:
    return str(json.loads(reply(provider, a, b, row=row, reference=reference))["verdict"])


@pytest.mark.parametrize("provider", FAMILIES)
def test_a_verdict_is_one_line_of_json_that_says_it_is_simulated(provider: str) -> None:
    line = reply(provider, GOOD, BAD)
    assert "\n" not in line
    assert set(json.loads(line)) == {"reason", "verdict"}
    assert "Simulated judge" in json.loads(line)["reason"]


@pytest.mark.parametrize("provider", FAMILIES)
@pytest.mark.parametrize("reference", [True, False], ids=["with reference", "without reference"])
@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        pytest.param(GOOD, BAD, "A", id="the first is better"),
        pytest.param(BAD, GOOD, "B", id="the second is better"),
        pytest.param(GOOD, GOOD, "TIE", id="the same twice"),
        pytest.param("", "", "TIE", id="two empty answers"),
        pytest.param("", GOOD, "B", id="an empty answer loses"),
    ],
)
def test_both_families_decide_clear_cases_in_the_same_way(
    provider: str, reference: bool, a: str, b: str, expected: str
) -> None:
    assert verdict(provider, a, b, reference=reference) == expected


def test_a_reference_takes_precedence_over_the_document() -> None:
    row = {"doc": DOCUMENT, "question": QUESTION, "answer": BAD}
    assert verdict("anthropic", BAD, GOOD, row=row) == "A"
    assert verdict("anthropic", BAD, GOOD, row=row, reference=False) == "B"


def test_padding_an_answer_turns_a_tie_into_a_loss() -> None:
    padded = f"{GOOD} {' '.join(DOCUMENT.split() * 10)}"
    assert verdict("meta", GOOD, padded) == "A"


def real_pairs() -> list[tuple[dict[str, str], str, str]]:
    """Pair the base model's answer with half the reference, and with the answer to another question."""
    rows = sample_rows("evaluation.csv", 60)
    quoted = [quote_answer(read_document(row["doc"]), row["question"], None) for row in rows]
    halves = [(row, own, row["answer"][: len(row["answer"]) // 2]) for row, own in zip(rows, quoted, strict=True)]
    others = [(row, own, other) for row, own, other in zip(rows, quoted, quoted[1:] + quoted[:1], strict=True)]
    return halves + others


@pytest.mark.parametrize("provider", FAMILIES)
def test_order_does_not_matter_on_real_pairs(provider: str) -> None:
    seen = set()
    for row, first, second in real_pairs():
        shown = verdict(provider, first, second, row=row)
        assert verdict(provider, second, first, row=row) == SWAPPED[shown]
        seen.add(shown)
    assert {"A", "B"} <= seen


@given(st.sampled_from(FAMILIES), st.booleans(), st.text(max_size=80), st.text(max_size=80))
def test_order_does_not_matter_on_any_text(provider: str, reference: bool, a: str, b: str) -> None:
    shown = verdict(provider, a, b, reference=reference)
    assert verdict(provider, b, a, reference=reference) == SWAPPED[shown]


def test_the_two_families_mostly_agree_and_sometimes_disagree() -> None:
    pairs = real_pairs()
    agreed = sum(verdict("anthropic", a, b, row=row) == verdict("meta", a, b, row=row) for row, a, b in pairs)
    assert len(pairs) / 2 < agreed < len(pairs)
