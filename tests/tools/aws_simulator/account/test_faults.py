from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from tests.fakes.stand_in import AdminError, RunningStandIn, wait_until
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
def test_an_error_is_answered_instead_of_acting(stand_in: RunningStandIn, kind: str, code: str, status: int) -> None:
    stand_in.fail(operation="Converse", kind=kind, times=1)
    with refused(code, status=status):
        builders.converse(stand_in)
    assert stand_in.ledger["billed_calls"] == 0
    assert builders.converse(stand_in)
    assert stand_in.ledger["by_model"][builders.STUDENT]["rejected"] == 1


def test_errors_of_the_control_plane_leave_nothing_behind(stand_in: RunningStandIn) -> None:
    request = builders.job_request(stand_in)
    for kind, code in (("throttle", "ThrottlingException"), ("service_unavailable", "ServiceUnavailableException")):
        stand_in.fail(operation="CreateModelCustomizationJob", kind=kind, times=1)
        with refused(code):
            stand_in.boto("bedrock").create_model_customization_job(**request)
    with refused("ResourceNotFoundException"):
        builders.job_state(stand_in, request["jobName"])


def test_a_connection_dropped_before_acting_costs_nothing(stand_in: RunningStandIn) -> None:
    stand_in.fail(operation="Converse", kind="drop_before", times=1)
    with pytest.raises(ConnectionClosedError):
        builders.converse(stand_in)
    assert stand_in.ledger["billed_calls"] == 0
    assert stand_in.admin("GET", "requests")[-1]["outcome"] == "ConnectionClosed"


def test_a_connection_dropped_after_acting_was_billed(stand_in: RunningStandIn) -> None:
    stand_in.fail(operation="Converse", kind="drop_after", times=1)
    with pytest.raises(ConnectionClosedError):
        builders.converse(stand_in)
    assert stand_in.ledger["billed_calls"] == 1


def test_a_thing_bought_on_a_lost_connection_is_found_by_its_name(stand_in: RunningStandIn) -> None:
    request = builders.job_request(stand_in, clientRequestToken="lost-connection")
    stand_in.fail(operation="CreateModelCustomizationJob", kind="drop_after", times=1)
    create = stand_in.boto("bedrock").create_model_customization_job
    with pytest.raises(ConnectionClosedError):
        create(**request)
    found = builders.job_state(stand_in, request["jobName"])["jobArn"]
    assert create(**request)["jobArn"] == found


def test_an_answer_that_comes_too_late_is_billed_again_by_the_retry(stand_in: RunningStandIn) -> None:
    stand_in.fail(operation="Converse", kind="timeout", times=1, seconds=1.2)
    client = stand_in.boto("bedrock-runtime", read_timeout=0.8, retries={"total_max_attempts": 2})
    messages = [{"role": "user", "content": [{"text": builders.prompt()}]}]
    assert builders.text_of(client.converse(modelId=builders.STUDENT, messages=messages))
    assert stand_in.ledger["billed_calls"] == 2


def test_a_late_answer_is_late_by_what_the_rule_says(stand_in: RunningStandIn) -> None:
    stand_in.fail(operation="Converse", kind="timeout", times=2, seconds=0.3)
    started = time.monotonic()
    assert builders.converse(stand_in)
    assert time.monotonic() - started >= 0.3
    client = stand_in.boto("bedrock-runtime", read_timeout=0.1)
    with pytest.raises(ReadTimeoutError):
        client.converse(modelId=builders.STUDENT, messages=[{"role": "user", "content": [{"text": builders.prompt()}]}])


def test_a_malformed_answer_has_lost_its_structure_and_was_billed(stand_in: RunningStandIn) -> None:
    stand_in.fail(operation="InvokeModel", kind="malformed_answer", times=1)
    messages = [{"role": "user", "content": builders.synthesis_prompt()}]
    bad, _ = builders.invoke(stand_in, builders.TEACHER, builders.anthropic_body(messages=messages, max_tokens=2000))
    good, _ = builders.invoke(stand_in, builders.TEACHER, builders.anthropic_body(messages=messages, max_tokens=2000))
    assert "{" not in bad["content"][0]["text"]
    assert good["content"][0]["text"].startswith("{")
    assert stand_in.ledger["billed_calls"] == 2


def test_a_truncated_answer_ends_in_the_middle_and_says_so(stand_in: RunningStandIn) -> None:
    whole = builders.text_of(builders.converse(stand_in))
    stand_in.fail(kind="truncated_answer", times=1)
    cut = builders.converse(stand_in)
    assert cut["stopReason"] == "max_tokens"
    assert builders.text_of(cut) == whole[: len(whole) // 2]


def test_a_failed_job_fails_in_training_and_the_next_one_completes(stand_in: RunningStandIn) -> None:
    stand_in.fail(operation="CreateModelCustomizationJob", kind="job_failed", times=1)
    failed = builders.finished_job(stand_in, builders.create_job(stand_in))
    assert (failed["status"], failed["failureMessage"]) == (
        "Failed",
        "Encountered an internal error when processing the request.",
    )
    assert failed["statusDetails"]["trainingDetails"]["status"] == "Failed"
    assert builders.finished_job(stand_in, builders.create_job(stand_in))["status"] == "Completed"


def test_a_stalled_job_never_starts_training_until_it_is_stopped(stand_in: RunningStandIn) -> None:
    stand_in.admin("PUT", "settings", {"job_seconds": 0})
    stand_in.fail(operation="CreateModelCustomizationJob", kind="job_stalled", times=1)
    arn = builders.create_job(stand_in)

    def details() -> dict[str, Any]:
        return builders.job_state(stand_in, arn)["statusDetails"]

    wait_until(lambda: details()["dataProcessingDetails"]["status"] == "Completed")
    time.sleep(0.1)
    assert builders.job_state(stand_in, arn)["status"] == "InProgress"
    assert details()["trainingDetails"]["status"] == "NotStarted"
    stand_in.boto("bedrock").stop_model_customization_job(jobIdentifier=arn)
    assert builders.finished_job(stand_in, arn)["status"] == "Stopped"


def test_a_stall_may_end(stand_in: RunningStandIn) -> None:
    stand_in.fail(kind="job_stalled", times=1, seconds=0.3)
    assert builders.finished_job(stand_in, builders.create_job(stand_in))["status"] == "Completed"


def test_a_stall_is_ended_for_what_is_named_alone(stand_in: RunningStandIn) -> None:
    stand_in.admin("PUT", "settings", {"job_seconds": 0})
    stand_in.fail(kind="job_stalled")
    ended, other = (builders.create_job(stand_in, jobName=name) for name in ("mine-1", "theirs-1"))
    assert stand_in.admin("DELETE", "stalls?match=mine-") == {"ended": 1}
    assert builders.finished_job(stand_in, ended)["status"] == "Completed"
    assert builders.job_state(stand_in, other)["status"] == "InProgress"


def test_a_rule_waits_fires_so_often_and_ends(stand_in: RunningStandIn) -> None:
    stand_in.fail(operation="Converse", kind="throttle", after=1, times=2)
    outcomes = []
    for _ in range(4):
        try:
            builders.converse(stand_in)
            outcomes.append("200")
        except Exception as error:
            outcomes.append(type(error).__name__)
    assert outcomes == ["200", "ThrottlingException", "ThrottlingException", "200"]
    rule = stand_in.admin("GET", "faults")[0]
    assert (rule["seen"], rule["fired"]) == (3, 2)


def test_a_rule_without_times_fires_for_ever_until_the_plan_is_cleared(stand_in: RunningStandIn) -> None:
    stand_in.fail(operation="Converse", kind="throttle")
    for _ in range(3):
        with refused("ThrottlingException"):
            builders.converse(stand_in)
    assert stand_in.admin("DELETE", "faults") == []
    assert builders.converse(stand_in)


@pytest.mark.parametrize("match", ["nova-micro", "lifecycle rules"])
def test_a_rule_hits_only_what_it_matches_in_path_or_body(stand_in: RunningStandIn, match: str) -> None:
    stand_in.fail(kind="throttle", match=match)
    with refused("ThrottlingException"):
        builders.converse(stand_in)
    assert builders.converse(stand_in, "us.amazon.nova-lite-v1:0", builders.prompt("Is it private?", "It is private."))


def test_requests_are_noted_with_operation_outcome_and_fault_but_no_text(stand_in: RunningStandIn) -> None:
    stand_in.fail(operation="Converse", kind="throttle", times=1)
    with refused("ThrottlingException"):
        builders.converse(stand_in)
    builders.converse(stand_in)
    noted = stand_in.admin("GET", "requests")
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
    stand_in: RunningStandIn, method: str, path: str, body: Any, complaint: str
) -> None:
    before = stand_in.admin("GET", "settings")
    with pytest.raises(AdminError, match=complaint):
        stand_in.admin(method, path, body)
    assert stand_in.admin("GET", "settings") == before
    assert stand_in.admin("GET", "faults") == []


def test_the_stand_in_says_that_it_lives(stand_in: RunningStandIn) -> None:
    assert stand_in.admin("GET", "health") == {"status": "ok", "simulated": True}
