"""Build ``report.json``, and state its verdict in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Unpack

from include.distill.evaluation.comparisons import (
    MAX_UNPARSABLE_SHARE,
    MINIMUM_CLUSTERS,
    MINIMUM_QUESTIONS,
    compare_all,
)
from include.distill.evaluation.records import ComparisonResult, Finding, PromotionRecord, Verdict
from include.distill.report.records import Report, ReportParts
from include.distill.report.schema import check_report

SIMULATED_NOTICE = (
    "SIMULATED: a small simulated model took the place of every model in this run. The figures say nothing about real"
    " models."
)


def build_report(
    *,
    verdicts: Iterable[Iterable[Verdict]],
    clusters: Mapping[str, str],
    max_unparsable_share: float = MAX_UNPARSABLE_SHARE,
    noise_control: Iterable[Iterable[Verdict]] = (),
    promote: Callable[[Sequence[ComparisonResult]], PromotionRecord] | None = None,
    **parts: Unpack[ReportParts],
) -> Report:
    """
    Return the contents of ``report.json``, with every sum checked.

    :param verdicts: one list per judge and pair of arms, the pair of the verdict first.
    :param clusters: document group of each evaluation row id.
    :param max_unparsable_share: share of unparsable questions above which a judge gives no finding.
    :param noise_control: verdicts on an arm against itself, one list per judge; in no correction and no verdict.
    :param promote: applies the promotion rule to the comparisons.
    :param parts: the parts of the report that are taken as they are.
    :raises ReconciliationError: figures do not add up; names each of them.
    """
    comparisons = compare_all(verdicts, clusters, max_unparsable_share=max_unparsable_share)
    judged = {
        "comparisons": comparisons,
        "noise_control": compare_all(noise_control, clusters, max_unparsable_share=max_unparsable_share),
        "verdict": verdict_sentence(comparisons),
    }
    promotion = {"promotion": promote(comparisons)} if promote else {}
    return check_report({**parts, **judged, **promotion})


def verdict_sentence(comparisons: Sequence[ComparisonResult]) -> str:
    """Return the verdict on the first pair of arms in one sentence, with its uncertainty."""
    claim, evidence = verdict_parts(comparisons)
    return f"{claim}: {'; '.join(evidence)}."


def verdict_parts(comparisons: Sequence[ComparisonResult]) -> tuple[str, list[str]]:
    """Return the two halves of :func:`verdict_sentence`: the claim, and the evidence of each judge."""
    if not comparisons:
        return "No verdict", ["no answers were compared"]
    candidate, baseline = comparisons[0]["candidate"], comparisons[0]["baseline"]
    pair = [entry for entry in comparisons if (entry["candidate"], entry["baseline"]) == (candidate, baseline)]
    findings = [entry["finding"] for entry in pair]
    if "too_few" in findings:
        return _too_few(pair), [_evidence(entry) for entry in pair]
    if "unreadable" in findings:
        return f"No verdict on {candidate} and {baseline}: {_unreadable(pair)}", [_evidence(entry) for entry in pair]
    # When no judge is sure, the claim says so already.
    any_sure = set(findings) != {"unclear"}
    evidence = [_evidence(entry, could_be_chance=any_sure and entry["finding"] == "unclear") for entry in pair]
    return _claim(candidate, baseline, findings), evidence


def _too_few(pair: Sequence[ComparisonResult]) -> str:
    candidate, baseline = pair[0]["candidate"], pair[0]["baseline"]
    questions, documents = min(entry["n"] for entry in pair), min(entry["clusters"] for entry in pair)
    size = f"{questions} questions about {documents} documents; needed {MINIMUM_QUESTIONS} and {MINIMUM_CLUSTERS}"
    if questions >= MINIMUM_QUESTIONS and documents >= MINIMUM_CLUSTERS:
        largest = max(entry["largest_cluster_share"] or 0.0 for entry in pair)
        size = f"{largest:.0%} of the questions are about one document"
    return f"Too few questions for a verdict on {candidate} and {baseline} ({size})"


def _unreadable(pair: Sequence[ComparisonResult]) -> str:
    withheld = [entry for entry in pair if entry["finding"] == "unreadable"]
    return "; ".join(
        f"{entry['unparsable']} of {entry['n']} verdicts of {entry['judge']} could not be read" for entry in withheld
    )


def _claim(candidate: str, baseline: str, findings: Sequence[Finding]) -> str:
    clear = set(findings) - {"unclear"}
    if not clear:
        return f"No difference between {candidate} and {baseline} beyond chance"
    if len(clear) == 2:
        return f"The judges contradict each other on {candidate} and {baseline}"
    word = "better" if clear == {"candidate"} else "worse"
    sure = len(findings) - findings.count("unclear")
    return f"{candidate} is {word} than {baseline} for {_judges(sure, len(findings))}"


def _judges(sure: int, total: int) -> str:
    if sure < total:
        return f"{sure} of {total} judges"
    return {1: "the only judge", 2: "both judges"}.get(total, f"all {total} judges")


def _evidence(comparison: ComparisonResult, *, could_be_chance: bool = False) -> str:
    decided, interval = comparison["wins"] + comparison["losses"], comparison["preference_ci95"]
    if not decided or interval is None:
        return f"{comparison['judge']} decided none of {comparison['n']} questions"
    return (
        f"{comparison['judge']} preferred {comparison['candidate']} in {comparison['preference']:.0%} "
        f"of {decided} decided questions (95% CI {100 * interval[0]:.0f}–{100 * interval[1]:.0f}%)"
        f"{', which could be chance' if could_be_chance else ''}"
    )
