"""Check what ``preflight`` checks for arms whose prompt a job of Bedrock optimizes."""

from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.hooks.prompt_optimizations import CREATE_OPERATION
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError
from tests.fakes.fake_bedrock import FakeBedrock, missing
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER
from tests.plugins.operators import test_preflight
from tests.plugins.operators.test_preflight import section

preflight = test_preflight.preflight  # pytest finds it by its name
JUDGE = "anthropic.claude-sonnet-4-6"
ARMS = [{"name": "base", "kind": "base"}, {"name": "prompted", "kind": "base", "prompt": "optimized"}]
TRAINED = {"name": "tuned", "kind": "fine_tuned"}

LOGIC = "<document>{{ document[:500] }}</document>\n<question>{% if question %}{{ question }}{% endif %}</question>"
URI = "s3://bedrock-distill-training/distill/a.j2"


def changes(arms: list[dict[str, str]]) -> dict[str, Any]:
    return {"arms": arms, "comparisons": [], "judges": ["nova-pro"]}


def test_the_judge_of_a_job_is_checked_like_the_other_models(
    preflight: Any, bedrock: FakeBedrock, context: Any
) -> None:
    preflight(**changes(ARMS)).execute(context)
    bedrock.refuse[JUDGE] = missing(JUDGE)
    message = r"model claude-sonnet-4-6 \(anthropic\.claude-sonnet-4-6\) does not exist in this Region"
    with pytest.raises(InputError, match=message) as refused:
        preflight(**changes(ARMS)).execute(context)
    assert "remove prompt: optimized from the arms prompted" in str(refused.value)


def test_without_such_an_arm_the_judge_is_not_checked(preflight: Any, bedrock: FakeBedrock, context: Any) -> None:
    bedrock.refuse[JUDGE] = missing(JUDGE)
    preflight(**changes([ARMS[0], TRAINED])).execute(context)


def test_the_student_must_be_usable_although_it_is_not_trained(
    preflight: Any, bedrock: FakeBedrock, context: Any
) -> None:
    bedrock.refuse["amazon.nova-micro-v1:0"] = missing("amazon.nova-micro-v1:0")
    with pytest.raises(InputError, match=r"model nova-micro .* does not exist in this Region"):
        preflight(**changes(ARMS)).execute(context)


def test_a_prompt_with_logic_is_refused_before_anything_is_stored(
    preflight: Any, context: Any, store: MemoryStore, use_case: UseCase
) -> None:
    store.write(URI, LOGIC.replace("[:500]", "").encode())
    with pytest.raises(InputError) as refused:
        preflight(arms=ARMS, **section(use_case, "prompts", answering=URI)).execute(context)
    assert "line 2: question is used in {% if %}" in str(refused.value)
    assert not store.exists(FOLDER.prompts)
    preflight(**section(use_case, "prompts", answering=URI)).execute(context)


def test_the_prompt_of_the_project_can_be_optimized(preflight: Any, context: Any, store: MemoryStore) -> None:
    preflight(arms=ARMS).execute(context)
    assert store.exists(FOLDER.prompts)


def test_an_sdk_without_the_job_is_refused_before_anything_is_bought(
    preflight: Any, bedrock: FakeBedrock, context: Any
) -> None:
    bedrock.missing_operations.add(CREATE_OPERATION)
    message = r"arms prompted: .*botocore .* does not have; install boto3 1\.43\.10 or newer"
    with pytest.raises(InputError, match=message) as refused:
        preflight(**changes(ARMS)).execute(context)
    assert "Nothing was bought" in str(refused.value)
    preflight(**changes([ARMS[0], TRAINED])).execute(context)
