"""State the verdict of a report in one sentence, based on the comparisons of the first pair of arms."""

from __future__ import annotations

from collections.abc import Sequence

from include.distill.evaluation.comparisons import LARGEST_CLUSTER_SHARE, MINIMUM_CLUSTERS, MINIMUM_QUESTIONS
from include.distill.evaluation.records import ComparisonResult, Finding
from include.distill.report.tables import headline_comparisons


def verdict_sentence(comparisons: Sequence[ComparisonResult]) -> str:
    """Return the verdict on the first pair of arms in one sentence, with its uncertainty."""
    claim, evidence = verdict_parts(comparisons)
    return f"{claim}: {'; '.join(evidence)}."


def verdict_parts(comparisons: Sequence[ComparisonResult]) -> tuple[str, list[str]]:
    """Return the two parts of :func:`verdict_sentence`: the claim, and the evidence from each judge."""
    if not comparisons:
        return "No verdict", ["no answers were compared"]
    candidate, baseline = comparisons[0]["candidate"], comparisons[0]["baseline"]
    pair = headline_comparisons(comparisons)
    findings = [entry["finding"] for entry in pair]
    if "too_few" in findings:
        return _too_few(pair), [_evidence(entry) for entry in pair]
    if "unreadable" in findings:
        return f"No verdict on {candidate} and {baseline}: {_unreadable(pair)}", [_evidence(entry) for entry in pair]
    # If no judge found a clear difference, the claim already says that the differences could be chance.
    any_sure = set(findings) != {"unclear"}
    evidence = [_evidence(entry, could_be_chance=any_sure and entry["finding"] == "unclear") for entry in pair]
    return _claim(candidate, baseline, findings), evidence


def _too_few(pair: Sequence[ComparisonResult]) -> str:
    candidate, baseline = pair[0]["candidate"], pair[0]["baseline"]
    questions, documents = min(entry["n"] for entry in pair), min(entry["clusters"] for entry in pair)
    if questions < MINIMUM_QUESTIONS or documents < MINIMUM_CLUSTERS:
        return (
            f"The sample is too small for a verdict on {candidate} and {baseline} ({questions} questions about"
            f" {documents} documents; at least {MINIMUM_QUESTIONS} and {MINIMUM_CLUSTERS} are needed)"
        )
    largest = max(entry["largest_cluster_share"] or 0.0 for entry in pair)
    return (
        f"The sample is too uneven for a verdict on {candidate} and {baseline} ({largest:.0%} of the questions are"
        f" about one document; at most {LARGEST_CLUSTER_SHARE:.0%} are allowed)"
    )


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
