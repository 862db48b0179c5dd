"""Write the history of a use case as a CSV file, with one row for each run and plain numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import get_args

from include.distill.history.readable import UnusableMonth
from include.distill.history.records import HistoryEntry, SpendingKind
from include.distill.labeling.formula_escapes import escape_formulas
from include.distill.trend.nights import Night

Cell = str | float | None
# The columns of a file without runs.
_EMPTY = ("started_at", "ended_at", "state", "run_id")


def csv_file(nights: Sequence[Night], *, unusable: Sequence[UnusableMonth] = ()) -> bytes:
    """
    Return the nights as a CSV file in UTF-8 with a byte order mark, oldest first.

    Texts are escaped, so that no spreadsheet program evaluates a part of them as a formula.

    :param unusable: months whose runs are missing. Each has a row at its place, so that nobody takes the file for
        complete.
    """
    rows = [*(_missing_row(month) for month in unusable), *(_row(night) for night in nights)]
    rows.sort(key=lambda row: str(row["started_at"]))
    names = list(dict.fromkeys(name for row in rows for name in row)) or list(_EMPTY)
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([escape_formulas(name) for name in names])
    for row in rows:
        writer.writerow([_text(row.get(name)) for name in names])
    return file.getvalue().encode("utf-8-sig", "replace")


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    return escape_formulas(cell) if isinstance(cell, str) else repr(cell)


def _row(night: Night) -> dict[str, Cell]:
    run = night.run
    return {
        "started_at": run["started_at"],
        "ended_at": run["ended_at"],
        "state": night.state,
        "run_id": run["run_id"],
        "run_key": run["run_key"],
        "scheduled": _yes(run["scheduled"]),
        "simulated": _yes(night.simulated),
        "hours": night.hours,
        "estimated_usd": run["estimated_usd"],
        "spent_usd": run["spent_usd"],
        **_kinds(run),
        "claim": run.get("claim"),
        "candidate": run.get("candidate"),
        "baseline": run.get("baseline"),
        **_judges(night),
        "training_loss": run.get("training_loss"),
        **_pairs(night),
        **_rows(night),
        **_calls(night),
        "promoted": run.get("promoted"),
        "champion_model_arn": run.get("champion_model_arn"),
        "drift": "; ".join(drift["measure"] for drift in night.drift) if "drift" in run else None,
    }


def _missing_row(month: UnusableMonth) -> dict[str, Cell]:
    return {"started_at": month.month, "state": "not known", "problem": month.sentence}


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _kinds(run: HistoryEntry) -> dict[str, Cell]:
    if run["spent_usd"] is None:
        return {}
    return {f"usd_{kind}": run["spent_by_kind"].get(kind, 0.0) for kind in get_args(SpendingKind)}


def _judges(night: Night) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    for rate in night.run.get("judges", ()):
        low, high = rate["half_win_ci95"] or (None, None)
        judge = rate["judge"]
        cells |= {
            f"half_win_rate_{judge}": rate["half_win_rate"],
            f"half_win_low_{judge}": low,
            f"half_win_high_{judge}": high,
            f"questions_{judge}": rate["questions"],
        }
    return cells


def _pairs(night: Night) -> dict[str, Cell]:
    if "pairs" not in night.run:
        return {}
    pairs = night.run["pairs"]
    return {
        "pairs_requested": pairs["requested"],
        "pairs_accepted": pairs["accepted"],
        "pairs_rejected": pairs["rejected"],
        "pairs_missing": pairs["missing"],
        **{f"dropped_{name}": count for name, count in pairs["dropped"].items()},
    }


def _rows(night: Night) -> dict[str, Cell]:
    if "rows" not in night.run:
        return {}
    rows = night.run["rows"]
    return {
        "rows_read": rows["read"],
        "rows_accepted": rows["accepted"],
        "rows_rejected": rows["rejected"],
        "rows_training": rows["training"],
        "rows_evaluation": rows["evaluation"],
        "documents": rows["documents"],
        "mean_document_characters": rows["mean_document_characters"],
        "rows_added": night.rows_added,
        "documents_added": night.documents_added,
        "questions_added": night.questions_added,
    }


def _calls(night: Night) -> dict[str, Cell]:
    if "calls" not in night.run:
        return {}
    calls = night.run["calls"]
    return {
        "calls_new": calls["calls"],
        "calls_from_store": calls["stored"],
        "input_tokens": calls["input_tokens"],
        "output_tokens": calls["output_tokens"],
    }
