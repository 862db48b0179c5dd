"""State the verdict of a report in one sentence, based on the comparisons of the first pair of arms."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from include.distill.evaluation.records import ComparisonResult, Finding
from include.distill.evaluation.withheld_verdicts import confirmed_finding, reason_to_withhold
from include.distill.report.chance_reasons import chance_reason, excludes_one_half, judges_disagree
from include.distill.report.records import ReportArm
from include.distill.report.tables import headline_comparisons


def verdict_sentence(
    comparisons: Sequence[ComparisonResult], judges: Collection[str] = (), arms: Iterable[ReportArm] = ()
) -> str:
    """Return the verdict on the first pair of arms in one sentence, with its uncertainty."""
    claim, evidence = verdict_parts(comparisons, judges, arms)
    return f"{claim}: {'; '.join(evidence)}."


def verdict_parts(
    comparisons: Sequence[ComparisonResult], judges: Collection[str] = (), arms: Iterable[ReportArm] = ()
) -> tuple[str, list[str]]:
    """
    Return the two parts of :func:`verdict_sentence`: the claim, and the evidence.

    The evidence is a list of phrases. There is one phrase for each judge's opinion, one if the base student gives the
    answers of a champion arm in the pair, one for each arm of the pair with an optimized prompt, and one for each arm
    that was trained on fewer records than the use case requests.

    :param judges: all judges of the use case. There is no verdict if one of them did not compare the pair of arms.
    """
    claim, evidence = _claim_and_opinions(comparisons, judges)
    arms = list(arms)
    pair = {comparisons[0]["candidate"], comparisons[0]["baseline"]} if comparisons else set()
    no_champion = [
        f"there was no champion yet, so the answers of the arm {arm['name']} came from the base student"
        for arm in arms
        if arm.get("base_student_answers") and arm["name"] in pair
    ]
    optimized = [
        f"{arm['name']} is the base student with a prompt that Bedrock optimized"
        for arm in arms
        if arm.get("prompt") and arm["name"] in pair
    ]
    return claim, [*evidence, *no_champion, *optimized, *_smaller_training_sets(arms)]


def _smaller_training_sets(arms: Iterable[ReportArm]) -> Iterator[str]:
    for arm in arms:
        records, designed = arm.get("records"), arm.get("designed")
        if records is not None and designed is not None and records < designed:
            yield (
                f"{arm['name']} was trained on only {records:,} of the {designed:,} records that the use case requests"
            )


def _claim_and_opinions(comparisons: Sequence[ComparisonResult], judges: Collection[str]) -> tuple[str, list[str]]:
    if not comparisons:
        return "No verdict", ["no answers were compared"]
    pair = headline_comparisons(comparisons)
    if withheld := reason_to_withhold(pair, judges):
        return withheld, [_evidence(entry) for entry in pair]
    findings = [confirmed_finding(entry) for entry in pair]
    # If no judge found a clear difference, the claim already says that the differences could be chance.
    any_sure = set(findings) != {"unclear"}
    evidence = [
        _evidence(entry) + (_doubt(entry, any_sure=any_sure) if finding == "unclear" else "")
        for entry, finding in zip(pair, findings, strict=True)
    ]
    return _claim(pair, findings), evidence


def _claim(pair: Sequence[ComparisonResult], findings: Sequence[Finding]) -> str:
    candidate, baseline = pair[0]["candidate"], pair[0]["baseline"]
    clear = set(findings) - {"unclear"}
    if not clear and judges_disagree(pair):
        return f"The judges disagree on {candidate} and {baseline}, and no difference is beyond chance"
    if not clear:
        return f"No difference between {candidate} and {baseline} beyond chance"
    if len(clear) == 2:
        return f"The judges contradict each other on {candidate} and {baseline}"
    word = "better" if clear == {"candidate"} else "worse"
    sure = len(findings) - findings.count("unclear")
    return f"{candidate} is {word} than {baseline} for {judges_phrase(sure, len(findings))}"


def judges_phrase(sure: int, total: int) -> str:
    """Return how many of all judges are sure, such as "both judges"."""
    if sure < total:
        return f"{sure} of {total} judges"
    return {1: "the only judge", 2: "both judges"}.get(total, f"all {total} judges")


def _evidence(comparison: ComparisonResult) -> str:
    decided, interval = comparison["wins"] + comparison["losses"], comparison["preference_ci95"]
    if not decided or interval is None:
        return f"{comparison['judge']} decided none of {comparison['n']} questions"
    return (
        f"{comparison['judge']} preferred {comparison['candidate']} in {comparison['preference']:.0%} "
        f"of {decided} decided questions (95% CI {100 * interval[0]:.0f}–{100 * interval[1]:.0f}%)"
    )


def _doubt(comparison: ComparisonResult, *, any_sure: bool) -> str:
    """Return that a difference could be chance, with the reason if the interval in the sentence does not show it."""
    if comparison["preference_ci95"] is None:
        return ""
    if excludes_one_half(comparison["preference_ci95"]):
        return f", which could be chance, because {chance_reason(comparison)}"
    return ", which could be chance" if any_sure else ""
