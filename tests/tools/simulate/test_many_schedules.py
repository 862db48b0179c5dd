"""A share of all schedules with one fault ends well. ``make simulate`` runs all of them."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tools.simulate.conftest import opened
from tools.simulate.parts import TRAINING, Part
from tools.simulate.schedules import single_faults
from tools.simulate.search import Tally, search, undisturbed_calls

# The purchase with the calls before it, and the end of the run: over 2,000 schedules. Neighbouring calls are cheaper
# than distant ones, because their schedules share most processes.
SHARES = [(TRAINING, 0, 13), (TRAINING, 40, 53)]


@pytest.mark.parametrize(("part", "first", "last"), SHARES, ids=lambda value: getattr(value, "name", str(value)))
def test_each_fault_at_each_of_many_calls_ends_well(part: Part, first: int, last: int, tmp_path: Path) -> None:
    with contextmanager(opened)(tmp_path, part) as world, world.worker.remembering():
        tally, calls = Tally(), undisturbed_calls(world)[first:last]
        search(world, single_faults(calls), tally)
    assert tally.failures == {}
    assert tally.schedules >= 1000
