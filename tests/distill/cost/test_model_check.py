"""Check what Bedrock says about models. The tests of ``preflight`` check the messages."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.core.errors import NotFoundError, RefusedError
from include.distill.cost.model_check import model_problems, tuning_problems
from tests.distill.conftest import make_use_case
from tests.fakes.fake_bedrock import FakeBedrock

NOVA = load_catalog().model("nova-micro")
BASE = {"name": "base", "kind": "base"}


def test_an_active_model_with_access_is_no_problem() -> None:
    assert model_problems(FakeBedrock(), make_use_case(), NOVA) == []


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NotFoundError("no such model"), "does not exist in this Region"),
        (RefusedError("not allowed"), "model nova-micro: not allowed"),
    ],
)
def test_a_model_that_cannot_be_read_is_a_problem(error: RefusedError, text: str) -> None:
    bedrock = FakeBedrock()
    bedrock.refuse[NOVA.foundation_id] = error
    (problem,) = model_problems(bedrock, make_use_case(), NOVA)
    assert text in problem


@pytest.mark.parametrize(
    ("supported", "arm", "verb"),
    [
        (["DISTILLATION"], {"name": "tuned"}, "fine-tune"),
        (["FINE_TUNING"], {"name": "m", "kind": "distilled", "teacher": "nova-pro"}, "distil a teacher into"),
        (["FINE_TUNING"], {"name": "tuned"}, None),
        (["DISTILLATION"], {"name": "m", "kind": "distilled", "teacher": "nova-pro"}, None),
    ],
)
def test_bedrock_must_be_able_to_train_the_student_of_each_arm(
    monkeypatch: pytest.MonkeyPatch, supported: list[str], arm: dict[str, Any], verb: str | None
) -> None:
    details = {"modelLifecycle": {"status": "ACTIVE"}, "customizationsSupported": supported}
    monkeypatch.setattr(FakeBedrock, "foundation_model", lambda *_: details)
    problems = tuning_problems(FakeBedrock(), make_use_case(arms=[BASE, arm]), NOVA)
    assert [f"Bedrock cannot {verb} nova-micro" in problem for problem in problems] == ([True] if verb else [])
