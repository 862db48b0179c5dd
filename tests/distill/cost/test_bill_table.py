from __future__ import annotations

from include.distill.cost.bill_table import bill_table
from include.distill.cost.prices import BillLine

LINES = [
    BillLine("synthesis: m input", 1_234_567.4, "token", 1e-6),
    BillLine("synthesis: m output", 1000, "token", 1e-3),
    BillLine("throughput tuned: s", 0.5, "unit-hour", 30.5),
]


def test_every_bill_line_has_its_quantity_its_cost_and_the_total_of_its_step() -> None:
    header, *rows = bill_table(LINES).splitlines()
    assert header.split() == ["what", "quantity", "unit", "usd", "usd_of_step"]
    assert [row.rsplit(maxsplit=4) for row in rows] == [
        [" synthesis: m input", "1,234,567", "token", "1.2346", "2.2346"],
        ["synthesis: m output", "1,000", "token", "1.0000", "2.2346"],
        ["throughput tuned: s", "0.5", "unit-hour", "15.2500", "15.2500"],
    ]


def test_the_columns_of_a_bill_table_are_aligned() -> None:
    assert len({len(row) for row in bill_table(LINES).splitlines()}) == 1


def test_an_asterisk_marks_a_price_that_is_not_verified_and_the_last_line_names_it() -> None:
    doubtful = BillLine("throughput tuned: s", 0.5, "unit-hour", 30.5, verified=False)
    *rows, note = bill_table([*LINES[:2], doubtful]).splitlines()
    assert ["*" in row for row in rows] == [False, False, False, True]
    assert "throughput tuned: s * " in rows[-1]
    assert note.startswith("* Prices that are not verified: throughput tuned: s ($15.25); together $15.25.")
    assert rows[-1].endswith("15.2500     15.2500"), "the total of the step"
