"""
The report as data: ``report.json``, and what it says in one sentence.

What must hold in it is in :mod:`include.distill.report.schema`, how it looks in
:mod:`include.distill.report.html`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.distill.evaluation.comparisons import (
    MAX_UNPARSABLE_SHARE,
    MINIMUM_CLUSTERS,
    MINIMUM_QUESTIONS,
    compare_all,
)
from include.distill.report.schema import check_report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

SIMULATED_NOTICE = (
    "SIMULATED: every model of this run is a small simulated one; its figures say nothing about real models."
)


def build_report(
    *,
    verdicts: Iterable[Iterable[Mapping[str, Any]]],
    clusters: Mapping[str, str],
    max_unparsable_share: float = MAX_UNPARSABLE_SHARE,
    noise_control: Iterable[Iterable[Mapping[str, Any]]] = (),
    promote: Callable[[Sequence[Mapping[str, Any]]], Mapping[str, Any]] | None = None,
    **parts: Any,
) -> dict[str, Any]:
    """
    Return the contents of ``report.json``, every sum checked.

    :param verdicts: one list per judge and pair of arms, the pair of the headline first.
    :param clusters: document group of each evaluation row id.
    :param max_unparsable_share: a judge who is unreadable more often gives no finding.
    :param noise_control: verdicts on an arm against itself, one list per judge; in no correction and no verdict.
    :param promote: what the promotion rule says of the comparisons.
    :param parts: all others of :class:`include.distill.report.schema.Report`.
    :raises ReconciliationError: figures do not add up; names each place.
    """
    compared = {
        "comparisons": compare_all(verdicts, clusters, max_unparsable_share=max_unparsable_share),
        "noise_control": compare_all(noise_control, clusters, max_unparsable_share=max_unparsable_share),
    }
    promotion = {"promotion": promote(compared["comparisons"])} if promote else {}
    checked = check_report({**parts, **compared, **promotion})
    return {**checked, "verdict": verdict_sentence(checked)}


def verdict_sentence(report: Mapping[str, Any]) -> str:
    """Return the verdict on the first pair of arms in one sentence, with its uncertainty."""
    claim, evidence = verdict_parts(report)
    return f"{claim}: {'; '.join(evidence)}."


def verdict_parts(report: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the halves of :func:`verdict_sentence`: what is claimed, and each judge's grounds for it."""
    comparisons = report["comparisons"]
    if not comparisons:
        return "No verdict", ["no answers were compared"]
    candidate, baseline = comparisons[0]["candidate"], comparisons[0]["baseline"]
    pair = [entry for entry in comparisons if (entry["candidate"], entry["baseline"]) == (candidate, baseline)]
    findings = [entry["finding"] for entry in pair]
    if "too_few" in findings:
        return _too_few(pair), [_evidence(entry) for entry in pair]
    if "unreadable" in findings:
        return f"No verdict on {candidate} and {baseline}: {_unreadable(pair)}", [_evidence(entry) for entry in pair]
    some_sure = set(findings) != {"unclear"}
    evidence = [
        _evidence(entry, could_be_chance=some_sure and finding == "unclear")
        for entry, finding in zip(pair, findings, strict=True)
    ]
    return _claim(candidate, baseline, findings), evidence


def _too_few(pair: Sequence[Mapping[str, Any]]) -> str:
    candidate, baseline = pair[0]["candidate"], pair[0]["baseline"]
    questions, documents = min(entry["n"] for entry in pair), min(entry["clusters"] for entry in pair)
    size = f"{questions} questions about {documents} documents; needed {MINIMUM_QUESTIONS} and {MINIMUM_CLUSTERS}"
    if questions >= MINIMUM_QUESTIONS and documents >= MINIMUM_CLUSTERS:
        largest = max(entry["largest_cluster_share"] for entry in pair)
        size = f"{largest:.0%} of the questions are about one document"
    return f"Too few questions for a verdict on {candidate} and {baseline} ({size})"


def _unreadable(pair: Sequence[Mapping[str, Any]]) -> str:
    withheld = [entry for entry in pair if entry["finding"] == "unreadable"]
    return "; ".join(f"{entry['judge']} was unreadable on {entry['unparsable']} of {entry['n']}" for entry in withheld)


def _claim(candidate: str, baseline: str, findings: Sequence[str]) -> str:
    clear = set(findings) - {"unclear"}
    if not clear:
        return f"No difference between {candidate} and {baseline} that could not be chance"
    if len(clear) == 2:
        return f"The judges contradict each other on {candidate} and {baseline}"
    word = "better" if clear == {"candidate"} else "worse"
    sure = len(findings) - findings.count("unclear")
    return f"{candidate} is {word} than {baseline} for {_judges(sure, len(findings))}"


def _judges(sure: int, total: int) -> str:
    if sure < total:
        return f"{sure} of {total} judges"
    return {1: "the one judge asked", 2: "both judges"}.get(total, f"all {total} judges")


def _evidence(comparison: Mapping[str, Any], *, could_be_chance: bool = False) -> str:
    decided = comparison["wins"] + comparison["losses"]
    if not decided:
        return f"{comparison['judge']} decided none of {comparison['n']} questions"
    low, high = comparison["preference_ci95"]
    return (
        f"{comparison['judge']} preferred {comparison['candidate']} in {comparison['preference']:.0%} "
        f"of {decided} decided questions (95% CI {100 * low:.0f}–{100 * high:.0f}%)"
        f"{', which could be chance' if could_be_chance else ''}"
    )
