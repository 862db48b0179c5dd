from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonschema
import pytest

from include.distill.config.catalog import Model, load_catalog
from include.distill.config.prompts import load_prompt
from include.distill.evaluation.judge import VERDICT_SCHEMA
from include.distill.inference.requests import ModelRequest, read_reply, to_api_call
from include.distill.synthesis.teacher import PAIRS_SCHEMA
from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.models.text import count_tokens

ACTIVE = [model for model in load_catalog().models.values() if model.lifecycle == "active"]
CLAUDE = builders.COUNTING_MODEL
NOT_COUNTED = "The provided model doesn't support counting tokens."


def llama_prompt(text: str) -> str:
    return (
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
        f"<|start_header_id|>user<|end_header_id|>\n\n{text}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    )


def nova_body(**changes: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": [{"text": builders.prompt()}]}]
    return {"schemaVersion": "messages-v1", "messages": messages, "inferenceConfig": {"maxTokens": 200}, **changes}


def test_converse_and_all_bodies_of_invoke_model_get_the_same_answer_and_token_counts(
    simulator: RunningSimulator,
) -> None:
    system = [{"text": "Be brief."}]
    conversed = builders.converse(simulator, system=system)
    nova, _ = builders.invoke(simulator, builders.STUDENT, nova_body(system=system))
    llama, _ = builders.invoke(
        simulator, "us.meta.llama3-1-8b-instruct-v1:0", {"prompt": llama_prompt(builders.prompt())}
    )
    claude, response = builders.invoke(simulator, f"us.{CLAUDE}", builders.anthropic_body(system="Be brief."))
    text, usage = builders.text_of(conversed), conversed["usage"]
    assert "1,000" in text
    assert (
        nova["output"]["message"]["content"][0]["text"] == llama["generation"] == claude["content"][0]["text"] == text
    )
    assert nova["usage"] == {
        **{name: usage[name] for name in ("inputTokens", "outputTokens", "totalTokens")},
        "cacheReadInputTokenCount": 0,
        "cacheWriteInputTokenCount": 0,
    }
    assert (claude["usage"]["input_tokens"], claude["usage"]["output_tokens"]) == (
        usage["inputTokens"],
        usage["outputTokens"],
    )
    assert (conversed["stopReason"], nova["stopReason"], llama["stop_reason"], claude["stop_reason"]) == (
        "end_turn",
        "end_turn",
        "stop",
        "end_turn",
    )
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-bedrock-input-token-count"] == str(usage["inputTokens"])
    assert headers["x-amzn-bedrock-output-token-count"] == str(usage["outputTokens"])


@pytest.mark.parametrize("model", ACTIVE, ids=lambda model: model.key)
def test_every_active_model_reads_a_request_of_the_pipeline_and_the_pipeline_reads_the_answer(
    simulator: RunningSimulator, model: Model
) -> None:
    call = to_api_call(
        ModelRequest(
            model,
            identity=model.inference_id,
            invoke_id=model.inference_id,
            user=builders.prompt(),
            max_tokens=200,
            system="Be brief.",
            temperature=0.5,
        )
    )
    response = getattr(simulator.boto("bedrock-runtime"), call.operation)(**call.parameters)
    completion = read_reply(call, response)
    conversed = builders.converse(simulator, system=[{"text": "Be brief."}])
    assert completion.text == builders.text_of(conversed)
    assert (completion.input_tokens, completion.output_tokens) == (
        conversed["usage"]["inputTokens"],
        conversed["usage"]["outputTokens"],
    )
    assert (completion.stop_reason, completion.simulated) == ("end_turn", True)


def test_a_teacher_writes_the_pairs_that_the_prompt_asks_for(simulator: RunningSimulator) -> None:
    messages = [{"role": "user", "content": builders.synthesis_prompt()}]
    body, _ = builders.invoke(simulator, builders.TEACHER, builders.anthropic_body(messages=messages, max_tokens=2000))
    pairs = [json.loads(line) for line in body["content"][0]["text"].splitlines()]
    assert len(pairs) == 2
    assert all(set(pair) == {"question", "answer", "topic"} for pair in pairs)


@pytest.mark.parametrize(
    ("model_id", "region"),
    [
        pytest.param("amazon.nova-micro-v1:0", "us-east-1", id="foundation model"),
        pytest.param("us.amazon.nova-micro-v1:0", "us-east-1", id="profile of the geography"),
        pytest.param("global.amazon.nova-2-lite-v1:0", "eu-west-1", id="global profile"),
        pytest.param("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0", "us-east-1", id="model arn"),
        pytest.param(
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-micro-v1:0",
            "us-east-1",
            id="profile arn",
        ),
    ],
)
def test_a_model_is_found_by_its_id_and_its_profiles_and_their_arns(
    simulator: RunningSimulator, model_id: str, region: str
) -> None:
    messages = [{"role": "user", "content": [{"text": builders.prompt()}]}]
    client = simulator.boto("bedrock-runtime", region=region)
    assert "1,000" in builders.text_of(client.converse(modelId=model_id, messages=messages))
    assert simulator.ledger["by_model"][model_id]["calls"] == 1


@pytest.mark.parametrize(
    ("model_id", "code", "complaint"),
    [
        pytest.param(builders.STUDENT_BASE, "ResourceNotFoundException", "Model not found.", id="context suffix"),
        pytest.param("amazon.nova-imaginary-v1:0", "ValidationException", "identifier is invalid", id="unknown"),
        pytest.param("eu.amazon.nova-micro-v1:0", "ValidationException", "identifier is invalid", id="other geography"),
        pytest.param(CLAUDE, "ValidationException", "on-demand throughput isn't supported", id="profile demanded"),
        pytest.param(
            "anthropic.claude-3-sonnet-20240229-v1:0",
            "ResourceNotFoundException",
            "This model version has reached the end of its life",
            id="retired",
        ),
        pytest.param(
            "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl",
            "ResourceNotFoundException",
            "Could not resolve",
            id="no such throughput",
        ),
    ],
)
def test_a_wrong_model_name_gets_bedrocks_error(
    simulator: RunningSimulator, model_id: str, code: str, complaint: str
) -> None:
    with refused(code, complaint):
        builders.converse(simulator, model_id)
    assert simulator.ledger["billed_calls"] == 0
    assert simulator.ledger["by_model"][model_id]["rejected"] == 1


def judging_body(schema: Any, **changes: Any) -> dict[str, Any]:
    question = load_prompt("judging.j2").render(
        document=builders.DOCUMENT, question="How many?", reference="", answer_a="Up to 1,000.", answer_b="Some."
    )
    config = {"format": {"type": "json_schema", "schema": schema}}
    messages = [{"role": "user", "content": question}]
    return builders.anthropic_body(**{"messages": messages, "output_config": config, **changes})


def test_a_judge_follows_a_schema(simulator: RunningSimulator) -> None:
    body, _ = builders.invoke(simulator, f"us.{CLAUDE}", judging_body(json.loads(VERDICT_SCHEMA)))
    assert set(json.loads(body["content"][0]["text"])) == {"reason", "verdict"}


def test_a_teacher_with_a_schema_writes_the_same_pairs_through_both_apis(
    simulator: RunningSimulator,
) -> None:
    plain = builders.converse(simulator, f"us.{CLAUDE}", builders.synthesis_prompt())
    pairs = [json.loads(line) for line in builders.text_of(plain).splitlines()]
    structure = {"jsonSchema": {"schema": PAIRS_SCHEMA}}
    config = {"textFormat": {"type": "json_schema", "structure": structure}}
    conversed = builders.converse(simulator, f"us.{CLAUDE}", builders.synthesis_prompt(), outputConfig=config)
    messages = [{"role": "user", "content": builders.synthesis_prompt()}]
    invoked, _ = builders.invoke(simulator, f"us.{CLAUDE}", judging_body(json.loads(PAIRS_SCHEMA), messages=messages))
    assert len(pairs) == 2
    assert json.loads(builders.text_of(conversed)) == {"pairs": pairs}
    assert json.loads(invoked["content"][0]["text"]) == {"pairs": pairs}


def with_items(**items: Any) -> dict[str, Any]:
    """Return the schema of pairs with changed keys in the schema of an item."""
    schema = json.loads(PAIRS_SCHEMA)
    schema["properties"]["pairs"]["items"] |= items
    return schema


@pytest.mark.parametrize(
    ("schema", "complaint"),
    [
        pytest.param(with_items(additionalProperties=True), "explicitly set to false", id="an open object inside"),
        pytest.param(with_items(required="source"), "the schema is invalid", id="an invalid schema"),
    ],
)
def test_a_schema_that_structured_outputs_do_not_support_is_refused(
    simulator: RunningSimulator, schema: Any, complaint: str
) -> None:
    body = judging_body(schema, messages=[{"role": "user", "content": builders.synthesis_prompt()}])
    with refused("ValidationException", complaint):
        builders.invoke(simulator, f"us.{CLAUDE}", body)
    assert simulator.ledger["billed_calls"] == 0


def with_tool(**properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": [*properties]}
    tool = {"toolSpec": {"name": "order", "inputSchema": {"json": schema}}}
    return {"tools": [tool], "toolChoice": {"any": {}}}


def test_a_tool_call_follows_the_patterns_of_its_schema(simulator: RunningSimulator) -> None:
    config = with_tool(code={"type": "string", "pattern": r"^[A-Z]{3}-\d{4}$"})
    answer = builders.converse(simulator, text="Order it.", toolConfig=config)
    assert re.fullmatch(r"[A-Z]{3}-\d{4}", answer["output"]["message"]["content"][0]["toolUse"]["input"]["code"])


def test_a_schema_that_no_value_follows_is_refused_and_free(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"quotas": {builders.STUDENT: {"tpm": 500}}})
    config = with_tool(code={"type": "string", "pattern": "^(?=b)a$"})
    for _ in range(4):  # a refused call gives back the tokens that it reserved
        with refused("ValidationException", "could not make an answer that follows the JSON schema", status=400):
            builders.converse(simulator, text="Order it.", toolConfig=config)
    assert simulator.ledger["billed_calls"] == 0
    simulator.admin("PUT", "settings", {"quotas": {}})


CLOSED = {"type": "object", "properties": {"score": {}}, "required": ["score"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        pytest.param(judging_body({"type": "object"}), "explicitly set to false", id="an open object"),
        pytest.param(
            judging_body(CLOSED, output_config={"format": {"type": "text", "schema": CLOSED}}),
            "Input should be 'json_schema'",
            id="another format",
        ),
    ],
)
def test_an_unsupported_schema_is_refused_and_free(simulator: RunningSimulator, body: Any, complaint: str) -> None:
    with refused("ValidationException", complaint):
        builders.invoke(simulator, f"us.{CLAUDE}", body)
    assert simulator.ledger["billed_calls"] == 0


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        pytest.param(CLOSED, None, id="a schema that the judges do not know"),
        pytest.param(
            with_items(properties={key: {"type": "array"} for key in ("question", "answer", "topic")}),
            builders.synthesis_prompt(),
            id="values of another type",
        ),
    ],
)
def test_a_schema_that_a_role_cannot_follow_is_answered_from_the_schema(
    simulator: RunningSimulator, schema: dict[str, Any], text: str | None
) -> None:
    changes = {} if text is None else {"messages": [{"role": "user", "content": text}]}
    body, _ = builders.invoke(simulator, f"us.{CLAUDE}", judging_body(schema, **changes))
    jsonschema.validate(json.loads(body["content"][0]["text"]), schema)


def test_a_model_without_structured_outputs_refuses_a_schema(simulator: RunningSimulator) -> None:
    structure = {"jsonSchema": {"schema": VERDICT_SCHEMA}}
    config = {"textFormat": {"type": "json_schema", "structure": structure}}
    with refused("ValidationException", "This model doesn't support the outputConfig field"):
        builders.converse(simulator, outputConfig=config)


def test_a_model_without_temperature_support_refuses_a_temperature(simulator: RunningSimulator) -> None:
    with refused("ValidationException", "`temperature` is deprecated for this model."):
        builders.invoke(simulator, builders.TEACHER, builders.anthropic_body(temperature=0.2))
    assert builders.invoke(simulator, builders.TEACHER, builders.anthropic_body(temperature=1))


def test_a_long_answer_is_cut_at_max_tokens_and_at_stop_sequences(simulator: RunningSimulator) -> None:
    short = builders.converse(simulator, inferenceConfig={"maxTokens": 3})
    assert (short["stopReason"], short["usage"]["outputTokens"]) == ("max_tokens", 3)
    stopped, _ = builders.invoke(
        simulator, f"us.{CLAUDE}", builders.anthropic_body(stop_sequences=["never said", "1,000"])
    )
    assert (stopped["stop_reason"], stopped["stop_sequence"]) == ("stop_sequence", "1,000")
    assert "1,000" not in stopped["content"][0]["text"]


def test_counting_tokens_is_free(simulator: RunningSimulator) -> None:
    """CountTokens takes the bare id, even if on-demand requests must name a profile."""
    runtime = simulator.boto("bedrock-runtime")
    messages = [{"role": "user", "content": [{"text": builders.prompt()}]}]
    body = json.dumps(builders.anthropic_body()).encode()
    arn = f"arn:aws:bedrock:us-east-1::foundation-model/{CLAUDE}"
    for model_id in (CLAUDE, arn):
        for prompt in ({"converse": {"messages": messages}}, {"invokeModel": {"body": body}}):
            assert runtime.count_tokens(modelId=model_id, input=prompt)["inputTokens"] == count_tokens(
                builders.prompt()
            )
    assert simulator.ledger["calls"] == 0
    assert builders.converse(simulator, f"us.{CLAUDE}")["usage"]["inputTokens"] == count_tokens(builders.prompt())


@pytest.mark.parametrize(
    ("model_id", "region", "code", "complaint"),
    [
        pytest.param(f"us.{CLAUDE}", "us-east-1", "ValidationException", NOT_COUNTED, id="profile"),
        pytest.param(f"global.{CLAUDE}", "us-east-1", "ValidationException", NOT_COUNTED, id="global profile"),
        pytest.param("amazon.nova-micro-v1:0", "us-east-1", "ValidationException", NOT_COUNTED, id="Nova"),
        pytest.param(builders.STUDENT_BASE, "us-east-1", "ValidationException", NOT_COUNTED, id="context suffix"),
        pytest.param("anthropic.claude-sonnet-5-5", "us-east-1", "ValidationException", NOT_COUNTED, id="Sonnet 5.5"),
        pytest.param(CLAUDE, "ca-central-1", "ValidationException", NOT_COUNTED, id="Region without CountTokens"),
        pytest.param(
            "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl",
            "us-east-1",
            "ValidationException",
            NOT_COUNTED,
            id="throughput",
        ),
        pytest.param("amazon.nova-imaginary-v1:0", "us-east-1", "ValidationException", "is invalid", id="unknown"),
        pytest.param(
            "anthropic.claude-instant-v1", "us-east-1", "ResourceNotFoundException", "end of its life", id="retired"
        ),
    ],
)
def test_a_model_without_token_counting_is_refused(
    simulator: RunningSimulator, model_id: str, region: str, code: str, complaint: str
) -> None:
    """Sources: the docstring of ``Inference._counting_model``, and the catalog's ``count_tokens``."""
    messages = [{"role": "user", "content": [{"text": "Hello"}]}]
    with refused(code, complaint):
        simulator.boto("bedrock-runtime", region=region).count_tokens(
            modelId=model_id, input={"converse": {"messages": messages}}
        )


def test_the_latencies_of_parallel_calls_overlap(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"latency_ms": 400})
    started = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: builders.converse(simulator), range(20)))
    elapsed = time.monotonic() - started
    assert all(answer["metrics"]["latencyMs"] >= 400 for answer in answers)
    assert 0.4 <= elapsed < 0.4 * 10
