"""Remove the safety mechanisms of the rollback, the clean-up and the sweeper."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from bedrock_distill.lifecycle.rollback_place import RollbackPlace
from bedrock_distill.operators.release_leftovers import ReleaseLeftoversOperator
from bedrock_distill.operators.settle import SettleTask
from include.distill.cleanup import rules
from include.distill.cleanup.ownership import OwnershipCheck
from tools.simulate.parts import CLEAN_UP, CLEAN_UP_STANDING, ROLLBACK, ROLLBACK_REJECTION, SERVING, SWEEPER, Part

Removal = Callable[[], AbstractContextManager[Any]]


def _none(*_: Any, **__: Any) -> None:
    return None


# For each mechanism: its name, its part, its removal, and whether a run without faults ends badly without it.
OTHER_DAGS: tuple[tuple[str, Part, Removal, bool], ...] = (
    ("the sweeper", SERVING, lambda: patch.object(ReleaseLeftoversOperator, "execute", _none), False),
    ("ownership check of the sweeper", SWEEPER, lambda: patch.object(OwnershipCheck, "endpoint", _none), True),
    ("ownership check of a clean-up", CLEAN_UP, lambda: patch.object(OwnershipCheck, "endpoint", _none), True),
    (
        "the champion's protection in a clean-up",
        CLEAN_UP,
        lambda: patch.object(rules._Rules, "_champion", _none),
        True,
    ),
    (
        "a live run's protection in a clean-up",
        CLEAN_UP_STANDING,
        lambda: patch.object(rules, "LIVE_STATES", frozenset()),
        True,
    ),
    (
        "check of the approval of a rollback",
        ROLLBACK_REJECTION,
        lambda: patch.object(RollbackPlace, "approval_obstacle", _none),
        False,
    ),
    ("settle of a rollback", ROLLBACK, lambda: patch.object(SettleTask, "execute", _none), True),
)
