"""Say in the report whether training achieved more than an optimized prompt, and word the figures of such prompts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from include.distill.evaluation.withheld_verdicts import confirmed_finding, reason_to_withhold
from include.distill.report.chance_reasons import chance_reasons, judges_disagree
from include.distill.report.verdict_sentence import judges_phrase

if TYPE_CHECKING:
    from include.distill.evaluation.records import ComparisonResult
    from include.distill.report.records import ReportArm

_TRAINED = ("fine_tuned", "distilled")
_NOT_SHOWN = "This run does not show whether training was needed"


def training_sentences(
    comparisons: Sequence[ComparisonResult], arms: Iterable[ReportArm], judges: Collection[str] = ()
) -> list[str]:
    """
    Say whether training was needed, in one sentence for each trained arm that was compared with an optimized prompt.

    A sentence makes a claim only if every judge finds the same arm better. A judge finds an arm better only if the
    interval of the half-win rate excludes one half, and the p-value, corrected for all comparisons of the report, is
    below 0.05. Otherwise the sentence says which condition is not met, and for which judge.

    :param judges: all judges of the use case. There is no claim if one of them did not compare the two arms.
    :return: an empty list if no arm has an optimized prompt.
    """
    arms = list(arms)
    trained = [arm["name"] for arm in arms if arm["kind"] in _TRAINED]
    return [
        sentence
        for arm in arms
        if arm.get("prompt")
        for sentence in _sentences(comparisons, trained, arm["name"], judges)
    ]


def _sentences(
    comparisons: Sequence[ComparisonResult], trained: Sequence[str], prompted: str, judges: Collection[str]
) -> list[str]:
    by_arm = {arm: [c for c in comparisons if {c["candidate"], c["baseline"]} == {arm, prompted}] for arm in trained}
    compared = [_sentence(arm, prompted, entries, judges) for arm, entries in by_arm.items() if entries]
    return compared or [f"{_NOT_SHOWN}, because no trained arm was compared with {prompted}."]


def _sentence(trained: str, prompted: str, entries: Sequence[ComparisonResult], judges: Collection[str]) -> str:
    if withheld := reason_to_withhold(entries, judges):
        return f"{_NOT_SHOWN}. {withheld}."
    better = list(_better_arms(entries))
    found = {arm for arm in better if arm}
    if len(found) == 2:
        return f"{_NOT_SHOWN}, because the judges contradict each other on {trained} and {prompted}."
    if None in better:
        return f"{_NOT_SHOWN}, because {_doubt(trained, prompted, entries, better)}."
    phrase = judges_phrase(len(better), len(better))
    if trained in found:
        return (
            f"Yes: for {phrase}, {trained} gave better answers than {prompted}, which has an optimized prompt but no"
            " training."
        )
    return f"No: for {phrase}, {prompted} gave better answers than {trained}, although it was not trained."


def _doubt(trained: str, prompted: str, entries: Sequence[ComparisonResult], better: Sequence[str | None]) -> str:
    """Return a clause that says why not all judges found one arm better, with the reason of each judge in doubt."""
    reasons = chance_reasons(entry for entry, arm in zip(entries, better, strict=True) if arm is None)
    if sure := len(better) - better.count(None):
        return (
            f"only {judges_phrase(sure, len(better))} found a difference between {trained} and {prompted} that chance"
            f" does not explain: {reasons}"
        )
    if judges_disagree(entries):
        return f"the judges disagree on {trained} and {prompted}, and each difference could be chance: {reasons}"
    return f"the difference between {trained} and {prompted} could be chance: {reasons}"


def _better_arms(entries: Iterable[ComparisonResult]) -> Iterator[str | None]:
    """Yield for each judge the arm that it finds better; ``None`` if the difference could be chance."""
    for entry in entries:
        finding = confirmed_finding(entry)
        yield entry["candidate"] if finding == "candidate" else entry["baseline"] if finding == "baseline" else None


def token_count(mean: float | None) -> str:
    """Return a mean number of tokens without decimals."""
    return "–" if mean is None else f"{mean:,.0f}"
