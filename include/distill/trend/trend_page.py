"""Render the page that shows the nights of one use case."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from include.distill.report.templates import drawn
from include.distill.trend.figures import Figure, trend_figures
from include.distill.trend.night_charts import night_chart
from include.distill.trend.nights import Night
from include.distill.trend.templates import render, report_path
from include.distill.trend.words import STATE_MARKS, STATE_WORDS

DAYS = (30, 90, 365)
# More runs have no place of their own in a chart, and a browser needs long for tables with many thousand rows.
MAX_DRAWN = 400


def trend_page(use_case: str, found: Sequence[Night], *, days: int, problems: Sequence[str] = ()) -> str:
    """
    Render the trend of a use case. The page shows at most :data:`MAX_DRAWN` nights, which are the newest ones.

    :param found: the nights of the last ``days`` days, oldest first.
    :param problems: one message for each month that cannot be shown.
    """
    nights = found[-MAX_DRAWN:]
    return render(
        "trend.html.j2",
        use_case=use_case,
        nights=nights,
        found=len(found),
        days=days,
        problems=problems,
        choices=DAYS,
        simulated=simulated_notice(nights),
        charts=[_chart(figure, nights) for figure in trend_figures(nights)],
        heads=[_row_head(night) for night in reversed(nights)],
        counts=_counts(nights),
        drifted=[night for night in reversed(nights) if night.drift],
    )


def _chart(figure: Figure, nights: Sequence[Night]) -> dict[str, object]:
    columns = figure.table_columns()
    return {
        "figure": figure,
        "drawings": drawn(lambda width: night_chart(figure, nights, width=width)),
        "columns": [column.name for column in columns],
        "rows": _newest_first([column.texts for column in columns]),
    }


def simulated_notice(nights: Sequence[Night]) -> str | None:
    """Return the notice that the AWS simulator ran some or all of the nights; ``None`` if it ran none of them."""
    count = sum(night.simulated for night in nights)
    if not count:
        return None
    which = "all" if count == len(nights) else f"{count} of the {len(nights)}"
    return (
        f"SIMULATED: small simulated models answered in {which} runs on this page. The figures do not apply to real"
        " models."
    )


def _newest_first(columns: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    return list(zip(*columns, strict=True))[::-1]


def _row_head(night: Night) -> Markup:
    """Return the first two cells of a night's row, which are the same in all tables."""
    simulated = Markup(" <small>simulated</small>") if night.simulated else ""
    return Markup('<th scope="row"><a href="../{}">{}</a></th><td>{} {}{}</td>').format(
        report_path(night.run),
        f"{night.started:%-d %b %Y, %H:%M}",
        STATE_MARKS[night.state],
        STATE_WORDS[night.state],
        simulated,
    )


def _counts(nights: Sequence[Night]) -> dict[str, float]:
    return {
        "succeeded": sum(night.state == "succeeded" for night in nights),
        "failed": sum(night.state == "failed" for night in nights),
        "lost": sum(night.state == "lost" for night in nights),
        "champions": sum(night.champion_changed for night in nights),
        "usd": sum(night.run["spent_usd"] or 0.0 for night in nights),
    }
