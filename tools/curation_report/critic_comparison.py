"""Compare the simulated critic with the grounding check: on real answers, changed answers and other rows' answers."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from include.distill.config.prompts import load_prompt
from include.distill.dataset.records import RowTexts
from include.distill.grounding.check import OUTCOMES, GroundingCheck
from include.distill.inference.verdict_parsing import parse_grounding
from tools.aws_simulator.models.critic import check_grounding

_NUMBER = re.compile(r"\d+")
_ADDED = 7919  # large and prime, so that a document is unlikely to contain the changed number


def compare_with_critic(rows: Sequence[RowTexts], *, seed: int) -> Iterator[tuple[str | int, ...]]:
    """Yield one table row per set of answers.

    A row has the set's name, its size, the number of answers with each outcome of the grounding check, and the number
    of answers that the critic keeps.
    """
    draw = random.Random(seed)
    others = [draw.choice([one for one in rows if one["document"] != row["document"]]) for row in rows]
    cases: dict[str, list[tuple[RowTexts, str]]] = {
        "its own document": [(row, row["answer"]) for row in rows],
        "another row's document": [
            (_with_document(row, other["document"]), row["answer"]) for row, other in zip(rows, others, strict=True)
        ],
        "its own document, after one number in the answer was changed": [
            (row, changed) for row in rows if (changed := _with_changed_number(row["answer"], draw))
        ],
    }
    for name, answers in cases.items():
        outcomes = Counter(
            GroundingCheck(row["document"]).check(text, row["question"]).outcome for row, text in answers
        )
        accepted = sum(_is_accepted_by_critic(row["document"], text) for row, text in answers)
        yield name, len(answers), *(outcomes[outcome] for outcome in OUTCOMES), accepted


def _with_document(row: RowTexts, document: str) -> RowTexts:
    return {"document": document, "question": row["question"], "answer": row["answer"]}


def _with_changed_number(answer: str, draw: random.Random) -> str | None:
    """Return the answer with one of its numbers changed; None when it contains no number."""
    numbers = list(_NUMBER.finditer(answer))
    if not numbers:
        return None
    chosen = draw.choice(numbers)
    return f"{answer[: chosen.start()]}{int(chosen.group()) + _ADDED}{answer[chosen.end() :]}"


def _is_accepted_by_critic(document: str, answer: str) -> bool:
    prompt = load_prompt("critic.j2").render(document=document, question="", answer=answer)
    return parse_grounding(check_grounding(prompt)) == "grounded"
