from __future__ import annotations

from io import BytesIO

import pytest

from bedrock_distill.hooks.responses import response_of
from include.distill.config.catalog import load_catalog
from include.distill.core.errors import ContractError, UnreadableAnswerError
from include.distill.inference.requests import ModelRequest, read_reply, to_api_call


def test_a_missing_field_is_named_wherever_it_is() -> None:
    response = response_of({"config": {"s3Uri": "s3://b/o"}, "jobs": [{"name": "one"}]}, "get_job x")
    assert response["config"]["s3Uri"] == "s3://b/o"
    for container, key in ((response, "status"), (response["config"], "key"), (response["jobs"][0], "arn")):
        with pytest.raises(ContractError, match=f"get_job x: AWS's response lacks the field '{key}'"):
            container[key]


def test_get_and_in_work_as_usual_and_other_values_stay_as_they_are() -> None:
    body = BytesIO(b"x")
    response = response_of({"Body": body, "none": None}, "get_object x")
    assert response["Body"] is body
    assert (response.get("a"), "a" in response, response["none"]) == (None, False, None)
    assert response_of("text", "x") == "text"


def test_an_answer_that_lacks_a_field_still_counts_as_billed() -> None:
    model = load_catalog().model("nova-micro")
    call = to_api_call(
        ModelRequest(model=model, identity=model.inference_id, invoke_id=model.inference_id, user="u", max_tokens=64)
    )
    answer = {"output": {"message": {"content": [{"text": "x"}]}}, "stopReason": "end_turn", "ResponseMetadata": {}}
    with pytest.raises(UnreadableAnswerError, match="'usage'"):
        read_reply(call, response_of(answer, "converse x"))
