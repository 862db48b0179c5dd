"""A share of all schedules with one fault ends well. ``make simulate`` runs all of them."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tools.simulate.conftest import opened
from tools.simulate.parts import SERVING, TRAINING, Part
from tools.simulate.schedules import single_faults
from tools.simulate.search import Tally, search, undisturbed_calls

# Every third call of the training, in two tests, and every eighth of the serving: over 2,000 schedules.
SHARES = [(TRAINING, 1, 6), (TRAINING, 4, 6), (SERVING, 1, 8)]


@pytest.mark.parametrize(("part", "first", "every"), SHARES, ids=lambda value: getattr(value, "name", str(value)))
def test_each_fault_at_every_nth_call_ends_well(part: Part, first: int, every: int, tmp_path: Path) -> None:
    with contextmanager(opened)(tmp_path, part) as world, world.worker.remembering():
        tally, calls = Tally(), undisturbed_calls(world)[first::every]
        search(world, single_faults(calls), tally)
    assert tally.failures == {}
    assert tally.schedules >= 400
