"""Test the CSV file of a use case's nights."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from include.distill.core.errors import StoredRecordError
from include.distill.history.readable import UnusableMonth
from include.distill.labeling.formula_escapes import escape_formulas
from include.distill.trend.csv_file import csv_file
from include.distill.trend.nights import Night, nights_of
from tests.distill.trend.evil_texts import evil_entry
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


@pytest.mark.parametrize(
    "evil", ["=1+1", "+1", "-1", "@A1", "\t=1", "\r=1", "\n=1", "a\r=1", 'x","=1', "a,=1", " =1", "\uff1d1"]
)
def test_no_cell_and_no_name_of_a_column_can_begin_a_formula(evil: str) -> None:
    """Every text of the record is checked, so that a column that is added later is checked, too."""
    body = csv_file(nights_of([evil_entry(evil), evil_entry(evil, 1, promoted=evil)]))
    table = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    assert len(table) == 3
    texts = [cell for row in table for cell in row if evil in cell.replace("'", "")]
    assert len(texts) > 10, "the text is in the file"
    for cell in (cell for row in table for cell in row):
        assert not cell.startswith(("=", "+", "-", "@", "\n"))
        assert escape_formulas(cell) == cell, "escaped once is escaped"


def test_a_month_that_is_missing_has_a_row_at_its_place() -> None:
    damaged = UnusableMonth("s3://b/p/history/=faq/2026-11.json", StoredRecordError("not JSON"))
    body = csv_file(nights_of([entry(-5), entry(31)]), unusable=[damaged]).decode("utf-8-sig")
    october, november, december = csv.DictReader(io.StringIO(body))
    assert (october["started_at"][:7], november["started_at"], december["started_at"][:7]) == (
        "2026-10",
        "2026-11",
        "2026-12",
    )
    assert (november["state"], november["spent_usd"]) == ("not known", "")
    assert november["problem"].startswith("history/=faq/2026-11.json is damaged")
    assert (october["problem"], december["problem"]) == ("", "")


def test_a_lone_surrogate_does_not_break_the_file() -> None:
    assert read(nights(1, claim="a\ud800b"))[0]["claim"] == "a?b"
