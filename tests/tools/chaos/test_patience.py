from __future__ import annotations

import itertools

import pytest

from tools.chaos.world import wait_for
from tools.local_airflow.processes import NotReadyError


def test_a_wait_goes_on_as_long_as_something_moves() -> None:
    looks = itertools.count()
    moves = itertools.count()
    wait_for(lambda: next(looks) > 20, "it", 0.01, pause=0.005, moving=lambda: next(moves))
    assert next(looks) > 20


def test_a_wait_in_which_nothing_moves_ends_and_says_what_did_not_come() -> None:
    with pytest.raises(NotReadyError, match="the moon: not within 0 s, and nothing moved"):
        wait_for(lambda: False, "the moon", 0.02, pause=0.005, moving=lambda: "still")
