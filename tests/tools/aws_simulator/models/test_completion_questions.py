from __future__ import annotations

import pytest

from tools.aws_simulator.models.completion_questions import completion_questions
from tools.aws_simulator.models.text import read_document


def questions(text: str) -> list[str]:
    return [made.question for made in completion_questions(read_document(text))]


@pytest.mark.parametrize(
    ("document", "asked"),
    [
        ("Rinse the rice in cold water.", ["Rinse the rice in …?", "… in cold water?"]),
        ("1. Knead the dough.\n2. Bake it well.", ["Knead the …?", "… dough?", "Bake it …?", "… well?"]),
        ("Resturlaub verfällt am 31. März.", ["Resturlaub verfällt am …?", "… 31. März?"]),
        ("申請は月曜日に提出します。", ["申請は月曜日に提 …?", "… に提出します?"]),
        ("दुकान सुबह नौ बजे खुलती है।", ["दुकान सुबह नौ बजे …?", "… बजे खुलती है?"]),
        ("Wie lange kocht der Reis? Er kocht zwölf Minuten.", ["Wie lange kocht der Reis?"]),
        ("متى يفتح المتجر؟ في الساعة التاسعة صباحا.", ["متى يفتح المتجر؟"]),
        ("Cooking rice\nRinse it in water.", ["Rinse it …?", "… in water?"]),
        ("Doc 1: Cooking rice. Rinse it in water.", ["Rinse it …?", "… in water?"]),
        ("Do this: Rinse it well.", ["Do this: Rinse …?", "… it well?"]),
        ("The steps are as follows:", []),
        ("It is so. Hello.", []),
        ("{[}]=<> \\ _ | {x}", []),
        ("", []),
    ],
)
def test_the_beginning_and_the_end_of_a_statement_are_questions(document: str, asked: list[str]) -> None:
    assert questions(document) == asked


def test_a_long_sentence_is_not_repeated_whole_in_its_question() -> None:
    opening, ending = questions(" ".join(f"word{number}" for number in range(60)) + ".")
    assert opening == f"{' '.join(f'word{number}' for number in range(12))} …?"
    assert ending == f"… {' '.join(f'word{number}' for number in range(48, 60))}?"
