"""
Propose rewritten prompt templates, as the simulated rewriter of a prompt optimization job.

The rewriter adds instructions to a template, and changes nothing else, so the template keeps its placeholders. It knows
a few instructions, whatever the answers are. A real rewriter reads the answers and the judge's texts, and writes a new
text. So the tokens of these texts are billed here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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


def propose(template: str, instruction: str, judged: Iterable[str]) -> Proposal:
    """Add an instruction to a template.

    :param judged: the answers to the template and the judge's texts about them, for which the rewriter is billed.
    """
    heading = "" if HEADING in template else HEADING
    rewritten = f"{template.rstrip()}{heading}\n- {instruction}"
    asked = "\n".join(["Rewrite this prompt template, so that its answers get better.", template, *judged])
    return Proposal(rewritten, count_tokens(asked), count_tokens(rewritten))
