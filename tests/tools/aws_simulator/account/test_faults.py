from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from tests.fakes.aws_simulator import AdminError, RunningSimulator, wait_until
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused


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
def test_an_error_is_answered_instead_of_acting(simulator: RunningSimulator, kind: str, code: str, status: int) -> None:
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


def test_a_connection_dropped_before_acting_costs_nothing(simulator: RunningSimulator) -> None:
    simulator.fail(operation="Converse", kind="drop_before", times=1)
    with pytest.raises(ConnectionClosedError):
        builders.converse(simulator)
    assert simulator.ledger["billed_calls"] == 0
    assert simulator.admin("GET", "requests")[-1]["outcome"] == "ConnectionClosed"


def test_a_connection_dropped_after_acting_was_billed(simulator: RunningSimulator) -> None:
    simulator.fail(operation="Converse", kind="drop_after", times=1)
    with pytest.raises(ConnectionClosedError):
        builders.converse(simulator)
    assert simulator.ledger["billed_calls"] == 1


def test_a_thing_bought_on_a_lost_connection_is_found_by_its_name(simulator: RunningSimulator) -> None:
    request = builders.job_request(simulator, clientRequestToken="lost-connection")
    simulator.fail(operation="CreateModelCustomizationJob", kind="drop_after", times=1)
    create = simulator.boto("bedrock").create_model_customization_job
    with pytest.raises(ConnectionClosedError):
        create(**request)
    found = builders.job_state(simulator, request["jobName"])["jobArn"]
    assert create(**request)["jobArn"] == found


def test_an_answer_that_comes_too_late_is_billed_again_by_the_retry(simulator: RunningSimulator) -> None:
    simulator.fail(operation="Converse", kind="timeout", times=1, seconds=1.2)
    client = simulator.boto("bedrock-runtime", read_timeout=0.8, retries={"total_max_attempts": 2})
    messages = [{"role": "user", "content": [{"text": builders.prompt()}]}]
    assert builders.text_of(client.converse(modelId=builders.STUDENT, messages=messages))
    assert simulator.ledger["billed_calls"] == 2


def test_a_late_answer_is_late_by_what_the_rule_says(simulator: RunningSimulator) -> None:
    simulator.fail(operation="Converse", kind="timeout", times=2, seconds=0.3)
    started = time.monotonic()
    assert builders.converse(simulator)
    assert time.monotonic() - started >= 0.3
    client = simulator.boto("bedrock-runtime", read_timeout=0.1)
    with pytest.raises(ReadTimeoutError):
        client.converse(modelId=builders.STUDENT, messages=[{"role": "user", "content": [{"text": builders.prompt()}]}])


def test_a_malformed_answer_has_lost_its_structure_and_was_billed(simulator: RunningSimulator) -> None:
    simulator.fail(operation="InvokeModel", kind="malformed_answer", times=1)
    messages = [{"role": "user", "content": builders.synthesis_prompt()}]
    bad, _ = builders.invoke(simulator, builders.TEACHER, builders.anthropic_body(messages=messages, max_tokens=2000))
    good, _ = builders.invoke(simulator, builders.TEACHER, builders.anthropic_body(messages=messages, max_tokens=2000))
    assert "{" not in bad["content"][0]["text"]
    assert good["content"][0]["text"].startswith("{")
    assert simulator.ledger["billed_calls"] == 2


def test_a_truncated_answer_ends_in_the_middle_and_says_so(simulator: RunningSimulator) -> None:
    whole = builders.text_of(builders.converse(simulator))
    simulator.fail(kind="truncated_answer", times=1)
    cut = builders.converse(simulator)
    assert cut["stopReason"] == "max_tokens"
    assert builders.text_of(cut) == whole[: len(whole) // 2]


def test_a_failed_job_fails_in_training_and_the_next_one_completes(simulator: RunningSimulator) -> None:
    simulator.fail(operation="CreateModelCustomizationJob", kind="job_failed", times=1)
    failed = builders.finished_job(simulator, builders.create_job(simulator))
    assert (failed["status"], failed["failureMessage"]) == (
        "Failed",
        "Encountered an internal error when processing the request.",
    )
    assert failed["statusDetails"]["trainingDetails"]["status"] == "Failed"
    assert builders.finished_job(simulator, builders.create_job(simulator))["status"] == "Completed"


def test_a_stalled_job_never_starts_training_until_it_is_stopped(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"job_seconds": 0})
    simulator.fail(operation="CreateModelCustomizationJob", kind="job_stalled", times=1)
    arn = builders.create_job(simulator)

    def details() -> dict[str, Any]:
        return builders.job_state(simulator, arn)["statusDetails"]

    wait_until(lambda: details()["dataProcessingDetails"]["status"] == "Completed")
    time.sleep(0.1)
    assert builders.job_state(simulator, arn)["status"] == "InProgress"
    assert details()["trainingDetails"]["status"] == "NotStarted"
    simulator.boto("bedrock").stop_model_customization_job(jobIdentifier=arn)
    assert builders.finished_job(simulator, arn)["status"] == "Stopped"


def test_a_stall_may_end(simulator: RunningSimulator) -> None:
    simulator.fail(kind="job_stalled", times=1, seconds=0.3)
    assert builders.finished_job(simulator, builders.create_job(simulator))["status"] == "Completed"


def test_a_stall_is_ended_for_what_is_named_alone(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"job_seconds": 0})
    simulator.fail(kind="job_stalled")
    ended, other = (builders.create_job(simulator, jobName=name) for name in ("mine-1", "theirs-1"))
    assert simulator.admin("DELETE", "stalls?match=mine-") == {"ended": 1}
    assert builders.finished_job(simulator, ended)["status"] == "Completed"
    assert builders.job_state(simulator, other)["status"] == "InProgress"


def test_a_rule_waits_fires_so_often_and_ends(simulator: RunningSimulator) -> None:
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


def test_a_rule_without_times_fires_for_ever_until_the_plan_is_cleared(simulator: RunningSimulator) -> None:
    simulator.fail(operation="Converse", kind="throttle")
    for _ in range(3):
        with refused("ThrottlingException"):
            builders.converse(simulator)
    assert simulator.admin("DELETE", "faults") == []
    assert builders.converse(simulator)


@pytest.mark.parametrize("match", ["nova-micro", "lifecycle rules"])
def test_a_rule_hits_only_what_it_matches_in_path_or_body(simulator: RunningSimulator, match: str) -> None:
    simulator.fail(kind="throttle", match=match)
    with refused("ThrottlingException"):
        builders.converse(simulator)
    assert builders.converse(simulator, "us.amazon.nova-lite-v1:0", builders.prompt("Is it private?", "It is private."))


def test_requests_are_noted_with_operation_outcome_and_fault_but_no_text(simulator: RunningSimulator) -> None:
    simulator.fail(operation="Converse", kind="throttle", times=1)
    with refused("ThrottlingException"):
        builders.converse(simulator)
    builders.converse(simulator)
    noted = simulator.admin("GET", "requests")
    assert [(entry["operation"], entry["outcome"], entry["fault"]) for entry in noted] == [
        ("Converse", "ThrottlingException", "throttle"),
        ("Converse", "200", None),
    ]
    assert "lifecycle" not in str(noted)


@pytest.mark.parametrize(
    ("method", "path", "body", "complaint"),
    [
        pytest.param("POST", "faults", [{"kind": "explode"}], "kind", id="unknown kind"),
        pytest.param("POST", "faults", {"kind": "throttle", "when": 1}, "when", id="unknown key"),
        pytest.param("PUT", "settings", {"job_seconds": -1}, "job_seconds", id="setting out of range"),
        pytest.param("PUT", "settings", {"speed": 1}, "speed", id="unknown setting"),
        pytest.param("PUT", "settings", [1], "JSON object", id="no object"),
        pytest.param("GET", "nothing", None, "Not Found", id="unknown route"),
    ],
)
def test_a_wrong_admin_request_is_refused_and_changes_nothing(
    simulator: RunningSimulator, method: str, path: str, body: Any, complaint: str
) -> None:
    before = simulator.admin("GET", "settings")
    with pytest.raises(AdminError, match=complaint):
        simulator.admin(method, path, body)
    assert simulator.admin("GET", "settings") == before
    assert simulator.admin("GET", "faults") == []


def test_the_simulator_says_that_it_lives(simulator: RunningSimulator) -> None:
    assert simulator.admin("GET", "health") == {"status": "ok", "simulated": True}
