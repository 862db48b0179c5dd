"""What the simulated critic finds that the measured overlap does not: answers of other rows, a number exchanged."""

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
_MORE = 7919  # what is added to a number, so that no document has the sum by chance


def criticised(rows: Sequence[Record], *, seed: int, least: float) -> Iterator[tuple[str, int, int, int]]:
    """
    Yield what was tried, how many answers that are, and how many the overlap and the critic keep.

    :param least: the overlap from which an answer is kept.
    """
    draw = random.Random(seed)
    others = [draw.choice([one for one in rows if one["document"] != row["document"]]) for row in rows]
    tried = {
        "own document": [(row["document"], row["answer"]) for row in rows],
        "another row's document": [(other["document"], row["answer"]) for row, other in zip(rows, others, strict=True)],
        "own document, one number exchanged": [
            (row["document"], exchanged) for row in rows if (exchanged := _exchanged(row["answer"], draw))
        ],
    }
    for name, answers in tried.items():
        overlap = sum(GroundingScorer(document).score(answer) >= least for document, answer in answers)
        yield name, len(answers), overlap, sum(_is_grounded(document, answer) for document, answer in answers)


def _exchanged(answer: str, draw: random.Random) -> str | None:
    """Return the answer with one of its numbers exchanged, ``None`` when it has none."""
    numbers = list(_NUMBER.finditer(answer))
    if not numbers:
        return None
    chosen = draw.choice(numbers)
    return f"{answer[: chosen.start()]}{int(chosen.group()) + _MORE}{answer[chosen.end() :]}"


def _is_grounded(document: str, answer: str) -> bool:
    prompt = load_prompt("critic.j2").render(document=document, question="", answer=answer)
    return parse_grounding(check_grounding(prompt)) == "grounded"
