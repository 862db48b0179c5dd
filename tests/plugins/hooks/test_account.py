"""Test the calls of the check with the real hook, whose requests are recorded before they reach a socket."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from airflow.sdk.exceptions import AirflowException
from botocore.exceptions import ClientError

from bedrock_distill.hooks.account import AccountHook, BucketSettings
from bedrock_distill.hooks.aws import AwsClients
from include.distill.account_check.reader import Decision, Identity, NotPermittedError, QuotaFact, RoleFacts
from include.distill.core.errors import NotFoundError, RefusedError
from tests.contract.recorded_wire import RecordedWire, _Recorder

ROLE = "arn:aws:iam::123456789012:role/airflow"
QUOTA = {"QuotaCode": "L-1", "QuotaName": "n", "Value": 2.0, "Adjustable": True}
TRUST = {"Version": "2012-10-17", "Statement": []}


class RecordedAccountHook(AccountHook):
    """The real hook. All its clients send their calls to a recorder."""

    def __init__(self, wire: RecordedWire) -> None:
        super().__init__(None, "us-east-1")
        self.recorder = _Recorder()
        self.recorder.wire = wire

    def client(self, service: str, extra_seconds: int = 0) -> Any:
        known = (service, extra_seconds) in self._clients
        client = super().client(service, extra_seconds)
        if not known:
            client.meta.events.register("provide-client-params.*.*", self.recorder.keep)
            client.meta.events.register("before-call.*.*", self.recorder.answer)
        return client


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")


def made(answers: dict[str, Any]) -> tuple[AccountHook, RecordedWire]:
    wire = RecordedWire(answers)
    return RecordedAccountHook(wire), wire


def refusing(code: str) -> Callable[[Any], Any]:
    def refuse(_: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": "m"}}, "Operation")

    return refuse


def test_the_caller_is_known_without_a_permission() -> None:
    hook, _ = made({"GetCallerIdentity": {"Arn": ROLE, "Account": "123456789012", "UserId": "u"}})
    assert hook.identity() == Identity(ROLE, "123456789012")


def test_a_connection_that_cannot_be_read_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise AirflowException("Invalid JSON")

    monkeypatch.setattr(AwsClients, "call", fail)
    with pytest.raises(RefusedError, match="The credentials of the Airflow connection aws_check cannot be used"):
        AccountHook("aws_check", "us-east-1").quotas()


def test_a_role_is_read_once_with_its_trust_policy() -> None:
    described = {"Role": {"Arn": ROLE, "AssumeRolePolicyDocument": quote(json.dumps(TRUST))}}  # as IAM writes it
    hook, wire = made({"GetRole": described})
    assert [hook.role("airflow"), hook.role("airflow")] == [RoleFacts(ROLE, TRUST)] * 2
    assert [request.arguments for request in wire.requests] == [{"RoleName": "airflow"}]


class TestSimulation:
    def answer(self, arguments: Any) -> Any:
        """Answer in pages of one action."""
        start = int(arguments.get("Marker", 0))
        action = arguments["ActionNames"][start]
        decision = {"s3:GetObject": "allowed", "s3:PutObject": "implicitDeny"}.get(action, "explicitDeny")
        result = {"EvalActionName": action, "EvalDecision": decision, "MissingContextValues": ["aws:SourceVpce"]}
        more = start + 1 < len(arguments["ActionNames"])
        return {"EvaluationResults": [result], "IsTruncated": more, **({"Marker": str(start + 1)} if more else {})}

    def test_every_page_is_read_and_the_request_fits_the_service_model(self) -> None:
        hook, wire = made({"SimulatePrincipalPolicy": self.answer})
        actions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
        context = {"aws:SecureTransport": ["true"], "aws:TagKeys": ["project", "role"], "s3:prefix": ["distill/"]}
        found = hook.simulate(ROLE, actions, "arn:aws:s3:::b/k", context)
        unknown = ("aws:SourceVpce",)
        assert found == {
            "s3:GetObject": Decision(is_allowed=True, missing_context=unknown),
            "s3:PutObject": Decision(is_allowed=False, missing_context=unknown),
            "s3:DeleteObject": Decision(is_allowed=False, is_denied=True, missing_context=unknown),
        }
        assert [request.violations() for request in wire.requests] == [[], [], []]
        assert wire.requests[0].arguments["ContextEntries"] == [
            {"ContextKeyName": "aws:SecureTransport", "ContextKeyValues": ["true"], "ContextKeyType": "boolean"},
            {"ContextKeyName": "aws:TagKeys", "ContextKeyValues": ["project", "role"], "ContextKeyType": "stringList"},
            {"ContextKeyName": "s3:prefix", "ContextKeyValues": ["distill/"], "ContextKeyType": "string"},
        ]

    def test_only_actions_that_were_not_asked_for_are_asked(self) -> None:
        hook, wire = made({"SimulatePrincipalPolicy": self.answer})
        hook.simulate(ROLE, ["s3:GetObject"], "r", {"aws:k": ["v"]})
        assert set(hook.simulate(ROLE, ["s3:GetObject", "s3:PutObject"], "r", {"aws:k": ["v"]})) == {
            "s3:GetObject",
            "s3:PutObject",
        }
        hook.simulate(ROLE, ["s3:GetObject"], "r", {"aws:k": ["other"]})
        assert [request.arguments["ActionNames"] for request in wire.requests] == [
            ["s3:GetObject"],
            ["s3:PutObject"],
            ["s3:GetObject"],
        ]

    def test_a_policy_of_the_organization_denies(self) -> None:
        result = {
            "EvalActionName": "s3:GetObject",
            "EvalDecision": "allowed",
            "OrganizationsDecisionDetail": {"AllowedByOrganizations": False},
        }
        hook, _ = made({"SimulatePrincipalPolicy": {"EvaluationResults": [result]}})
        found = hook.simulate(ROLE, ["s3:GetObject"], "r", {})
        assert found == {"s3:GetObject": Decision(is_allowed=False, is_denied=True)}


class TestQuotas:
    def test_all_pages_are_read_once(self) -> None:
        def answer(arguments: Any) -> Any:
            return {"Quotas": [QUOTA], **({} if "NextToken" in arguments else {"NextToken": "t"})}

        hook, wire = made({"ListServiceQuotas": answer})
        assert list(hook.quotas()) == list(hook.quotas()) == [QuotaFact("L-1", "n", 2.0, is_adjustable=True)] * 2
        assert len(wire.requests) == 2

    def test_one_quota_is_read_by_its_code(self) -> None:
        hook, wire = made({"GetServiceQuota": {"Quota": QUOTA}})
        assert hook.quota("L-1").value == 2
        assert wire.requests[0].arguments == {"ServiceCode": "bedrock", "QuotaCode": "L-1"}


def test_the_state_of_a_key_and_of_a_profile_are_read() -> None:
    hook, _ = made(
        {"DescribeKey": {"KeyMetadata": {"KeyState": "Disabled"}}, "GetInferenceProfile": {"status": "ACTIVE"}}
    )
    assert (hook.key_state("k"), hook.profile_status("us.amazon.nova-micro-v1:0")) == ("Disabled", "ACTIVE")


class TestErrors:
    @pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException"])
    def test_a_missing_permission_of_the_check_is_told_apart(self, code: str) -> None:
        hook, _ = made({"GetRole": refusing(code)})
        with pytest.raises(NotPermittedError, match="get_role airflow"):
            hook.role("airflow")

    def test_what_does_not_exist_is_not_found(self) -> None:
        hook, _ = made({"GetRole": refusing("NoSuchEntity")})
        with pytest.raises(NotFoundError):
            hook.role("airflow")

    def test_the_refusal_of_a_bucket_says_something_about_the_bucket(self) -> None:
        hook, _ = made({"HeadBucket": refusing("403")})
        with pytest.raises(RefusedError):
            BucketSettings(hook).ensure_bucket("b", region="us-east-1", create=False)


class TestBuckets:
    def test_the_settings_of_a_bucket_are_read(self) -> None:
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "arn:key"}
        statement = {"Statement": [{"Effect": "Deny"}]}
        rules = [{"ID": "a", "Status": "Enabled"}, {"ID": "b", "Status": "Disabled"}]
        hook, _ = made(
            {
                "GetBucketEncryption": {
                    "ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
                },
                "GetPublicAccessBlock": {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}},
                "GetBucketPolicy": {"Policy": json.dumps(statement)},
                "GetBucketLifecycleConfiguration": {"Rules": rules},
            }
        )
        store = BucketSettings(hook)
        assert store.encryption("b") == ("aws:kms", "arn:key")
        assert store.public_access_block("b") == {"BlockPublicAcls": True}
        assert store.policy("b") == statement
        assert store.lifecycle_rules("b") == [rules[0]]

    @pytest.mark.parametrize(
        ("operation", "code", "method", "empty"),
        [
            ("GetBucketEncryption", "ServerSideEncryptionConfigurationNotFoundError", "encryption", None),
            ("GetPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration", "public_access_block", {}),
            ("GetBucketPolicy", "NoSuchBucketPolicy", "policy", {}),
            ("GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration", "lifecycle_rules", []),
        ],
    )
    def test_a_setting_that_was_never_made_is_empty_but_an_absent_bucket_is_an_error(
        self, operation: str, code: str, method: str, empty: Any
    ) -> None:
        hook, wire = made({operation: refusing(code)})
        assert getattr(BucketSettings(hook), method)("b") == empty
        wire.answers[operation] = refusing("NoSuchBucket")
        with pytest.raises(NotFoundError):
            getattr(BucketSettings(hook), method)("b")
