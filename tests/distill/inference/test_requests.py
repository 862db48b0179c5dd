from __future__ import annotations

import dataclasses
import io
import json
from typing import Any, get_args

import botocore.session
import pytest
from botocore.validate import ParamValidator

from include.distill.config.catalog import ApiName, load_catalog
from include.distill.core.errors import ContractError, PossiblyBilledError
from include.distill.inference.requests import (
    WIRE_FORMATS,
    ApiCall,
    Completion,
    ModelRequest,
    read_model_output,
    read_reply,
    to_api_call,
    to_model_input,
)
from tests.distill.conftest import make_request

ANTHROPIC = "claude-haiku-4-5"
CONVERSE = "nova-micro"
FIXED_TEMPERATURE = "claude-sonnet-5-5"
# One active model of each API.
EXAMPLES = {model.api: model.key for model in load_catalog().models.values() if model.lifecycle == "active"}
SCHEMA = '{"type": "object", "properties": {}, "additionalProperties": false}'


def invoked_body(request: ModelRequest) -> Any:
    """Return the body of a call through InvokeModel."""
    return json.loads(to_api_call(request).parameters["body"])


def able(model: str) -> ModelRequest:
    """Return a request with a schema, as if the model supported structured output."""
    request = make_request(model, json_schema=SCHEMA)
    return dataclasses.replace(request, model=request.model.model_copy(update={"json_schema": True}))


def call_of(model: str) -> ApiCall:
    return to_api_call(make_request(model))


def invoked_reply(body: Any, **headers: str) -> dict[str, Any]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return {"body": io.BytesIO(raw), "ResponseMetadata": {"HTTPHeaders": headers}}


class TestWireFormats:
    def test_every_api_of_the_catalog_has_a_format(self) -> None:
        missing = sorted(set(get_args(ApiName)) - set(WIRE_FORMATS))
        assert missing == [], f"add an entry for {missing} to WIRE_FORMATS in include/distill/inference/requests.py"
        unknown = sorted(set(WIRE_FORMATS) - set(get_args(ApiName)))
        assert unknown == [], f"add {unknown} to ApiName in include/distill/config/catalog.py"

    def test_every_api_is_used_by_an_active_model(self) -> None:
        """The other tests, and those of the AWS simulator, send requests only to the active models of the catalog."""
        unused = sorted(set(get_args(ApiName)) - set(EXAMPLES))
        assert unused == [], f"include/models.yaml has no active model with the api {unused}, so no test calls the api"


class TestCalls:
    def test_anthropic_models_are_called_through_invoke_model(self) -> None:
        request = make_request(ANTHROPIC, user="é?", system="s", temperature=0.5, max_tokens=77, invoke_id="id")
        call = to_api_call(request)
        assert call.operation == "invoke_model"
        assert call.parameters["modelId"] == "id"
        assert invoked_body(request) == {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 77,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "é?"}]}],
            "system": "s",
            "temperature": 0.5,
        }

    def test_models_of_other_providers_are_called_through_converse(self) -> None:
        request = make_request(CONVERSE, system="s", temperature=0.0, max_tokens=77, invoke_id="arn:throughput")
        assert to_api_call(request) == ApiCall(
            "converse",
            {
                "modelId": "arn:throughput",
                "messages": [{"role": "user", "content": [{"text": "u"}]}],
                "inferenceConfig": {"maxTokens": 77, "temperature": 0.0},
                "system": [{"text": "s"}],
            },
        )

    def test_no_system_field_is_sent_when_the_request_has_no_system_text(self) -> None:
        assert "system" not in invoked_body(make_request(ANTHROPIC))
        assert "system" not in to_api_call(make_request(CONVERSE)).parameters

    @pytest.mark.parametrize("temperature", [None, 0.7])
    def test_the_temperature_is_sent_only_when_it_is_stated(self, temperature: float | None) -> None:
        expected = {} if temperature is None else {"temperature": temperature}
        config = to_api_call(make_request(CONVERSE, temperature=temperature)).parameters["inferenceConfig"]
        assert config == {"maxTokens": 64, **expected}
        assert invoked_body(make_request(ANTHROPIC, temperature=temperature)).get("temperature") == temperature

    def test_no_temperature_is_sent_to_a_model_without_a_temperature_setting(self) -> None:
        assert "temperature" not in invoked_body(make_request(FIXED_TEMPERATURE, temperature=0.7))

    def test_the_schema_is_sent_to_a_model_with_structured_output(self) -> None:
        form = invoked_body(make_request(ANTHROPIC, json_schema=SCHEMA))["output_config"]["format"]
        assert form == {"type": "json_schema", "schema": json.loads(SCHEMA)}
        parameters = to_api_call(able(CONVERSE)).parameters
        structure = {"jsonSchema": {"schema": SCHEMA}}
        assert parameters["outputConfig"] == {"textFormat": {"type": "json_schema", "structure": structure}}
        runtime = botocore.session.get_session().get_service_model("bedrock-runtime")
        report = ParamValidator().validate(parameters, runtime.operation_model("Converse").input_shape)
        assert not report.has_errors(), report.generate_report()

    def test_the_schema_is_not_sent_to_a_model_without_structured_output(self) -> None:
        assert "outputConfig" not in to_api_call(make_request(CONVERSE, json_schema=SCHEMA)).parameters
        assert "output_config" not in invoked_body(make_request("claude-sonnet-5-5", json_schema=SCHEMA))

    @pytest.mark.parametrize("model", EXAMPLES.values(), ids=list(EXAMPLES))
    def test_botocore_accepts_the_parameters_of_a_call(self, model: str) -> None:
        call = to_api_call(make_request(model, system="s", temperature=0.1))
        operation = {"invoke_model": "InvokeModel", "converse": "Converse"}[call.operation]
        runtime = botocore.session.get_session().get_service_model("bedrock-runtime")
        report = ParamValidator().validate(call.parameters, runtime.operation_model(operation).input_shape)
        assert not report.has_errors(), report.generate_report()


class TestBatchRecords:
    @pytest.mark.parametrize("model", EXAMPLES.values(), ids=list(EXAMPLES))
    def test_a_batch_record_has_the_body_of_a_call_without_the_model_id(self, model: str) -> None:
        request = make_request(model, system="s", temperature=0.1)
        parameters = to_api_call(request).parameters
        sent = json.loads(parameters["body"]) if "body" in parameters else {**parameters}
        sent.pop("modelId", None)
        assert to_model_input(request) == sent

    @pytest.mark.parametrize("model", [ANTHROPIC, CONVERSE])
    def test_a_batch_record_has_the_schema_of_a_request(self, model: str) -> None:
        assert "json_schema" in json.dumps(to_model_input(able(model)))

    @pytest.mark.parametrize(("model", "name"), [(ANTHROPIC, "InvokeModel"), (CONVERSE, "Converse")])
    def test_a_batch_job_names_the_api_that_takes_its_records(self, model: str, name: str) -> None:
        assert WIRE_FORMATS[make_request(model).model.api].invocation_type == name

    def test_the_output_of_a_batch_record_is_read_like_the_answer_of_a_call(self) -> None:
        model = make_request(ANTHROPIC).model
        body = {
            "content": [{"type": "text", "text": "a"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 5, "output_tokens": 6},
        }
        assert read_model_output(model, body, simulated=True) == Completion("a", "end_turn", 5, 6, simulated=True)

    def test_batch_output_in_an_unknown_format_raises_an_error_that_says_it_was_billed(self) -> None:
        with pytest.raises(ContractError, match=r"claude-haiku-4-5 has an unknown format.*billed.*on demand"):
            read_model_output(make_request(ANTHROPIC).model, {"content": []}, simulated=False)


class TestKeys:
    @pytest.mark.parametrize(
        ("request_", "key"),
        [
            pytest.param(
                make_request("nova-micro", system="s", temperature=0.5),
                "58fef131766c80f18052403c64c5e77d196cd9555693726686d25bae2fba8cdc",
                id="without a schema",
            ),
            pytest.param(
                make_request("claude-haiku-4-5", json_schema='{"type": "object"}'),
                "18315fd789a4b395c4f8f3141d2e4bd4cebc2978f49ff69ca957ba64de53a646",
                id="with a schema",
            ),
        ],
    )
    def test_request_keys_equal_the_keys_of_earlier_versions(self, request_: ModelRequest, key: str) -> None:
        assert request_.key == key

    @pytest.mark.parametrize(
        "change",
        [
            {"identity": "another"},
            {"user": "another"},
            {"system": "another"},
            {"max_tokens": 65},
            {"temperature": 0.0},
            {"temperature": 0.1},
            {"sample": 1},
        ],
        ids=str,
    )
    def test_a_different_request_has_a_different_key(self, change: dict[str, Any]) -> None:
        assert make_request(**change).key != make_request().key

    def test_user_text_and_system_text_are_distinguished_in_the_key(self) -> None:
        assert make_request(user="a", system="b").key != make_request(user="b", system="a").key

    def test_the_key_does_not_depend_on_the_throughput(self) -> None:
        assert make_request(invoke_id="arn:throughput/1").key == make_request(invoke_id="arn:throughput/2").key

    def test_a_schema_changes_the_key_only_if_the_schema_is_sent(self) -> None:
        assert make_request(ANTHROPIC, json_schema=SCHEMA).key != make_request(ANTHROPIC).key
        assert make_request(CONVERSE, json_schema=SCHEMA).key == make_request(CONVERSE).key

    def test_a_temperature_that_is_not_sent_does_not_change_the_key(self) -> None:
        assert make_request(FIXED_TEMPERATURE, temperature=0.7).key == make_request(FIXED_TEMPERATURE).key


class TestReplies:
    def test_the_text_of_an_anthropic_answer_is_made_of_its_text_blocks(self) -> None:
        blocks = [{"type": "thinking", "thinking": "t"}, {"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
        body = {"content": blocks, "stop_reason": "max_tokens", "usage": {"input_tokens": 5, "output_tokens": 6}}
        assert read_reply(call_of(ANTHROPIC), invoked_reply(body)) == Completion("ab", "max_tokens", 5, 6)

    def test_the_text_of_a_converse_answer_is_made_of_its_text_blocks(self) -> None:
        response = {
            "output": {"message": {"role": "assistant", "content": [{"reasoningContent": {}}, {"text": "a"}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 5, "outputTokens": 6, "totalTokens": 11},
            "ResponseMetadata": {"HTTPHeaders": {"x-simulated": "true"}},
        }
        assert read_reply(call_of(CONVERSE), response) == Completion("a", "end_turn", 5, 6, simulated=True)

    def test_an_unpaired_surrogate_in_an_answer_is_replaced(self) -> None:
        raw = (
            b'{"content": [{"type": "text", "text": "ok \\ud83d"}], "stop_reason": "max_tokens",'
            b' "usage": {"input_tokens": 5, "output_tokens": 6}}'
        )
        text = read_reply(call_of(ANTHROPIC), invoked_reply(raw)).text
        assert text.encode().decode() == "ok \N{REPLACEMENT CHARACTER}"

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"<html>", id="not JSON"),
            pytest.param(b"\xff", id="not text"),
            pytest.param([], id="a list"),
            pytest.param({}, id="empty"),
            pytest.param({"content": "a", "stop_reason": "s", "usage": {}}, id="content is text"),
            pytest.param({"content": [{"type": "text"}], "stop_reason": "s", "usage": {}}, id="a block without text"),
            pytest.param({"content": [], "stop_reason": "s"}, id="no usage"),
            pytest.param(
                {"content": [], "stop_reason": "s", "usage": {"input_tokens": None, "output_tokens": 1}},
                id="usage is not a number",
            ),
        ],
    )
    def test_an_answer_in_an_unknown_format_raises_an_error_that_says_it_was_billed(self, body: Any) -> None:
        with pytest.raises(ContractError, match=r"us\.anthropic.* to invoke_model has an unknown format.*billed"):
            read_reply(call_of(ANTHROPIC), invoked_reply(body))

    @pytest.mark.parametrize("body", [b"", b'{"content": [{"ty', b' {"content": [], "us'])
    def test_an_answer_that_was_cut_off_may_be_billed(self, body: bytes) -> None:
        with pytest.raises(PossiblyBilledError, match=r"cut off.*may bill") as raised:
            read_reply(call_of(ANTHROPIC), invoked_reply(body))
        assert "perhaps pays for it again" in raised.value.effect

    def test_a_converse_answer_that_was_cut_off_may_be_billed(self) -> None:
        with pytest.raises(PossiblyBilledError, match=r"converse was cut off"):
            read_reply(call_of(CONVERSE), {"ResponseMetadata": {"HTTPStatusCode": 200}})

    @pytest.mark.parametrize("response", [{}, {"output": {}}, {"output": {"message": None}}], ids=str)
    def test_a_converse_answer_in_an_unknown_format_raises_an_error(self, response: dict[str, Any]) -> None:
        with pytest.raises(ContractError, match="converse has an unknown format"):
            read_reply(call_of(CONVERSE), response)


@pytest.mark.parametrize("content", [{}, {"content": None}, {"content": []}])
def test_a_filtered_answer_without_content_is_read_as_an_empty_answer(content: dict[str, Any]) -> None:
    usage = {"inputTokens": 5, "outputTokens": 0, "input_tokens": 5, "output_tokens": 0}
    converse = {"output": {"message": content}, "stopReason": "content_filtered", "usage": usage}
    anthropic = {**content, "stop_reason": "refusal", "usage": usage}
    for key, body in (("nova-micro", converse), ("claude-haiku-4-5", anthropic)):
        read = read_model_output(load_catalog().model(key), body, simulated=False)
        assert (read.text, read.output_tokens) == ("", 0)
    complete = {**converse, "stopReason": "end_turn", "output": {"message": {}}}
    with pytest.raises(ContractError, match="unknown format"):
        read_model_output(load_catalog().model("nova-micro"), complete, simulated=False)


@pytest.mark.parametrize("tokens", ["1e999", "-1", "[" * 3_000 + "]" * 3_000])
def test_an_answer_without_a_usable_number_of_tokens_is_a_contract_error_that_says_it_was_billed(tokens: str) -> None:
    body = '{"content": [], "stop_reason": "end_turn", "usage": {"input_tokens": %s, "output_tokens": 3}}' % tokens  # noqa: UP031
    response = {"body": io.BytesIO(body.encode()), "ResponseMetadata": {}}
    with pytest.raises(ContractError, match="The call was billed"):
        read_reply(call_of(ANTHROPIC), response)
