from __future__ import annotations

from typing import Any, cast

import pytest

from tests.tools.aws_simulator.jobs.test_role_access import FakeRoles, FakeS3
from tools.aws_simulator.jobs.caller_access import STREAM, CallerAccess

JOB = "arn:aws:bedrock:us-west-2:123456789012:advanced-prompt-optimization-job/abc"
PROFILE = "arn:aws:bedrock:us-west-2:123456789012:inference-profile/us.m"
MODEL = "arn:aws:bedrock:us-west-2::foundation-model/m"


def access(*allowed: tuple[str, str]) -> tuple[CallerAccess, FakeRoles]:
    roles = FakeRoles(*allowed)
    return CallerAccess(cast(Any, FakeS3()), cast(Any, roles), "role", JOB), roles


def test_policies_see_that_bedrock_passes_the_credentials_on() -> None:
    allowed, roles = access(("s3:GetObject", "arn:aws:s3:::data/a/b"))
    assert (allowed.may_read("data", "a/b"), allowed.may_write("data", "a/b")) == (True, False)
    (first, _) = roles.contexts
    assert (first["aws:ViaAWSService"], first["aws:CalledVia"]) == ("true", "bedrock.amazonaws.com")
    assert "aws:SourceArn" not in first


@pytest.mark.parametrize(
    ("action", "expected"), [("bedrock:InvokeModelWithResponseStream", True), ("bedrock:InvokeModel", False)]
)
def test_the_models_are_asked_by_streams(action: str, expected: bool) -> None:
    assert action == STREAM or not expected
    assert access((action, MODEL))[0].may_stream("m", "m") is expected
    assert access((action, PROFILE), (action, MODEL))[0].may_stream("us.m", "m") is expected
    assert not access((action, PROFILE))[0].may_stream("us.m", "m")
