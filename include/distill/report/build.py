"""Build ``report.json`` and check it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Unpack

from include.distill.evaluation.comparisons import MAX_UNPARSABLE_SHARE, compare_all
from include.distill.evaluation.records import ComparisonResult, PromotionRecord, Verdict
from include.distill.report.records import Report, ReportParts
from include.distill.report.schema import check_report
from include.distill.report.verdict_sentence import verdict_sentence


def build_report(
    *,
    verdicts: Iterable[Iterable[Verdict]],
    clusters: Mapping[str, str],
    max_unparsable_share: float = MAX_UNPARSABLE_SHARE,
    noise_control: Iterable[Iterable[Verdict]] = (),
    promote: Callable[[Sequence[ComparisonResult]], PromotionRecord] | None = None,
    judges: Collection[str] = (),
    **parts: Unpack[ReportParts],
) -> Report:
    """
    Build the contents of ``report.json``, and check that all figures add up.

    :param verdicts: one list per judge and pair of arms. The lists for the pair of arms in the report's
        verdict come first.
    :param clusters: document group of each evaluation row id.
    :param max_unparsable_share: if a larger share of questions has an unparsable verdict, the finding is "unreadable".
    :param noise_control: verdicts on an arm compared with its own second answers, one list per judge. They do not
        affect the corrected p-values or the report's verdict.
    :param promote: applies the promotion rule to the comparisons.
    :param judges: all judges of the use case. There is no verdict if one of them did not compare the pair of arms
        that the verdict is about.
    :param parts: the parts of the report that are copied unchanged.
    :raises ReconciliationError: figures do not add up. The message names each wrong figure.
    """
    comparisons = compare_all(verdicts, clusters, max_unparsable_share=max_unparsable_share)
    judged: dict[str, object] = {
        "comparisons": comparisons,
        "noise_control": compare_all(noise_control, clusters, max_unparsable_share=max_unparsable_share),
        "verdict": verdict_sentence(comparisons, judges, parts.get("arms", ())),
    }
    if judges:
        judged["judges"] = list(judges)
    promotion = {"promotion": promote(comparisons)} if promote else {}
    return check_report({**parts, **judged, **promotion})
