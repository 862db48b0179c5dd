from __future__ import annotations

from typing import Any

from bedrock_distill.hooks.prompt_optimizations import CREATE_OPERATION
from bedrock_distill.operators.sdk_check import sdk_problems
from include.distill.config.use_case import Arm, UseCase
from tests.fakes.fake_bedrock import FakeBedrock

PROMPTED = Arm(name="prompted", kind="base", prompt="optimized")


def problems(use_case: UseCase, *missing: str) -> list[str]:
    bedrock: Any = FakeBedrock()
    bedrock.missing_operations.update(missing)
    return sdk_problems(bedrock, use_case)


def test_an_arm_with_an_optimized_prompt_needs_an_sdk_that_has_the_job(use_case: UseCase) -> None:
    prompted = use_case.model_copy(update={"arms": (*use_case.arms, PROMPTED)})
    assert problems(prompted) == []
    [problem] = problems(prompted, CREATE_OPERATION)
    assert problem.startswith("arms prompted: prompt: optimized needs")
    assert "1.43.10" in problem


def test_other_arms_need_no_such_job(use_case: UseCase) -> None:
    assert problems(use_case, CREATE_OPERATION) == []
