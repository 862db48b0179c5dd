"""The tables of ``docs/explanation/curation.md`` list every filter and every planted defect."""

from __future__ import annotations

from include.distill.curation.filters import FILTER_NAMES
from tests.docs.pages import names, page, rows, section
from tools.curation_report.planted_defects import DEFECTS, GOOD_PAIRS, PAIRS_PER_DEFECT

PATH = "docs/explanation/curation.md"
PAGE = page("explanation/curation.md")


def test_the_table_of_the_simulated_teacher_lists_the_filters_in_their_order() -> None:
    heading = "## The teacher of the AWS simulator on the 500 training rows"
    listed = [name for cells in rows(section(PAGE, heading)) for name in names(cells[0])]
    assert listed == list(FILTER_NAMES), (
        f'{PATH}: the table under "{heading}" has the filters {listed}; FILTERS has {list(FILTER_NAMES)}. Copy the rows'
        " that python -m tools.curation_report prints."
    )


def test_the_table_of_planted_defects_lists_the_defects_in_their_order() -> None:
    good, *listed = [cells[0] for cells in rows(section(PAGE, "## Planted defects"))]
    assert good == f"good pairs kept, of {GOOD_PAIRS}"
    assert listed == list(DEFECTS), (
        f'{PATH}: the table under "## Planted defects" has the defects {listed}; DEFECTS has {list(DEFECTS)}. Copy the'
        " rows that python -m tools.curation_report prints."
    )


def test_the_page_states_how_many_pairs_are_planted() -> None:
    text = " ".join(section(PAGE, "## Planted defects").split())
    assert f"make {GOOD_PAIRS} good pairs" in text, PATH
    assert f"add {PAIRS_PER_DEFECT} pairs with each kind of defect" in text, PATH
