"""
Measure the grounding check on hand-written answers: ``python -m tools.curation_report.grounding_rates FOLDER PART``.

The folder contains the sets ``<part>_<language>.jsonl`` and ``documents_<language>.jsonl``. Every answer has a kind, a
language, and the label ``faithful`` or ``unfaithful``. For each kind, the command prints how many answers are kept,
undecided and dropped, and the 95 % interval (Wilson) of each share. It does not call a model.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from include.distill.core.errors import InputError
from include.distill.grounding.check import OUTCOMES, GroundingCheck, Outcome
from include.distill.stats.intervals import wilson_interval

PARTS = ("calibration", "test", "held_out")
"""The parts of the hand-written set. The check was tuned on the first two; the third is used only to measure it."""


@dataclass(frozen=True)
class LabeledAnswer:
    """A hand-written answer. ``label`` says whether the document supports it."""

    kind: str
    label: str
    language: str
    document: str
    question: str
    answer: str


def read_answers(folder: Path, part: str) -> list[LabeledAnswer]:
    """
    Read all labeled answers of one part.

    :param part: one of :data:`PARTS`.
    :raises InputError: the folder has no answers of this part, or one of its files is not a set of answers.
    """
    documents = {
        record["document_id"]: record["text"]
        for path in sorted(folder.glob("documents_*.jsonl"))
        for record in _records(path)
    }
    answers: list[LabeledAnswer] = []
    for path in sorted(folder.glob(f"{part}_*.jsonl")):
        answers += [
            LabeledAnswer(
                record["kind"],
                record["label"],
                record["language"],
                documents[record["document_id"]],
                record["question"],
                record["answer"],
            )
            for record in _records(path)
        ]
    if not answers:
        message = (
            f"{folder} has no file {part}_*.jsonl with answers. Nothing was measured."
            " Pass the folder that contains the sets of answers."
        )
        raise InputError(message)
    return answers


def _records(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield json.loads(line)
            except ValueError as error:
                message = f"{path} line {number} is not JSON ({error}). Nothing was measured. Correct the file."
                raise InputError(message) from error


def count_outcomes(answers: Sequence[LabeledAnswer]) -> dict[tuple[str, str, str], Counter[Outcome]]:
    """Count the outcomes by label, kind and language. The language ``all`` stands for the sum over the languages."""
    checks: dict[str, GroundingCheck] = {}
    counts: dict[tuple[str, str, str], Counter[Outcome]] = {}
    for one in answers:
        check = checks.setdefault(one.document, GroundingCheck(one.document))
        outcome = check.check(one.answer, one.question).outcome
        for language in ("all", one.language):
            counts.setdefault((one.label, one.kind, language), Counter())[outcome] += 1
    return dict(sorted(counts.items()))


def rate(count: int, total: int) -> str:
    """Return a share with its 95 % interval, in percent."""
    interval = wilson_interval(count, total)
    bounds = f" ({interval[0]:.1%} to {interval[1]:.1%})" if interval else ""
    return f"{count / total:.1%}{bounds}"


def rate_table(counts: dict[tuple[str, str, str], Counter[Outcome]]) -> Iterator[str]:
    """Yield the lines of a table in Markdown, one line per label, kind and language."""
    yield "| label | kind | language | answers | kept | undecided | dropped | share undecided | share dropped |"
    yield "|---|---|---|---:|---:|---:|---:|---:|---:|"
    for (label, kind, language), outcomes in counts.items():
        total = outcomes.total()
        numbers = " | ".join(str(outcomes[outcome]) for outcome in OUTCOMES)
        shares = f"{rate(outcomes['undecided'], total)} | {rate(outcomes['dropped'], total)}"
        yield f"| {label} | {kind.replace('_', ' ')} | {language} | {total} | {numbers} | {shares} |"


def main() -> int:
    """Print the table of kept, undecided and dropped answers by kind. Return 2 if the answers cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m tools.curation_report.grounding_rates", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("part", choices=PARTS)
    options = parser.parse_args()
    try:
        answers = read_answers(options.folder, options.part)
    except (InputError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for line in rate_table(count_outcomes(answers)):
        sys.stdout.write(f"{line}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
