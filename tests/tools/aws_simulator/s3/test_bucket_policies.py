"""The policies of buckets: which are accepted, and what they decide."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.aws_simulator import RunningSimulator, start_simulator
from tests.tools.aws_simulator.builders import BUCKET, create_job, finished_job, fresh, put, refused
from tools.aws_simulator.s3.bucket_policies import check_policy, policy_status, public_access
from tools.aws_simulator.s3.errors import S3Error

STATEMENT = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}
SSL_ONLY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::data", "arn:aws:s3:::data/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def policy(*statements: Any, **changes: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **changes})


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in STATEMENT.items() if key != name}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{x", "Policies must be valid JSON"),
        ("[]", "Policies must be valid JSON"),
        ("", "Policies must be valid JSON"),
        ("null", "Policies must be valid JSON"),
        ('{"Statement": [], "Statement": []}', "Policies must be valid JSON"),
        ("{}", "Missing required field Statement"),
        (policy(), "Missing required field Statement"),
        (policy("text"), "Statement is not an object"),
        (policy(STATEMENT, Version="2020-01-01"), "The policy must contain a valid version string"),
        (policy(STATEMENT, Foo=1), "Unknown field Foo"),
        (policy({**STATEMENT, "Foo": 1}), "Unknown field Foo"),
        (policy(without("Effect")), "Missing required field Effect"),
        (policy({**STATEMENT, "Effect": "allow"}), "Invalid effect: allow"),
        (policy(without("Principal")), "Missing required field Principal"),
        (policy({**STATEMENT, "Principal": {"AWS": "junk"}}), "Invalid principal in policy"),
        (policy({**STATEMENT, "Principal": {"Foo": "*"}}), "Invalid principal in policy"),
        (policy(without("Action")), "Missing required field Action"),
        (policy({**STATEMENT, "Action": []}), "Action must be a string or a list of strings"),
        (policy({**STATEMENT, "Action": "s3:Foo"}), "Policy has invalid action"),
        (policy({**STATEMENT, "Action": "iam:*"}), "Policy has invalid action"),
        (policy(without("Resource")), "Missing required field Resource"),
        (policy({**STATEMENT, "Resource": "arn:aws:s3:::other/*"}), "Policy has invalid resource"),
        (policy({**STATEMENT, "Resource": "data/*"}), "Policy has invalid resource"),
        (policy({**STATEMENT, "Resource": "arn:aws:s3:::data"}), "Action does not apply to any resource(s)"),
        (policy({**STATEMENT, "Condition": {"Foo": {"a": "b"}}}), "Invalid Condition type : Foo"),
        (policy({**STATEMENT, "Sid": "a"}, {**STATEMENT, "Sid": "a"}), "must be unique"),
    ],
)
def test_malformed_policies(text: str, why: str) -> None:
    with pytest.raises(S3Error, match=why.replace("(", r"\(").replace(")", r"\)")) as caught:
        check_policy("data", text.encode())
    assert caught.value.code == "MalformedPolicy"


@pytest.mark.parametrize(
    "text",
    [
        policy(STATEMENT),
        policy(SSL_ONLY),
        json.dumps({"Statement": STATEMENT, "Id": "x"}),
        policy({**STATEMENT, "Principal": {"AWS": ["123456789012", "arn:aws:iam::999999999999:role/x"]}}),
        policy({**STATEMENT, "Principal": {"Service": "bedrock.amazonaws.com"}}),
        policy({**without("Principal"), "NotPrincipal": {"AWS": "arn:aws:iam::123456789012:root"}, "Effect": "Deny"}),
        policy({**STATEMENT, "Action": ["s3:Get*", "S3:putobject"], "Resource": "arn:aws:s3:::data*"}),
        policy({**without("Action"), "NotAction": "s3:DeleteObject", "Resource": "*"}),
    ],
)
def test_valid_policies(text: str) -> None:
    assert check_policy("data", text.encode()) == text


def test_a_policy_is_public_if_it_allows_something_to_all() -> None:
    assert b"true" in policy_status(policy(STATEMENT))
    assert b"false" in policy_status(policy(SSL_ONLY))
    arguments: tuple[str, str, dict[str, str]] = (
        "s3:GetObject",
        "arn:aws:s3:::data/k",
        {"aws:SecureTransport": "false"},
    )
    assert public_access(policy(STATEMENT), *arguments)
    assert not public_access(policy(STATEMENT, SSL_ONLY), *arguments)
    assert not public_access(None, *arguments)


def test_a_policy_is_shown_deleted_and_kept(tmp_path: Path) -> None:
    with start_simulator(tmp_path) as simulator:
        s3 = simulator.boto("s3")
        s3.create_bucket(Bucket="data")
        with refused("NoSuchBucketPolicy", status=404):
            s3.get_bucket_policy(Bucket="data")
        answer = s3.put_bucket_policy(Bucket="data", Policy=policy(STATEMENT))
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
        with refused("MalformedPolicy"):
            s3.put_bucket_policy(Bucket="data", Policy="{x")
    with start_simulator(tmp_path) as simulator:
        s3 = simulator.boto("s3")
        assert s3.get_bucket_policy(Bucket="data")["Policy"] == policy(STATEMENT)
        assert s3.get_bucket_policy_status(Bucket="data")["PolicyStatus"]["IsPublic"]
        s3.delete_bucket_policy(Bucket="data")
    with start_simulator(tmp_path) as simulator, refused("NoSuchBucketPolicy"):
        simulator.boto("s3").get_bucket_policy(Bucket="data")


def test_a_malformed_policy_of_an_earlier_version_does_not_count(tmp_path: Path) -> None:
    with start_simulator(tmp_path) as simulator:
        simulator.boto("s3").create_bucket(Bucket="data")
        simulator.boto("s3").put_bucket_policy(Bucket="data", Policy=policy(STATEMENT))
    stored = tmp_path / "s3" / "data" / "bucket.json"
    value = json.loads(stored.read_text())
    value["settings"]["policy"]["body"] = "e3g="  # {x
    stored.write_text(json.dumps(value))
    with start_simulator(tmp_path) as simulator, refused("NoSuchBucketPolicy"):
        simulator.boto("s3").get_bucket_policy(Bucket="data")


def test_clients_are_not_checked_against_a_policy_but_unsigned_requests_are(simulator: RunningSimulator) -> None:
    s3, name = simulator.boto("s3"), fresh("policies")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"1")
    everything = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    for statement in (
        {**SSL_ONLY, "Resource": everything},
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": everything},
    ):
        s3.put_bucket_policy(Bucket=name, Policy=policy(statement))
        assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"1"
        assert s3.head_object(Bucket=name, Key="k")["ContentLength"] == 1
        s3.put_object(Bucket=name, Key="k2", Body=b"2")
        s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": "k2"}]})
        assert s3.list_objects_v2(Bucket=name)["KeyCount"] == 1
        assert httpx.get(f"{simulator.url}/{name}/k").status_code == 403
    s3.put_bucket_policy(Bucket=name, Policy=policy({**STATEMENT, "Resource": f"arn:aws:s3:::{name}/*"}))
    assert httpx.get(f"{simulator.url}/{name}/k").content == b"1"
    for method, path in (("PUT", f"{name}/k"), ("GET", name), ("PUT", "anonymous-bucket"), ("GET", f"{name}?policy")):
        answer = httpx.request(method, f"{simulator.url}/{path}")
        assert (answer.status_code, "<Code>AccessDenied</Code>" in answer.text) == (403, True), path


@pytest.mark.parametrize(
    ("statement", "status"),
    [
        ({"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject"}, "Failed"),
        ({"Effect": "Deny", "Principal": {"AWS": "123456789012"}, "Action": "s3:GetObject"}, "Failed"),
        ({"Effect": "Deny", "Principal": {"AWS": "123456789012"}, "Action": "s3:DeleteObject"}, "Completed"),
        ({**SSL_ONLY, "Action": "s3:*"}, "Completed"),
    ],
)
def test_a_job_respects_a_denial(simulator: RunningSimulator, statement: dict[str, Any], status: str) -> None:
    put(simulator, "any", b"")
    statement = {**statement, "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    s3 = simulator.boto("s3")
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy(statement))
    try:
        job = finished_job(simulator, create_job(simulator))
    finally:
        s3.delete_bucket_policy(Bucket=BUCKET)
    assert job["status"] == status, job.get("failureMessage")
    assert status == "Completed" or "Could not validate GetObject permissions" in job["failureMessage"]
