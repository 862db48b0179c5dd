from __future__ import annotations

import json
from typing import Any

import pytest

from include.distill.config.prompt_loader import load_prompts
from include.distill.core.paths import PROJECT_ROOT
from include.distill.training.row_limits import RowLimits
from tests.distill.conftest import make_row, make_use_case
from tests.fakes.memory_store import MemoryStore

LINES = (PROJECT_ROOT / "tests" / "data" / "token_counts" / "llama3.jsonl").read_text("utf-8").splitlines()
BASE = {"name": "base", "kind": "base"}
TUNED = {"name": "tuned"}
PAIRS = {"name": "pairs", "originals": 0}


def limits(*arms: Any, student: str = "llama-3-1-8b", **settings: Any) -> RowLimits:
    use_case = make_use_case(student=student, arms=[BASE, *(arms or (TUNED,))], **settings)
    return RowLimits.from_use_case(use_case, load_prompts(use_case.prompts, MemoryStore())[1]["answering.j2"])


def text(kind: str, characters: int) -> str:
    """Return different texts of a kind, repeated up to a length."""
    texts = "\n".join(record["text"] for record in map(json.loads, LINES) if record["kind"] == kind)
    return (texts * (characters // len(texts) + 1))[:characters]


def column_of(row: Any, side: Any = "train", check: RowLimits | None = None) -> str | None:
    fault = (check or limits()).fault(row, side)
    assert fault is None or fault.reason == "too_long"
    return fault and fault.column


@pytest.mark.parametrize(
    ("kind", "fits", "too_long"),
    [("english", 44_000, 55_000), ("german", 24_000, 52_000), ("code", 24_000, 46_000), ("chinese", 10_000, 24_000),
     ("japanese", 12_000, 26_000)],
)  # fmt: skip
def test_a_training_row_must_fit_into_a_record_of_the_student(kind: str, fits: int, too_long: int) -> None:
    assert column_of(make_row(document=text(kind, fits))) is None
    assert column_of(make_row(document=text(kind, too_long))) == "document"
    assert column_of(make_row(answer=text(kind, too_long))) == "answer"


def test_the_message_says_how_long_the_row_is_what_is_allowed_and_what_to_do() -> None:
    fault = limits().fault(make_row(document=text("english", 55_000)), "train")  # type: ignore[arg-type]
    assert fault is not None
    assert "the student llama-3-1-8b allows 16,000 tokens in a record (https://" in fault.message
    assert fault.message.endswith("Shorten the document, or split the row.")


def test_the_limit_is_that_of_the_students_family() -> None:
    row = make_row(document=text("english", 55_000))
    assert column_of(row, check=limits(student="nova-micro")) is None
    assert column_of(row, check=limits(student="llama-3-1-8b")) == "document"


def test_if_only_pairs_are_trained_on_the_document_must_fit_with_the_shortest_pair() -> None:
    long_answer, long_document = make_row(answer=text("english", 55_000)), make_row(document=text("english", 55_000))
    assert column_of(long_answer, check=limits(PAIRS)) is None
    assert column_of(long_document, check=limits(PAIRS)) == "document"
    assert column_of(long_answer, check=limits(PAIRS, TUNED)) == "answer"
    # A row that is held out for validation becomes a record too.
    assert column_of(long_answer, check=limits(PAIRS, training={"validation_share": 0.2})) == "answer"


def test_an_evaluation_row_must_fit_into_the_students_context() -> None:
    assert column_of(make_row(document=text("english", 55_000)), "evaluation") is None
    assert column_of(make_row(document=text("chinese", 60_000)), "evaluation") is None
    assert column_of(make_row(document=text("chinese", 130_000)), "evaluation") == "document"
    assert column_of(make_row(answer=text("chinese", 130_000)), "evaluation") is None


def test_rows_that_certainly_fit_are_not_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    check = limits()
    monkeypatch.setattr("include.distill.training.row_limits.token_limit_count", lambda *_: pytest.fail("estimated"))
    assert column_of(make_row(document=text("english", 9_000)), check=check) is None
