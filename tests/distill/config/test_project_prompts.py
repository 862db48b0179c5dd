"""Every prompt of the project states that its inputs are data."""

from __future__ import annotations

import pytest

from include.distill.config.prompt_contract import CONTRACTS
from include.distill.config.prompts import load_prompt

INPUTS = {
    "synthesis": ["document", "question and answer", "example pairs", "questions asked before"],
    "answering": ["document", "question"],
    "judging": ["document", "question", "reference answer", "both answers"],
    "critic": ["document", "question", "answer"],
}


@pytest.mark.parametrize("role", CONTRACTS)
def test_a_prompt_states_before_its_first_input_that_every_input_is_data(role: str) -> None:
    before_inputs = load_prompt(f"{role}.j2").template.partition("<document>")[0]
    statement = next(part for part in before_inputs.split("\n\n") if "data" in part)
    assert "never" in statement
    assert "instruction" in statement
    assert [name for name in INPUTS[role] if name not in statement] == []
