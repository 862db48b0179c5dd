"""Remove the safety mechanisms that keep a run from buying what it may not buy."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from bedrock_distill.operators import batch, named_job, serve
from bedrock_distill.operators.estimate import EstimateCostOperator
from bedrock_distill.run import access, approved_spending
from tools.simulate.mechanisms_of_other_dags import Removal
from tools.simulate.parts import ABOVE_CAP, REJECTED_SPENDING, Part
from tools.simulate.parts_of_purchases import REJECTED_DEPLOYMENT, REJECTED_PURCHASES


def _none(*_: Any, **__: Any) -> None:
    return None


# For each mechanism: its name, its part, its removal, and whether a run without faults ends badly without it.
SPENDING: tuple[tuple[str, Part, Removal, bool], ...] = (
    (
        "approval of the spending",
        REJECTED_SPENDING,
        lambda: patch.object(approved_spending, "approval_obstacle", _none),
        False,
    ),
    *(
        (
            f"approval of {what}",
            part,
            lambda module=module: patch.object(module, "require_approved_spending", _none),
            False,
        )
        for what, part, module in (
            ("throughput", REJECTED_PURCHASES, serve),
            ("a batch job", REJECTED_PURCHASES, batch),
            ("a prompt optimization job", REJECTED_PURCHASES, named_job),
            ("answers", REJECTED_PURCHASES, access),
            ("a deployment", REJECTED_DEPLOYMENT, serve),
        )
    ),
    ("cap on the estimate", ABOVE_CAP, lambda: patch.object(EstimateCostOperator, "_require_within_cap", _none), True),
)
