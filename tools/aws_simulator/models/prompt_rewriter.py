"""
Propose rewritten prompt templates, as the simulated rewriter of a prompt optimization job.

The rewriter adds instructions to a template, and changes nothing else, so the template keeps its placeholders. It knows
a few instructions and does not read the answers. A real rewriter writes a new text from the answers and their scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.aws_simulator.models.text import count_tokens

HEADING = "\n\nFollow these instructions:"
# Each round proposes alternatives. The best one is kept if it is better than the template without it.
_ROUNDS = (
    (
        "Answer with at most six consecutive sentences of the document.",
        "Answer with at most four consecutive sentences of the document.",
        "Answer with at most two consecutive sentences of the document.",
    ),
    ("If the document does not contain the answer, say so.",),
    ("Answer only from the document, and add nothing of your own.",),
)


@dataclass(frozen=True)
class Proposal:
    """A rewritten template, and the tokens to bill for the rewriter."""

    template: str
    input_tokens: int
    output_tokens: int


def rounds(criteria: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the instructions that each round proposes.

    :param criteria: the steering criteria of the caller. The first round proposes all of them together.
    """
    if criteria:
        yield ("\n- ".join(criterion.strip() for criterion in criteria),)
    yield from _ROUNDS


def propose(template: str, instruction: str, score: float) -> Proposal:
    """Add an instruction to a template.

    :param score: the mean score of the answers to the template.
    """
    heading = "" if HEADING in template else HEADING
    rewritten = f"{template.rstrip()}{heading}\n- {instruction}"
    asked = f"Rewrite this prompt template. Its answers have the score {score:.2f}.\n{template}"
    return Proposal(rewritten, count_tokens(asked), count_tokens(rewritten))
