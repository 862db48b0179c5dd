"""Check that ``preflight`` treats the evaluators of evaluation jobs like the other models of a use case."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.core.errors import InputError
from include.distill.core.storage import ObjectStore
from tests.fakes.fake_bedrock import FakeBedrock, missing
from tests.plugins.operators import test_preflight
from tests.plugins.operators.test_preflight import frozen

preflight = test_preflight.preflight  # pytest finds it by its name
EVALUATIONS = {"pointwise": {"evaluators": ["nova-pro"]}}


def test_an_evaluator_that_the_account_cannot_use_is_refused(
    preflight: Any, bedrock: FakeBedrock, context: Any
) -> None:
    bedrock.refuse["amazon.nova-pro-v1:0"] = missing("amazon.nova-pro-v1:0")
    message = r"model nova-pro \(amazon\.nova-pro-v1:0\) does not exist in this Region"
    with pytest.raises(InputError, match=message):
        preflight(evaluations=EVALUATIONS).execute(context)


def test_the_section_is_frozen_with_the_run(preflight: Any, store: ObjectStore, context: Any) -> None:
    preflight(evaluations=EVALUATIONS).execute(context)
    assert frozen(store)["evaluations"]["pointwise"]["evaluators"] == ["nova-pro"]  # type: ignore[arg-type]
