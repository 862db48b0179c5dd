"""Check the hook's calls in cases that the fakes do not cover: pages, refusals, a stalled job."""

from __future__ import annotations

import datetime
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from bedrock_distill.hooks.bedrock import BedrockDistillHook, CustomizationJob
from include.distill.config.catalog import load_catalog
from include.distill.core.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    PossiblyBilledError,
    RefusedError,
    ThrottledError,
    TransientError,
    UnknownOperationError,
)
from include.distill.inference.requests import ModelRequest
from tests.contract.recorded_wire import ARN, RecordedWire
from tests.fakes.fake_bedrock import CREATED
from tests.fakes.scripted_hook import ScriptedHook


def model(name: str) -> dict[str, Any]:
    return {"modelName": name, "modelArn": f"arn:{name}", "creationTime": CREATED}


def test_models_are_listed_page_after_page() -> None:
    hook = ScriptedHook({"modelSummaries": [model("a")], "nextToken": "t"}, {"modelSummaries": [model("b")]})
    assert [model.name for model in hook.list_custom_models()] == ["a", "b"]
    assert [call.get("nextToken") for call in hook.calls] == [None, "t"]


@pytest.mark.parametrize(("headers", "simulated"), [({"x-simulated": "true"}, True), ({}, False)])
def test_a_response_shows_whether_the_account_is_simulated(headers: dict[str, str], simulated: bool) -> None:
    hook = ScriptedHook({"modelDetails": {}, "ResponseMetadata": {"HTTPHeaders": headers}})
    assert hook.is_simulated("amazon.nova-micro-v1:0") is simulated
    assert hook.calls[0]["modelIdentifier"] == "amazon.nova-micro-v1:0"


@pytest.mark.parametrize(
    ("headers", "day"),
    [
        ({"x-simulated": "true", "x-simulated-as-of": "2025-02-12"}, "2025-02-12"),
        ({"x-simulated": "true"}, None),
        ({"x-simulated-as-of": "2025-02-12"}, None),
        ({}, None),
    ],
)
def test_a_response_shows_the_day_of_a_simulated_account(headers: dict[str, str], day: str | None) -> None:
    hook = ScriptedHook({"modelDetails": {}, "ResponseMetadata": {"HTTPHeaders": headers}})
    assert hook.simulated_day("amazon.nova-micro-v1:0") == day


def test_the_availability_of_a_model_is_empty_where_bedrock_does_not_have_the_operation() -> None:
    assert ScriptedHook(UnknownOperationError("no such operation")).model_availability("amazon.nova-micro-v1:0") == {}
    with pytest.raises(InvalidRequestError):
        ScriptedHook(InvalidRequestError("wrong")).model_availability("amazon.nova-micro-v1:0")


def test_a_failed_page_is_an_error_and_not_a_shorter_list() -> None:
    hook = ScriptedHook({"provisionedModelSummaries": [], "nextToken": "t"}, TransientError("500"))
    with pytest.raises(TransientError):
        hook.list_throughputs()


@pytest.mark.parametrize(
    ("answer", "gone"),
    [
        pytest.param({}, True, id="deleted"),
        pytest.param(NotFoundError("no such model"), True, id="absent"),
        pytest.param(ConflictError("in use"), False, id="in use"),
    ],
)
def test_a_model_is_deleted_unless_something_uses_it(answer: Any, gone: bool) -> None:
    assert ScriptedHook(answer).delete_custom_model("arn:m") is gone


def access_denied() -> RefusedError:
    error = RefusedError("no tags, no access")
    error.code = "AccessDeniedException"
    return error


def test_a_resource_that_is_gone_counts_as_deleted_although_the_policy_wants_its_tags() -> None:
    gone = NotFoundError("gone")
    assert ScriptedHook(access_denied(), gone).delete_custom_model("arn:m") is True
    ScriptedHook(access_denied(), gone).delete_throughput("arn:t")
    ScriptedHook(access_denied(), gone).delete_deployment("arn:d")


def test_a_deletion_that_a_policy_refuses_is_an_error_if_the_resource_exists() -> None:
    hook = ScriptedHook(access_denied(), {})
    with pytest.raises(RefusedError, match="no tags, no access"):
        hook.delete_custom_model("arn:m")
    assert [call["method"] for call in hook.calls] == ["delete_custom_model", "get_custom_model"]


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        pytest.param(
            "ValidationException: The provided model doesn't support counting tokens. Correct the setting.",
            r"^Bedrock does not count tokens for anthropic\.claude-haiku-4-5-20251001-v1:0 in this Region\.$",
            id="unsupported",
        ),
        pytest.param("AccessDeniedException: not authorized. Add it.", "not authorized. Add it", id="not allowed"),
    ],
)
def test_a_model_whose_tokens_bedrock_does_not_count_is_named_without_advice(refusal: str, message: str) -> None:
    haiku = load_catalog().model("claude-haiku-4-5")
    hook = ScriptedHook(RefusedError(refusal))
    with pytest.raises(RefusedError, match=message):
        hook.count_tokens(ModelRequest(haiku, haiku.inference_id, haiku.inference_id, "text", 10))
    assert [call["modelId"] for call in hook.calls] == [haiku.foundation_id]


@pytest.mark.parametrize(("max_tokens", "seconds"), [(100, 5), (2_000, 100), (32_000, 1_600), (200_000, 3_600)])
def test_the_time_to_wait_for_an_answer_grows_with_its_length_up_to_an_hour(max_tokens: int, seconds: int) -> None:
    teacher = load_catalog().model("claude-haiku-4-5")
    waited: list[int] = []

    class Hook(BedrockDistillHook):
        def call(self, *_: Any, extra_seconds: int = 0, **__: Any) -> Any:
            waited.append(extra_seconds)
            raise ThrottledError("slow")

    with pytest.raises(ThrottledError):
        Hook().ask(ModelRequest(teacher, teacher.inference_id, teacher.inference_id, "text", max_tokens))
    assert waited == [seconds]


class TestQuotedRequests:
    """AWS's message about a failed call may quote the prompt, and Airflow logs the message."""

    def refused(self, call: Callable[[BedrockDistillHook, ModelRequest], Any]) -> InvalidRequestError:
        teacher = load_catalog().model("claude-haiku-4-5")
        request = ModelRequest(teacher, teacher.inference_id, teacher.inference_id, "The secret of Frau Meier.", 100)
        answer = InvalidRequestError(
            "invoke_model x: ValidationException: 'the secret of Frau Meier' is bad.\x1b[31m",
            to_do="Correct the request.",
        )
        answer.code = "ValidationException"
        with pytest.raises(InvalidRequestError) as raised:
            call(ScriptedHook(answer, answer), request)  # tokens are counted for two names of the model
        return raised.value

    @pytest.mark.parametrize("call", [BedrockDistillHook.ask, BedrockDistillHook.count_tokens])
    def test_the_error_keeps_its_class_code_and_advice_but_not_the_text_of_the_request(
        self, call: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        error = self.refused(call)
        assert error.happened == "invoke_model x: ValidationException: '[text of the request]' is bad.\\x1b[31m"
        assert (error.code, error.to_do) == ("ValidationException", "Correct the request.")
        assert error.__cause__ is None
        assert error.__suppress_context__
        assert [record.levelname for record in caplog.records if "Frau Meier" in record.getMessage()] in (
            ["DEBUG"],
            ["DEBUG"] * 2,
        )


@pytest.mark.parametrize(
    ("hours", "training", "stalled"),
    [(7, "NotStarted", True), (5, "NotStarted", False), (7, "InProgress", False), (7, "Completed", False)],
)
def test_a_job_that_runs_for_long_without_training_is_stalled(hours: float, training: str, stalled: bool) -> None:
    """Six hours without training are too long."""
    created = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=hours)
    job = CustomizationJob("job", "arn", "InProgress", created, details=(("trainingDetails", training),))
    assert job.is_stalled(6 * 3600) is stalled


@pytest.mark.parametrize("is_cut", [True, False], ids=["cut off", "too slow"])
def test_an_answer_that_is_lost_while_its_body_is_read_may_be_billed(
    monkeypatch: pytest.MonkeyPatch, is_cut: bool
) -> None:
    """The answer of `invoke_model` is a stream that is read after the call. The server sends only its first bytes."""
    haiku = load_catalog().model("claude-haiku-4-5")
    with socket.create_server(("127.0.0.1", 0)) as server:
        for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
            monkeypatch.setenv(f"AWS_{name}", "test")
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        connections = []

        def answer() -> None:
            connection, _ = server.accept()
            connections.append(connection)
            connection.recv(65536)
            connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"content": ')
            if is_cut:
                connection.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        config = {"connect_timeout": 1, "read_timeout": -0.3, "retries": {"mode": "standard", "total_max_attempts": 6}}
        hook = BedrockDistillHook(None, "us-east-1", config=config)
        request = ModelRequest(haiku, haiku.inference_id, haiku.inference_id, "q", 1)
        with pytest.raises(PossiblyBilledError, match=r"^invoke_model .*AWS may bill this call"):
            hook.ask(request)
        thread.join()
        connections[0].close()


def test_another_model_is_put_behind_throughput() -> None:
    throughput_arn, model_arn = (
        f"{ARN}:provisioned-model/abcdef012345",
        f"{ARN}:custom-model/amazon.nova-micro-v1:0:128k/abcdef012345",
    )
    wire = RecordedWire()
    wire.hook().update_throughput(throughput_arn, model_arn)
    (request,) = wire.requests
    assert request.operation == "UpdateProvisionedModelThroughput"
    assert request.arguments == {"provisionedModelId": throughput_arn, "desiredModelId": model_arn}
    assert request.violations() == []


def test_the_model_of_an_update_in_progress_is_read() -> None:
    answer = {
        "provisionedModelName": "n",
        "provisionedModelArn": "arn:t",
        "status": "Updating",
        "creationTime": CREATED,
        "modelArn": "arn:old",
        "desiredModelArn": "arn:new",
        "modelUnits": 1,
    }
    found = ScriptedHook(answer).find_throughput("n")
    assert found is not None
    assert (found.model_arn, found.desired_model_arn) == ("arn:old", "arn:new")
