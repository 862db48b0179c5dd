from __future__ import annotations

from tools.aws_simulator.models.instructions import read_instructions
from tools.aws_simulator.models.prompt_rewriter import HEADING, propose, rounds
from tools.aws_simulator.models.text import count_tokens

TEMPLATE = "<document>\n{{document}}\n</document>\n\n<question>\n{{question}}\n</question>\n"


def test_a_rewritten_template_keeps_the_text_and_ends_with_the_instructions() -> None:
    once = propose(TEMPLATE, "Be short.", [])
    twice = propose(once.template, "Be kind.", [])
    assert twice.template == f"{TEMPLATE.rstrip()}{HEADING}\n- Be short.\n- Be kind."
    assert once.output_tokens == count_tokens(once.template)


def test_the_rewriter_is_billed_for_the_answers_and_the_texts_of_the_judge() -> None:
    without, read = (propose(TEMPLATE, "Be short.", judged) for judged in ([], ["Up to 1,000.", "Two points."]))
    assert without.input_tokens > count_tokens(TEMPLATE)
    assert read.input_tokens - without.input_tokens == count_tokens("Up to 1,000.\nTwo points.")
    assert read.template == without.template


def test_the_criteria_of_the_caller_are_proposed_first() -> None:
    first, *others = rounds(["Be short. ", "Be kind."])
    assert propose("Say {{word}}.", first[0], []).template == f"Say {{{{word}}}}.{HEADING}\n- Be short.\n- Be kind."
    assert others == list(rounds([]))


def test_the_student_understands_the_instructions_about_length_and_absence() -> None:
    lengths, absence, others = rounds([])
    assert [read_instructions(text).sentences for text in lengths] == [6, 4, 2]
    assert [read_instructions(text).admits_absence for text in absence] == [True]
    assert [read_instructions(text).admits_absence for text in others] == [False]
