from __future__ import annotations

from io import BytesIO

import pytest

from bedrock_distill.hooks.responses import response_of
from include.distill.core.errors import ContractError


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
