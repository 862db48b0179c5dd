from __future__ import annotations

from typing import Any

import pytest

from tools.aws_simulator.jobs.role_access import RoleAccess
from tools.aws_simulator.jobs.training_data import DataFaultError

JOB = "arn:aws:bedrock:us-west-2:123456789012:model-invocation-job/abc"


class FakeRoles:
    """Roles that may do what is listed."""

    def __init__(self, *allowed: tuple[str, str]) -> None:
        self.allowed = set(allowed)
        self.contexts: list[Any] = []

    def allows(self, _: str, action: str, resource: str, region: str, context: Any, **__: Any) -> bool:
        self.contexts.append({**context, "region": region})
        return (action, resource) in self.allowed


class FakeS3:
    """S3 with one object."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def bucket_region(self, bucket: str) -> str | None:
        return "us-west-2" if bucket == "data" else None

    def bucket_policy(self, bucket: str) -> str | None:
        return None

    def cors_allows(self, bucket: str, method: str, origin: str) -> bool:
        return (bucket, method) == ("data", "GET")

    def read(self, bucket: str, key: str) -> bytes | None:
        return b"x" if (bucket, key) == ("data", "a/b") else None

    def write(self, bucket: str, key: str, body: bytes, kms_key: str | None = None) -> None:
        self.written.append(f"{bucket}/{key} {len(body)}")


def access(*allowed: tuple[str, str]) -> tuple[RoleAccess, FakeRoles, FakeS3]:
    roles: Any = FakeRoles(*allowed)
    s3 = FakeS3()
    return RoleAccess(s3, roles, "role", JOB), roles, s3


def test_an_object_without_permission_does_not_exist() -> None:
    allowed, roles, _ = access(("s3:GetObject", "arn:aws:s3:::data/a/b"))
    assert allowed.read("data", "a/b") == b"x"
    assert allowed.read("data", "a/c") is None
    assert access()[0].read("data", "a/b") is None
    expected = {"aws:SourceAccount": "123456789012", "aws:SourceArn": JOB, "region": "us-west-2"}
    assert roles.contexts[0] == expected


def test_writing_listing_and_regions() -> None:
    allowed, _, s3 = access(("s3:PutObject", "arn:aws:s3:::data/out"), ("s3:ListBucket", "arn:aws:s3:::data"))
    assert (allowed.may_write("data", "out"), allowed.may_write("data", "other")) == (True, False)
    assert (allowed.may_list("data"), allowed.may_list("other")) == (True, False)
    assert (allowed.bucket_region("data"), allowed.bucket_region("none")) == ("us-west-2", None)
    assert (allowed.cors_allows("data", "GET", "o"), allowed.cors_allows("none", "GET", "o")) == (True, False)
    allowed.write("data", "out", b"12")
    assert s3.written == ["data/out 2"]


def test_a_profile_needs_permission_on_itself_and_on_its_model() -> None:
    profile = ("bedrock:InvokeModel", "arn:aws:bedrock:us-west-2:123456789012:inference-profile/us.m")
    model = ("bedrock:InvokeModel", "arn:aws:bedrock:us-west-2::foundation-model/m")
    assert access(profile, model)[0].may_invoke("us.m", "m")
    assert access(profile, model)[0].may_invoke(profile[1], "m")
    assert not access(profile)[0].may_invoke("us.m", "m")
    assert not access(model)[0].may_invoke("us.m", "m")


def test_policies_see_through_which_profile_a_model_is_used() -> None:
    profile = ("bedrock:InvokeModel", "arn:aws:bedrock:us-west-2:123456789012:inference-profile/us.m")
    allowed, roles, _ = access(profile)
    allowed.may_invoke("us.m", "m")
    allowed.may_use_model("m", "m")
    assert [context.get("bedrock:InferenceProfileArn") for context in roles.contexts] == [None, profile[1], None]


def test_only_a_profile_needs_a_permission() -> None:
    allowed = access()[0]
    for model_id in ("m", "arn:aws:bedrock:us-west-2::foundation-model/m"):
        allowed.check_profile(model_id, "m")
    with pytest.raises(
        DataFaultError, match=r"The role role is not authorized to perform: bedrock:InvokeModel on us\.m"
    ):
        allowed.check_profile("us.m", "m")


def test_a_model_or_throughput_needs_permission_on_itself_only() -> None:
    model = ("bedrock:InvokeModel", "arn:aws:bedrock:us-west-2::foundation-model/m")
    throughput = ("bedrock:InvokeModel", "arn:aws:bedrock:us-west-2:123456789012:provisioned-model/abc")
    profile = ("bedrock:InvokeModel", "arn:aws:bedrock:us-west-2:123456789012:inference-profile/us.m")
    assert access(model)[0].may_use_model("m", "m")
    assert access(model)[0].may_use_model(model[1], "m")
    assert access(throughput)[0].may_use_model(throughput[1], "m")
    assert access(profile, model)[0].may_use_model("us.m", "m")
    assert not access(model)[0].may_use_model("us.m", "m")
    assert not access(model)[0].may_use_model(throughput[1], "m")


def test_an_application_profile_is_named_by_its_own_arn() -> None:
    profile = ("bedrock:InvokeModel", "arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/abc")
    model = ("bedrock:InvokeModel", "arn:aws:bedrock:us-west-2::foundation-model/m")
    assert access(profile, model)[0].may_invoke(profile[1], "m")
