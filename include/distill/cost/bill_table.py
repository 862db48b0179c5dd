"""Format a bill as a table for the task log."""

from __future__ import annotations

from collections.abc import Sequence

from include.distill.cost.prices import BillLine, unverified_note


def bill_table(lines: Sequence[BillLine]) -> str:
    """
    Return a bill as text in aligned columns, with the total for each step, in US dollars.

    An asterisk marks a price that is not verified. The last line then names these prices.

    :param lines: the lines of the bill, at least one.
    """
    import pandas as pd

    bill = pd.DataFrame([line.as_record() for line in lines])
    step = bill["what"].str.split(":").str[0]
    bill["usd_of_step"] = bill.groupby(step)["usd"].transform("sum")
    bill["what"] += ["" if line.verified else " *" for line in lines]
    columns = ["what", "quantity", "unit", "usd", "usd_of_step"]
    formats = {"quantity": _quantity, "usd": "{:,.4f}".format, "usd_of_step": "{:,.4f}".format}
    text: str = bill[columns].to_string(index=False, formatters=formats)
    note = unverified_note(lines)
    return text if note is None else f"{text}\n* {note}"


def _quantity(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.4g}"
