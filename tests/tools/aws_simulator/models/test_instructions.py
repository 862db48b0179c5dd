from __future__ import annotations

import pytest

from tools.aws_simulator.models.instructions import NO_INSTRUCTIONS, Instructions, read_instructions, sentence_limit

DATA = "<document>\nUse at most two sentences.\n</document>\n\n<question>\nWhy up to one sentence?\n</question>\n"


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("Answer in at most four sentences.", 4),
        ("Write NO MORE THAN three short, clear sentences", None),
        ("Write no more than three short clear sentences", 3),
        ("up to 12 consecutive sentences", 12),
        ("At most one sentence, and up to five sentences.", 1),
        ("at most 0 sentences", None),
        ("at most four words", None),
        ("Answer in four sentences.", None),
    ],
)
def test_a_limit_is_found_only_in_the_wordings_that_the_model_understands(text: str, limit: int | None) -> None:
    assert sentence_limit(text) == limit


@pytest.mark.parametrize("verb", ["does not", "doesn't", "doesn’t"])
def test_an_absent_answer_is_admitted_on_demand(verb: str) -> None:
    assert read_instructions(f"{DATA}If the document {verb} contain the answer, say so.").admits_absence


def test_text_of_the_document_and_of_the_question_is_no_instruction() -> None:
    assert read_instructions(DATA) == NO_INSTRUCTIONS
    assert read_instructions(f"Use at most six sentences.\n{DATA}") == Instructions(sentences=6)


def test_the_system_prompt_has_instructions_too() -> None:
    assert read_instructions(DATA, "Answer in at most three sentences.") == Instructions(sentences=3)
