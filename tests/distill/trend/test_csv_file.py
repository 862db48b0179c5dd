"""Test the CSV file of a use case's nights."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from include.distill.labeling.formula_escapes import escape_formulas
from include.distill.trend.csv_file import csv_file
from include.distill.trend.nights import Night, nights_of
from tests.distill.trend.example_nights import DRIFT, begun, entry, failed, nights


def read(found: list[Night]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_file(found).decode("utf-8-sig"))))


def test_each_run_is_a_row_with_plain_numbers() -> None:
    first, second = read(nights_of([entry(0), entry(1, drift=[DRIFT])]))
    assert (first["state"], first["hours"], first["spent_usd"], first["usd_judges"]) == (
        "succeeded",
        "2.5",
        "7.5",
        "5.5",
    )
    assert (first["half_win_rate_nova-pro"], first["half_win_low_nova-pro"]) == ("0.6", "0.5")
    assert (first["pairs_accepted"], first["dropped_grounding"], first["calls_from_store"]) == ("300", "70", "75")
    assert (first["drift"], second["drift"]) == ("", "half_win_rate")
    assert second["documents_added"] == "2"


def test_a_figure_that_is_not_known_is_empty() -> None:
    ended, running = read(nights_of([failed(0), begun(1)]))
    assert (ended["spent_usd"], ended["usd_teacher"], ended["usd_judges"]) == ("1.0", "1.0", "0.0")
    assert (running["spent_usd"], running["usd_teacher"], running["hours"]) == ("", "", "")


def test_a_column_of_a_later_run_is_empty_in_the_earlier_rows() -> None:
    first, second = read(nights_of([begun(0), entry(1)]))
    assert (first["half_win_rate_nova-pro"], second["half_win_rate_nova-pro"]) == ("", "0.6")


def test_without_runs_there_is_only_a_header() -> None:
    assert csv_file([]).decode("utf-8-sig").splitlines() == ["started_at,ended_at,state,run_id"]


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "a\n=1", "x;=1"])
def test_no_text_becomes_a_formula(evil: str) -> None:
    judges: Any = [{**entry()["judges"][0], "judge": evil}]
    (row,) = read(nights(1, run_id=evil, claim=evil, judges=judges, promoted=evil))
    assert row["run_id"] != evil
    assert (row["claim"], row["promoted"]) == (row["run_id"],) * 2
    assert row["run_id"].replace("'", "") == evil
    header = next(name for name in row if name.startswith("half_win_rate_"))
    assert header == escape_formulas(f"half_win_rate_{evil}")


def test_a_lone_surrogate_does_not_break_the_file() -> None:
    assert read(nights(1, claim="a\ud800b"))[0]["claim"] == "a?b"
