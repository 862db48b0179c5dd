"""Say how many verdicts of a judge cannot be read, why, and what to change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from include.distill.evaluation.records import Verdict
from include.distill.inference.answer_endings import Ending, ending_of
from include.distill.inference.answer_store import StoredAnswer

_CAUSES: dict[Ending, str] = {
    "truncated": "cut off at judging.max_tokens",
    "complete": "complete, but not in the format that the prompt asks for",
    "unknown": "with an unknown stop reason",
}
_BOUGHT_AGAIN = "Then clear preflight with downstream; only requests that have changed are paid for again."


def explain_unreadable_verdicts(judged: Iterable[tuple[Verdict, Sequence[StoredAnswer]]], *, uri: str) -> str:
    """
    Return the number of unreadable verdicts, their causes and the remedy, as sentences; empty if all can be read.

    :param judged: the verdicts of one judge on one pair of arms, each with all of the judge's outputs.
    :param uri: the file that contains the verdicts.
    """
    endings: Counter[Ending] = Counter()
    judge, verdicts = "", 0
    for verdict, answers in judged:
        judge, verdicts = verdict["judge"], verdicts + 1
        if verdict["verdict"] == "unparsable" and answers:
            last = answers[-1].completion
            endings[ending_of(last.stop_reason, last.text)] += 1
    if not endings:
        return ""
    causes = ", ".join(f"{count} {_CAUSES.get(ending, ending)}" for ending, count in endings.most_common())
    remedy = (
        "Raise judging.max_tokens."
        if endings.most_common(1)[0][0] == "truncated"
        else f"Read the outputs in the field `raw` of {uri}, and change the prompt for judging, or use another judge."
    )
    return (
        f"{endings.total()} of {verdicts} verdicts of {judge} cannot be read (the judge's last outputs: {causes}). They"
        " count as unparsable. If the share of unparsable verdicts is above judging.max_unparsable_share, the report"
        " does not say which arm is better."
        f" {remedy} {_BOUGHT_AGAIN}"
    )
