"""Compare the simulated critic with the grounding filter, on real answers, changed answers and other rows' answers."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from include.distill.config.prompts import load_prompt
from include.distill.curation.grounding import GroundingScorer
from include.distill.dataset.records import RowTexts
from include.distill.inference.verdict_parsing import parse_grounding
from tools.aws_simulator.models.critic import check_grounding

_NUMBER = re.compile(r"\d+")
_ADDED = 7919  # large and prime, so that a document is unlikely to contain the changed number


def compare_with_critic(
    rows: Sequence[RowTexts], *, seed: int, min_grounding: float
) -> Iterator[tuple[str, int, int, int]]:
    """
    For each set of answers, yield its name, its size, and how many answers the filter and the critic keep.

    :param min_grounding: minimum grounding of an answer that is kept, 0 to 1.
    """
    draw = random.Random(seed)
    others = [draw.choice([one for one in rows if one["document"] != row["document"]]) for row in rows]
    answers_by_case = {
        "its own document": [(row["document"], row["answer"]) for row in rows],
        "another row's document": [(other["document"], row["answer"]) for row, other in zip(rows, others, strict=True)],
        "its own document, after one number in the answer was changed": [
            (row["document"], changed) for row in rows if (changed := _with_changed_number(row["answer"], draw))
        ],
    }
    for name, answers in answers_by_case.items():
        grounded = sum(GroundingScorer(document).score(answer) >= min_grounding for document, answer in answers)
        accepted = sum(_is_accepted_by_critic(document, answer) for document, answer in answers)
        yield name, len(answers), grounded, accepted


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
