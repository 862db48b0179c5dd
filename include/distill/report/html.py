"""
The report as a page: one file that loads nothing and runs nothing.

What models wrote is shown, never obeyed: Jinja escapes every value, and the page's own policy forbids scripts
and requests should anything slip through. The page is in ``include/report``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from include.distill.core.paths import INCLUDE
from include.distill.evaluation.champion import winning_decision
from include.distill.report.card_charts import grounding_chart, length_chart, topic_chart
from include.distill.report.change_notes import changes_sentence
from include.distill.report.charts import loss_chart, pipeline_chart, preference_chart
from include.distill.report.report import SIMULATED_NOTICE, verdict_parts
from include.distill.report.tables import (
    agreement_rows,
    arm_matrix,
    detectable_difference_sentence,
    headline_comparisons,
    is_person,
)
from include.distill.stats.agreement import MINIMUM_GROUPS, MINIMUM_RATED
from include.distill.training.losses import loss_means

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from markupsafe import Markup

REPORT_TEMPLATES = INCLUDE / "report"
DISAGREEMENTS_SHOWN = 10
CLIPPED_CHARACTERS = 1500
_WIDTHS = {"wide": 720, "narrow": 330}
_NOTHING = "–"


def render_html(report: Mapping[str, Any]) -> str:
    """Return the page of a ``report.json``; lone surrogates, which no file holds, become question marks."""
    claim, evidence = verdict_parts(report)
    page = _environment().get_template("report.html.j2")
    html = page.render(
        report=report,
        claim=claim,
        evidence=evidence,
        changes=changes_sentence(report["source"].get("changes", {}), actual_usd=report["cost"]["actual_usd"]),
        notice=SIMULATED_NOTICE if report["simulated"] else None,
        preference=_drawn(lambda width: preference_chart(report["comparisons"], width=width)),
        pipeline=_drawn(
            lambda width: pipeline_chart(report["source"], report["synthesis"], report["arms"], width=width)
        ),
        loss=_drawn(lambda width: loss_chart(report["loss_curves"], width=width)),
        loss_means={arm: means for arm, points in report["loss_curves"].items() if (means := loss_means(points))},
        promoted=(winning_decision(report) or {}).get("candidate"),
        held=[arm["name"] for arm in report["arms"] if not arm["released"]],
        pair=_headline_pair(report["comparisons"]),
        by_how_much=_half_win_rates(report["comparisons"]),
        sure=detectable_difference_sentence(report["comparisons"]),
        agreement=agreement_rows(report["agreement"]),
        minimum={"rated": MINIMUM_RATED, "documents": MINIMUM_GROUPS},
        people=any(is_person(line["second"]) for line in report["agreement"]),
        matrix=arm_matrix(report["comparisons"]),
        disagreements=report["disagreements"][:DISAGREEMENTS_SHOWN],
        pairs=report["pair_sample"][:DISAGREEMENTS_SHOWN],
        cards=report.get("data_cards", []),
        card_charts={card["arm"]: _card_charts(card) for card in report.get("data_cards", [])},
        rejected=report["rejected_rows"][:DISAGREEMENTS_SHOWN],
        settings=settings_rows(report["settings"]),
        attribution=report["settings"].get("attribution"),
    )
    return html.encode("utf-8", "replace").decode("utf-8")


def _card_charts(card: Mapping[str, Any]) -> list[dict[str, Markup]]:
    return [
        _drawn(lambda width: length_chart(card, "question", width=width)),
        _drawn(lambda width: length_chart(card, "answer", width=width)),
        _drawn(lambda width: grounding_chart(card, width=width)),
        _drawn(lambda width: topic_chart(card, width=width)),
    ]


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(REPORT_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "clip": clip_text,
        "dollars": format_dollars,
        "interval": format_interval,
        "kappa": format_kappa,
        "p_value": format_p_value,
        "percent": format_percent,
        "price": format_price,
        "quantity": format_quantity,
    }
    return environment


def _drawn(draw: Callable[[int], Markup]) -> dict[str, Markup]:
    # Two drawings, of which the page shows the one that fits: scaling one would make its text too small.
    return {name: draw(width) for name, width in _WIDTHS.items()}


def _headline_pair(comparisons: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    first = comparisons[0] if comparisons else {"candidate": "candidate", "baseline": "baseline"}
    return {"candidate": first["candidate"], "baseline": first["baseline"]}


def _half_win_rates(comparisons: Sequence[Mapping[str, Any]]) -> str:
    decided = [c for c in headline_comparisons(comparisons) if c["half_win_rate"] is not None]
    return "; ".join(
        f"{c['judge']} {format_percent(c['half_win_rate'])} ({format_interval(c['half_win_ci95'])})" for c in decided
    )


def format_percent(share: float | None) -> str:
    """Format a share with one decimal."""
    return _NOTHING if share is None else f"{share:.1%}"


def format_interval(bounds: Sequence[float] | None) -> str:
    """Format an interval of shares."""
    return _NOTHING if bounds is None else f"{100 * bounds[0]:.1f}–{100 * bounds[1]:.1f}%"


def format_kappa(value: float | None) -> str:
    """Format a kappa, which is no share: it may be negative."""
    return _NOTHING if value is None else f"{value:.2f}".replace("-", "−")


def format_p_value(p: float) -> str:
    """Format a p value with two digits, as far down as anyone cares."""
    return "< 0.0001" if p < 0.0001 else f"{p:.2g}"


def format_dollars(amount: float | None) -> str:
    """Format an amount in dollars, with four decimals where cents would say nothing."""
    if amount is None:
        return _NOTHING
    return f"${amount:,.2f}" if amount >= 0.01 or amount == 0 else f"${amount:.4f}"


def format_price(amount: float) -> str:
    """Format a unit price, which may be millionths of a dollar, without an exponent."""
    whole, _, decimals = f"{amount:,.12f}".partition(".")
    return f"${whole}.{decimals.rstrip('0'):0<2}"


def format_quantity(amount: float | None) -> str:
    """Format a count or an amount, with at most three decimals."""
    return _NOTHING if amount is None else f"{amount:,.3f}".rstrip("0").rstrip(".")


def clip_text(text: str) -> str:
    """Cut a long text for reading and say how much is left out; ``report.json`` holds all of it."""
    if len(text) <= CLIPPED_CHARACTERS:
        return text
    return f"{text[:CLIPPED_CHARACTERS]}… ({len(text) - CLIPPED_CHARACTERS:,} more characters in report.json)"


def settings_rows(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return settings as labelled lines, nested ones as ``outer, inner``; attribution is shown elsewhere."""
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
