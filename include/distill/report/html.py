"""
Render the report as an HTML page: one file that loads no resources and runs no scripts.

Jinja escapes every value, because models and people wrote the texts. If the escaping failed, the page's content
security policy would still forbid scripts and requests. The templates are in ``include/report``.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from include.distill.core.counted import counted
from include.distill.cost.amounts import usd_text
from include.distill.cost.serving_choice import describe_serving
from include.distill.evaluation.answer_counts import describe_endings
from include.distill.evaluation.champion import winning_decision
from include.distill.inference.requests import is_deployment
from include.distill.report.card_charts import grounding_chart, length_chart, topic_chart
from include.distill.report.champion_endpoint import endpoint_sentences
from include.distill.report.change_notes import changes_sentence
from include.distill.report.charts import loss_chart, pipeline_chart, preference_chart
from include.distill.report.drift_notes import drift_rows, drift_summary
from include.distill.report.evaluation_tables import (
    metric_name,
    number,
    partial_sentence,
    rating_lists,
    score_range,
    small_sample_sentence,
)
from include.distill.report.optimized_prompts import token_count, training_sentences
from include.distill.report.published import published_rows
from include.distill.report.score_charts import score_chart
from include.distill.report.tables import (
    agreement_rows,
    arm_kind,
    arm_matrix,
    detectable_difference_sentence,
    headline_comparisons,
    is_person,
)
from include.distill.report.templates import drawn, page_text, template_environment
from include.distill.report.verdict_sentence import verdict_parts
from include.distill.stats.agreement import MINIMUM_GROUPS, MINIMUM_RATED
from include.distill.training.losses import LossMeans, loss_means

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jinja2 import Environment
    from markupsafe import Markup

    from include.distill.evaluation.records import ComparisonResult
    from include.distill.report.records import HeadlinePair, Report, ReportEvaluations
    from include.distill.training.records import DataCard, LossPoint

SIMULATED_NOTICE = (
    "SIMULATED: small simulated models answered in place of the models of this run. The figures do not apply to real"
    " models."
)
DISAGREEMENTS_SHOWN = 10
CLIPPED_CHARACTERS = 1500
PROMPT_CHARACTERS = 12_000  # far longer than the optimized prompts seen so far
_NOTHING = "–"


def render_html(report: Report) -> str:
    """Render the page of a report. Lone surrogates, which UTF-8 cannot encode, become question marks."""
    claim, evidence = verdict_parts(report["comparisons"], report.get("judges", ()), report["arms"])
    winner = winning_decision(report.get("promotion"))
    page = _environment().get_template("report.html.j2")
    html = page.render(
        report=report,
        claim=claim,
        evidence=evidence,
        changes=changes_sentence(report["source"].get("changes"), actual_usd=report["cost"]["actual_usd"]),
        notice=simulated_notice(report),
        published=report.get("published"),
        published_rows=published_rows(report),
        preference=drawn(lambda width: preference_chart(report["comparisons"], width=width)),
        pipeline=drawn(
            lambda width: pipeline_chart(report["source"], report["synthesis"], report["arms"], width=width)
        ),
        loss=drawn(lambda width: loss_chart(report["loss_curves"], width=width)),
        loss_means=_means_by_arm(report["loss_curves"]),
        validation_means=_means_by_arm(report.get("validation_curves", {})),
        endings={arm: describe_endings(counts) for arm, counts in report.get("answer_endings", {}).items()},
        missing=report.get("missing_parts", []),
        promoted=winner["candidate"] if winner else None,
        champion_endpoint=endpoint_sentences(
            report.get("champion_endpoint"), promoted=winner["candidate"] if winner else None
        ),
        held=_unreleased(report, deployed=False),
        idle=_unreleased(report, deployed=True),
        serving=[describe_serving(arm, choice) for arm, choice in report["cost"].get("serving", {}).items()],
        pair=_headline_pair(report["comparisons"]),
        by_how_much=_half_win_rates(report["comparisons"]),
        sure=detectable_difference_sentence(report["comparisons"]),
        agreement=agreement_rows(report["agreement"]),
        minimum={"rated": MINIMUM_RATED, "documents": MINIMUM_GROUPS},
        people=any(is_person(line["second"]) for line in report["agreement"]),
        matrix=arm_matrix(report["comparisons"]),
        evaluations=_evaluations(report.get("evaluations")),
        training_needed=training_sentences(report["comparisons"], report["arms"], report.get("judges", ())),
        prompts=report.get("prompt_optimization", []),
        prompt_characters=PROMPT_CHARACTERS,
        disagreements=report["disagreements"][:DISAGREEMENTS_SHOWN],
        pairs=report["pair_sample"][:DISAGREEMENTS_SHOWN],
        cards=report.get("data_cards", []),
        card_charts={card["arm"]: _card_charts(card) for card in report.get("data_cards", [])},
        rejected=report["rejected_rows"][:DISAGREEMENTS_SHOWN],
        settings=settings_rows(report["settings"]),
        attribution=report["settings"].get("attribution"),
    )
    return page_text(html)


def simulated_notice(report: Report) -> str | None:
    """Return the notice of a simulated report, with the day of its account if it has one; otherwise ``None``."""
    if not report["simulated"]:
        return None
    day = report.get("simulated_as_of")
    return SIMULATED_NOTICE.replace("SIMULATED:", f"As of {day}, SIMULATED:", 1) if day else SIMULATED_NOTICE


def _unreleased(report: Report, *, deployed: bool) -> list[str]:
    """
    Return the arms whose endpoint still exists.

    :param deployed: whether to return the arms with a deployment, which costs nothing while it is idle. Otherwise,
        return the arms with provisioned throughput, which is still billed.
    """
    arms = (arm for arm in report["arms"] if not arm["released"])
    return [arm["name"] for arm in arms if is_deployment(arm["serving"] or "") is deployed]


def _means_by_arm(curves: Mapping[str, Sequence[LossPoint]]) -> dict[str, LossMeans]:
    return {arm: means for arm, points in curves.items() if (means := loss_means(points))}


def _card_charts(card: DataCard) -> list[dict[str, Markup]]:
    return [
        drawn(lambda width: length_chart(card, "document", width=width)),
        drawn(lambda width: length_chart(card, "question", width=width)),
        drawn(lambda width: length_chart(card, "answer", width=width)),
        drawn(lambda width: grounding_chart(card, width=width)),
        drawn(lambda width: topic_chart(card, width=width)),
    ]


def _evaluations(evaluations: ReportEvaluations | None) -> dict[str, object] | None:
    if evaluations is None:
        return None
    metrics = evaluations["metrics"]
    return {
        "partial": partial_sentence(evaluations),
        "too_small": small_sample_sentence(evaluations),
        "names": {metric["name"]: metric_name(metric) for metric in metrics},
        "ranges": {metric["name"]: score_range(metric) for metric in metrics},
        "ratings": rating_lists(metrics),
        "chart": drawn(lambda width: score_chart(evaluations, width=width)),
    }


@functools.cache  # compiling the templates takes a second
def _environment() -> Environment:
    return template_environment(
        arm_kind=arm_kind,
        clip=clip_text,
        dollars=format_dollars,
        drift_rows=drift_rows,
        drift_summary=drift_summary,
        interval=format_interval,
        kappa=format_kappa,
        p_value=format_p_value,
        percent=format_percent,
        price=format_price,
        quantity=format_quantity,
        score=number,
        tokens=token_count,
    )


def _headline_pair(comparisons: Sequence[ComparisonResult]) -> HeadlinePair:
    if not comparisons:
        return {"candidate": "candidate", "baseline": "baseline"}
    return {"candidate": comparisons[0]["candidate"], "baseline": comparisons[0]["baseline"]}


def _half_win_rates(comparisons: Sequence[ComparisonResult]) -> str:
    decided = [c for c in headline_comparisons(comparisons) if c["half_win_rate"] is not None]
    return "; ".join(
        f"{c['judge']} {format_percent(c['half_win_rate'])} ({format_interval(c['half_win_ci95'])})" for c in decided
    )


def format_percent(share: float | None) -> str:
    """Format a share as a percentage with one decimal."""
    return _NOTHING if share is None else f"{share:.1%}"


def format_interval(bounds: Sequence[float] | None) -> str:
    """Format an interval of shares as percentages."""
    return _NOTHING if bounds is None else f"{100 * bounds[0]:.1f}–{100 * bounds[1]:.1f}%"


def half_win_sentence(judge: str, rate: float | None, interval: Sequence[float] | None, questions: int) -> str:
    """
    State the half-win rate of a judge with its interval, as all pages do.

    :param questions: number of questions with a readable verdict.
    """
    bounds = f" ({format_interval(interval)})" if interval else ""
    return f"{judge}: half-win rate {format_percent(rate)}{bounds}, {counted(questions, 'question')}"


def format_kappa(value: float | None) -> str:
    """Format a kappa with two decimals. A kappa is not a share and may be negative."""
    return _NOTHING if value is None else f"{value:.2f}".replace("-", "−")


def format_p_value(p: float) -> str:
    """Format a p-value with two significant digits. A value below 0.0001 becomes ``< 0.0001``."""
    return "< 0.0001" if p < 0.0001 else f"{p:.2g}"


def format_dollars(amount: float | None) -> str:
    """Format an amount in dollars with two decimals, or with four decimals below one cent."""
    return _NOTHING if amount is None else usd_text(amount)


def format_price(amount: float, unit: str) -> str:
    """Format a unit price. A price below one cent, such as that of a token, is given for a million units."""
    factor, units = (1_000_000, f"million {unit}s") if 0 < amount < 0.01 else (1, unit)
    dollars, _, decimals = f"{amount * factor:,.4f}".partition(".")
    return f"${dollars}.{decimals.rstrip('0'):0<2} per {units}"


def format_quantity(amount: float | None) -> str:
    """Format a count or an amount with at most three decimals."""
    return _NOTHING if amount is None else f"{amount:,.3f}".rstrip("0").rstrip(".")


def clip_text(text: str, limit: int = CLIPPED_CHARACTERS) -> str:
    """Shorten a long text and append the number of omitted characters. ``report.json`` has the complete text."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit:,} more characters in report.json)"


def settings_rows(settings: Mapping[str, object]) -> list[tuple[str, str]]:
    """
    Return the settings as pairs of label and text, without the setting ``attribution``.

    The label of a nested setting begins with the label of the outer setting: the setting ``b`` inside the setting ``a``
    has the label ``a, b``.
    """
    rows: list[tuple[str, str]] = []
    for key, value in settings.items():
        label = str(key).replace("_", " ")
        if key == "attribution":
            continue
        if isinstance(value, dict):
            rows += [(f"{label}, {inner}", text) for inner, text in settings_rows(value)]
        elif isinstance(value, list | tuple):
            rows.append((label, ", ".join(map(str, value))))
        else:
            rows.append((label, _NOTHING if value is None else str(value)))
    return rows
