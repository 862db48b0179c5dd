"""``docs/explanation/crash_safety.md`` has the names of today's crash table."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from tests.docs.pages import names, page, rows, section
from tools.chaos.matrix import RECOVERIES, matrix
from tools.chaos.on_demand import PATHS, Path
from tools.chaos.promotions import PATHS as PROMOTION_PATHS
from tools.chaos.provider import provider_cases
from tools.chaos.row import Row

PATH = "docs/explanation/crash_safety.md"
PAGE = page("explanation/crash_safety.md")
TESTED = section(PAGE, "## What is tested")
# Needs a library that the project does not install.
ASYNCHRONOUS = "deferrable sensor times out while the job runs"


def documented() -> set[str]:
    return {name for cells in rows(TESTED) for name in names(cells[0])}


def test_every_moment_of_the_matrix_is_explained() -> None:
    moments = {re.split(r" / |, (?:bought|about to buy|then)", case.name)[0] for case in matrix()}
    assert sorted(moments - documented()) == [], f'explain these moments in {PATH}, "What is tested"'
    assert len(moments) > 5


def test_every_way_to_recover_is_explained() -> None:
    missing = sorted(set(RECOVERIES) - {"task SIGKILL"} - documented())  # the task's retry is the recovery
    assert missing == [], f'explain {missing} in {PATH}, "What is tested"'
    assert "`next run`" in TESTED


def test_what_is_explained_is_part_of_a_row() -> None:
    paths = [*PATHS.values(), *PROMOTION_PATHS.values()]
    table = " ".join([*(case.name for case in matrix()), "next run", *(step.name for path in paths for step in path)])
    assert [name for name in documented() if name not in table] == [], f"{PATH} explains what no case does"


@pytest.mark.parametrize(
    ("heading", "paths"),
    [("### Serving on demand", PATHS), ("### Promotion with a standing endpoint", PROMOTION_PATHS)],
)
def test_the_moments_of_each_sequence_are_listed_in_order(heading: str, paths: Mapping[str, Path]) -> None:
    listed = {names(cells[0])[0]: names(cells[1]) for cells in rows(section(PAGE, heading)) if len(names(cells[1])) > 1}
    assert listed == {name: [step.name for step in path] for name, path in paths.items()}


def test_the_columns_are_those_of_the_stored_table() -> None:
    columns = {name for cells in rows(section(PAGE, "## What must hold after each case")) for name in names(cells[0])}
    assert sorted(columns - set(Row.__dataclass_fields__)) == [], f"{PATH} names columns that do not exist"


def test_the_providers_operators_were_measured_in_todays_cases() -> None:
    table = rows(section(PAGE, "## The amazon provider's operators at the same moments"))
    measured = [cells[0] for cells in table]
    assert [name for name in measured if name != ASYNCHRONOUS] == [
        case.name for case in provider_cases() if case.name != ASYNCHRONOUS
    ], f"{PATH}: the table of the provider's operators does not have the cases of tools/chaos/provider.py"
