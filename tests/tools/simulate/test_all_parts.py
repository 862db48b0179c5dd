"""Each part has a name of its own, and ends with `outcome`."""

from __future__ import annotations

from tools.simulate.all_parts import PARTS
from tools.simulate.mechanisms import MECHANISMS
from tools.simulate.parts import DISTILL, ROLLBACK_DAG


def test_each_part_has_a_name_of_its_own_and_ends_with_outcome() -> None:
    assert len({part.name for part in PARTS}) == len(PARTS)
    assert all(part.tasks[-1] == "outcome" for part in PARTS if part.dag in (DISTILL, ROLLBACK_DAG))


def test_each_mechanism_belongs_to_a_part_that_is_searched() -> None:
    assert {mechanism.part for mechanism in MECHANISMS} <= {*PARTS}
