from __future__ import annotations

import math
import time
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from pydantic import ValidationError

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.account.faults import Fault
from tools.aws_simulator.testing import AdminError


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("throttle", "ThrottlingException", 429),
        ("internal_error", "InternalServerException", 500),
        ("service_unavailable", "ServiceUnavailableException", 503),
        ("access_denied", "AccessDeniedException", 403),
        ("model_timeout", "ModelTimeoutException", 408),
        ("model_error", "ModelErrorException", 424),
    ],
)
def test_a_call_that_ends_in_a_planned_error_is_free(
    simulator: RunningSimulator, kind: str, code: str, status: int
) -> None:
    simulator.fail(operation="Converse", kind=kind, times=1)
    with refused(code, status=status):
        builders.converse(simulator)
    assert simulator.ledger["billed_calls"] == 0
    assert builders.converse(simulator)
    assert simulator.ledger["by_model"][builders.STUDENT]["rejected"] == 1


def test_errors_of_the_control_plane_leave_nothing_behind(simulator: RunningSimulator) -> None:
    request = builders.job_request(simulator)
    for kind, code in (("throttle", "ThrottlingException"), ("service_unavailable", "ServiceUnavailableException")):
        simulator.fail(operation="CreateModelCustomizationJob", kind=kind, times=1)
        with refused(code):
            simulator.boto("bedrock").create_model_customization_job(**request)
    with refused("ResourceNotFoundException"):
        builders.job_state(simulator, request["jobName"])


def test_a_retry_after_a_late_answer_is_billed_again(simulator: RunningSimulator) -> None:
    simulator.fail(operation="Converse", kind="timeout", times=1, seconds=1.2)
    client = simulator.boto("bedrock-runtime", read_timeout=0.8, retries={"total_max_attempts": 2})
    messages = [{"role": "user", "content": [{"text": builders.prompt()}]}]
    assert builders.text_of(client.converse(modelId=builders.STUDENT, messages=messages))
    assert simulator.ledger["billed_calls"] == 2


def test_a_late_answer_is_delayed_as_long_as_the_rule_says(simulator: RunningSimulator) -> None:
    simulator.fail(operation="Converse", kind="timeout", times=2, seconds=0.3)
    started = time.monotonic()
    assert builders.converse(simulator)
    assert time.monotonic() - started >= 0.3
    client = simulator.boto("bedrock-runtime", read_timeout=0.1)
    with pytest.raises(ReadTimeoutError):
        client.converse(modelId=builders.STUDENT, messages=[{"role": "user", "content": [{"text": builders.prompt()}]}])


def test_a_malformed_answer_is_billed(simulator: RunningSimulator) -> None:
    simulator.fail(operation="InvokeModel", kind="malformed_answer", times=1)
    messages = [{"role": "user", "content": builders.synthesis_prompt()}]
    bad, _ = builders.invoke(simulator, builders.TEACHER, builders.anthropic_body(messages=messages, max_tokens=2000))
    good, _ = builders.invoke(simulator, builders.TEACHER, builders.anthropic_body(messages=messages, max_tokens=2000))
    assert "{" not in bad["content"][0]["text"]
    assert good["content"][0]["text"].startswith("{")
    assert simulator.ledger["billed_calls"] == 2


def test_a_truncated_answer_is_cut_in_half_with_the_stop_reason_max_tokens(simulator: RunningSimulator) -> None:
    whole = builders.text_of(builders.converse(simulator))
    simulator.fail(kind="truncated_answer", times=1)
    cut = builders.converse(simulator)
    assert cut["stopReason"] == "max_tokens"
    assert builders.text_of(cut) == whole[: len(whole) // 2]


def test_a_rule_lets_requests_pass_first_and_fires_a_limited_number_of_times(simulator: RunningSimulator) -> None:
    simulator.fail(operation="Converse", kind="throttle", after=1, times=2)
    outcomes = []
    for _ in range(4):
        try:
            builders.converse(simulator)
            outcomes.append("200")
        except Exception as error:
            outcomes.append(type(error).__name__)
    assert outcomes == ["200", "ThrottlingException", "ThrottlingException", "200"]
    rule = simulator.admin("GET", "faults")[0]
    assert (rule["seen"], rule["fired"]) == (3, 2)


def test_a_rule_without_a_limit_fires_until_the_plan_is_cleared(simulator: RunningSimulator) -> None:
    simulator.fail(operation="Converse", kind="throttle")
    for _ in range(3):
        with refused("ThrottlingException"):
            builders.converse(simulator)
    assert simulator.admin("DELETE", "faults") == []
    assert builders.converse(simulator)


@pytest.mark.parametrize("match", ["nova-micro", "lifecycle rules"])
def test_a_rule_hits_only_requests_whose_path_or_body_matches(simulator: RunningSimulator, match: str) -> None:
    simulator.fail(kind="throttle", match=match)
    with refused("ThrottlingException"):
        builders.converse(simulator)
    assert builders.converse(simulator, "us.amazon.nova-lite-v1:0", builders.prompt("Is it private?", "It is private."))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"kind": "throttle", "operation": "Convers"}, "applies to .* and to .*Converse"),
        ({"kind": "throttle", "operation": "converse"}, "applies to .*Converse"),
        ({"kind": "throttle", "operation": "PutObject"}, "applies to .*Converse"),
        ({"kind": "throttle", "operation": "CreateGuardrail"}, "applies to .*Converse"),
        ({"kind": "stream_throttle", "operation": "Converse"}, "and to ConverseStream, InvokeModelWithResponseStream"),
        ({"kind": "batch_failed", "operation": "Converse"}, "and to CreateModelInvocationJob"),
        ({"kind": "job_failed", "operation": "CreateModelInvocationJob"}, "and to CreateModelCustomizationJob"),
        ({"kind": "quota_exceeded", "operation": "Converse"}, "CreateModelCustomizationJob"),
        ({"kind": "model_timeout", "operation": "GetCustomModel"}, "and to Converse, ConverseStream, InvokeModel"),
        ({"kind": "throttle", "seconds": 5}, "has seconds"),
        ({"kind": "model_timeout", "seconds": 5}, "has seconds"),
    ],
)
def test_a_rule_that_would_have_no_effect_is_refused(
    simulator: RunningSimulator, rule: dict[str, Any], text: str
) -> None:
    with pytest.raises(AdminError, match=f"400: .*{text}"):
        simulator.admin("POST", "faults", [{"kind": "throttle"}, rule])
    assert simulator.admin("GET", "faults") == []


STALLS = [f"{kind}_stalled" for kind in ("job", "throughput", "batch", "evaluation", "optimization")]


@pytest.mark.parametrize("kind", ["timeout", "stream_pause", *STALLS])
def test_these_kinds_have_seconds(simulator: RunningSimulator, kind: str) -> None:
    simulator.fail(kind=kind, seconds=1)
    assert simulator.admin("GET", "faults")[0]["seconds"] == 1


@pytest.mark.parametrize(
    "values",
    [
        {"times": True},
        {"times": 0},
        {"times": 1.0},
        {"times": "1"},
        {"times": 10**9 + 1},
        {"after": False},
        {"after": -1},
        {"after": 10**400},
        {"kind": "timeout", "seconds": True},
        {"kind": "timeout", "seconds": -1},
        {"kind": "timeout", "seconds": math.nan},
        {"kind": "timeout", "seconds": math.inf},
        {"kind": "timeout", "seconds": 1e308},
        {"kind": "timeout", "seconds": "5"},
        {"match": 1},
    ],
    ids=str,
)
def test_a_rule_with_a_value_of_the_wrong_type_or_out_of_range_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate({"kind": "throttle", **values})
