"""
Compare two runs on one page: verdict, cost by kind, counts, and the settings that differ.

Each of the runs may be finished or still in progress. A run that is in progress has no verdict yet.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypedDict

from include.distill.core.records import BillLineRecord
from include.distill.cost.amounts import usd_text
from include.distill.history.records import SpendingKind
from include.distill.history.spending import kind_of_line
from include.distill.report.html import format_dollars, half_win_sentence
from include.distill.report.live_page import KIND_WORDS, headline
from include.distill.report.live_records import LiveRun
from include.distill.report.past_runs import render_page
from include.distill.report.tables import ComparedArms, headline_comparisons

_NOTHING = "–"


class _Source(TypedDict):
    rows: int
    accepted: int
    rejected: int
    train: int
    evaluation: int


class _Synthesis(TypedDict):
    requested: int
    accepted: int
    rejected: int
    missing: int


class _Cost(TypedDict):
    estimated_usd: float
    actual_usd: float
    lines: list[BillLineRecord]


class _Comparison(ComparedArms):
    judge: str
    n: int
    unparsable: int
    half_win_rate: float | None
    half_win_ci95: list[float] | None


class ComparedReport(TypedDict):
    """The keys of report.json that the comparison reads. Reports of all versions have them."""

    use_case: str
    run_id: str
    finished_at: str
    simulated: bool
    verdict: str
    source: _Source
    synthesis: _Synthesis
    cost: _Cost
    comparisons: list[_Comparison]


class RunSide(TypedDict):
    """One of the two runs. The record is not stored."""

    use_case: str
    run_id: str
    url: str  # of the run's report or live page
    state: str  # when it ended, or what it does now
    verdict: str | None  # None before the report
    half_win_rates: list[str]  # one sentence for each judge of the verdict's pair of arms
    simulated: bool
    estimated_usd: float | None
    spent_usd: float
    by_kind: dict[SpendingKind, float]
    counts: dict[str, int]
    settings: dict[str, str]


class _Row(TypedDict):
    """One line of a table: a label and the value of each run."""

    label: str
    left: str
    right: str


def side_of_report(report: ComparedReport, *, url: str, settings: dict[str, str]) -> RunSide:
    """Return a run that has a report."""
    by_kind: dict[SpendingKind, float] = {}
    for line in report["cost"]["lines"]:
        _add(by_kind, kind_of_line(line), line["usd"])
    ended = datetime.datetime.fromisoformat(report["finished_at"])
    return {
        "use_case": report["use_case"],
        "run_id": report["run_id"],
        "url": url,
        "state": f"report of {ended:%-d %B %Y, %H:%M} UTC",
        "verdict": report["verdict"],
        "half_win_rates": _half_win_rates(report["comparisons"]),
        "simulated": report["simulated"],
        "estimated_usd": report["cost"]["estimated_usd"],
        "spent_usd": report["cost"]["actual_usd"],
        "by_kind": by_kind,
        "counts": {
            "rows read": report["source"]["rows"],
            "rows rejected": report["source"]["rejected"],
            "training rows": report["source"]["train"],
            "evaluation questions": report["source"]["evaluation"],
            "pairs requested": report["synthesis"]["requested"],
            "pairs accepted": report["synthesis"]["accepted"],
            "pairs rejected": report["synthesis"]["rejected"],
            "pairs missing": report["synthesis"]["missing"],
        },
        "settings": settings,
    }


def side_of_live_run(run: LiveRun, *, url: str, settings: dict[str, str]) -> RunSide:
    """Return a run that has no report yet."""
    by_kind: dict[SpendingKind, float] = {}
    for part in run["spent"]:
        _add(by_kind, part["kind"], part["usd"])
    return {
        "use_case": run["use_case"],
        "run_id": run["run_id"],
        "url": url,
        "state": headline(run),
        "verdict": None,
        "half_win_rates": [],
        "simulated": run["simulated"],
        "estimated_usd": run["estimated_usd"],
        "spent_usd": sum(part["usd"] for part in run["spent"]),
        "by_kind": by_kind,
        "counts": {},
        "settings": settings,
    }


def render_sides(left: RunSide, right: RunSide) -> str:
    """Render the page."""
    names = {**left["settings"], **right["settings"]}
    differing = [name for name in names if left["settings"].get(name) != right["settings"].get(name)]
    return render_page(
        "compare.html.j2",
        sides=(left, right),
        cost=[
            *_rows(_worded(left["by_kind"]), _worded(right["by_kind"]), usd_text, KIND_WORDS.values()),
            {"label": "in all", "left": usd_text(left["spent_usd"]), "right": usd_text(right["spent_usd"])},
            {
                "label": "estimated",
                "left": format_dollars(left["estimated_usd"]),
                "right": format_dollars(right["estimated_usd"]),
            },
        ],
        counts=_rows(left["counts"], right["counts"], "{:,}".format),
        settings=_rows(left["settings"], right["settings"], str, differing),
        are_settings_known=bool(left["settings"] and right["settings"]),
    )


def flat_settings(value: object, name: str = "") -> dict[str, str]:
    """
    Return all settings of a use case as text, by their names, such as ``curation.max_topic_similarity``.

    An entry of a list is named by its own ``name``, such as ``arms.tuned.kind``, so that an arm that was added does not
    make all later arms differ.
    """
    if isinstance(value, Mapping):
        return _flattened((f"{name}.{key}" if name else str(key), inner) for key, inner in value.items())
    if isinstance(value, list) and value and all(isinstance(entry, Mapping) and "name" in entry for entry in value):
        return _flattened((f"{name}.{entry['name']}", entry) for entry in value)
    if isinstance(value, list):
        has_fields = any(isinstance(entry, Mapping) for entry in value)
        return {name: ("; ".join(map(_text, value)) if has_fields else _text(value)) or _NOTHING}
    return {name: _NOTHING if value is None else _text(value)}


def _text(value: object) -> str:
    """Write a value as YAML would, but without the outer brackets of a mapping or list."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_inner_text(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(_inner_text, value))
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)


def _inner_text(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{{_text(value)}}}"
    return f"[{_text(value)}]" if isinstance(value, list) else _text(value)


def _half_win_rates(comparisons: Sequence[_Comparison]) -> list[str]:
    """Return the half-win rates of the pair of arms that the verdict is about."""
    return [
        half_win_sentence(one["judge"], one["half_win_rate"], one["half_win_ci95"], one["n"] - one["unparsable"])
        for one in headline_comparisons(comparisons)
    ]


def _flattened(values: Iterable[tuple[str, object]]) -> dict[str, str]:
    return {name: text for key, inner in values for name, text in flat_settings(inner, key).items()}


def _add(by_kind: dict[SpendingKind, float], kind: SpendingKind, usd: float) -> None:
    # While a run is in progress, the teacher and the critic are counted together.
    kind = "teacher" if kind == "critic" else kind
    by_kind[kind] = by_kind.get(kind, 0.0) + usd


def _worded(by_kind: Mapping[SpendingKind, float]) -> dict[str, float]:
    return {KIND_WORDS[kind]: usd for kind, usd in by_kind.items()}


def _rows(
    left: Mapping[str, object],
    right: Mapping[str, object],
    text: Callable[..., str],
    order: Iterable[str] | None = None,
) -> list[_Row]:
    """Return a row for each key that at least one of the runs has."""
    keys = [key for key in (order if order is not None else {**left, **right}) if key in left or key in right]
    return [
        {
            "label": key,
            "left": text(left[key]) if key in left else _NOTHING,
            "right": text(right[key]) if key in right else _NOTHING,
        }
        for key in keys
    ]
