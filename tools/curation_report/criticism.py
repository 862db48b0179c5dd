"""Compare the simulated critic with the measured overlap: on answers of other rows, and with one number changed."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from include.distill.config.prompts import load_prompt
from include.distill.core.storage import Record
from include.distill.curation.grounding import GroundingScorer
from include.distill.inference.output_parsing import parse_grounding
from tools.aws_simulator.models.critic import check_grounding

_NUMBER = re.compile(r"\d+")
_ADDED = 7919  # to a number, so that no document contains the sum by chance


def count_kept(rows: Sequence[Record], *, seed: int, min_grounding: float) -> Iterator[tuple[str, int, int, int]]:
    """
    Yield what the answers were compared with, how many answers there are, and how many overlap and critic keep.

    :param min_grounding: the overlap from which an answer is kept.
    """
    draw = random.Random(seed)
    others = [draw.choice([one for one in rows if one["document"] != row["document"]]) for row in rows]
    cases = {
        "own document": [(row["document"], row["answer"]) for row in rows],
        "another row's document": [(other["document"], row["answer"]) for row, other in zip(rows, others, strict=True)],
        "own document, one number changed": [
            (row["document"], changed) for row in rows if (changed := _change_number(row["answer"], draw))
        ],
    }
    for name, answers in cases.items():
        overlap = sum(GroundingScorer(document).score(answer) >= min_grounding for document, answer in answers)
        yield name, len(answers), overlap, sum(_is_grounded(document, answer) for document, answer in answers)


def _change_number(answer: str, draw: random.Random) -> str | None:
    """Return the answer with one of its numbers changed; None when it has no number."""
    numbers = list(_NUMBER.finditer(answer))
    if not numbers:
        return None
    chosen = draw.choice(numbers)
    return f"{answer[: chosen.start()]}{int(chosen.group()) + _ADDED}{answer[chosen.end() :]}"


def _is_grounded(document: str, answer: str) -> bool:
    prompt = load_prompt("critic.j2").render(document=document, question="", answer=answer)
    return parse_grounding(check_grounding(prompt)) == "grounded"
