from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools.aws_simulator.testing import RunningSimulator, start_simulator

CALLER = "arn:aws:sts::123456789012:assumed-role/airflow/run"
NOT_ALLOWED = "because no identity-based policy allows the {} action"


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    folder: Path = tmp_path_factory.mktemp("state")
    with start_simulator(folder, policies=[], callers={"run": "airflow"}) as running:
        s3 = running.boto("s3")
        for bucket in ("data", "other"):
            s3.create_bucket(Bucket=bucket)
            s3.put_object(Bucket=bucket, Key="runs/a", Body=b"text")
        yield running


def allow(simulator: RunningSimulator, *statements: tuple[str, str] | dict[str, Any]) -> None:
    """Give the role of the caller these permissions and no others: pairs of actions and resources, or statements."""
    listed = []
    for one in statements:
        if isinstance(one, tuple):
            resource = one[1] if one[1] == "*" else f"arn:aws:s3:::{one[1]}"
            one = {"Effect": "Allow", "Action": one[0].split(), "Resource": resource}
        listed.append(one)
    document = {"Version": "2012-10-17", "Statement": listed or [{"Effect": "Deny", "Action": "a:A", "Resource": "*"}]}
    iam = simulator.boto("iam")
    iam.put_role_policy(RoleName="airflow", PolicyName="test", PolicyDocument=json.dumps(document))


@pytest.fixture
def caller(simulator: RunningSimulator) -> Any:
    return simulator.boto("s3", access_key="run")


def refused(call: Any, **arguments: Any) -> str:
    """Return the message of a refusal; for HEAD, which has no body, the code."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    error = caught.value.response["Error"]
    assert error["Code"] in ("AccessDenied", "403")
    return str(error["Message"])


def message(action: str, resource: str) -> str:
    return (
        f'User: {CALLER} is not authorized to perform: {action} on resource: "arn:aws:s3:::{resource}" '
        + NOT_ALLOWED.format(action)
    )


def test_a_caller_may_do_what_its_policies_allow_and_nothing_else(simulator: RunningSimulator, caller: Any) -> None:
    allow(simulator, ("s3:GetObject", "data/runs/*"))
    assert caller.get_object(Bucket="data", Key="runs/a")["Body"].read() == b"text"
    assert caller.head_object(Bucket="data", Key="runs/a")["ContentLength"] == 4
    put = refused(caller.put_object, Bucket="data", Key="runs/b", Body=b"x")
    assert put == message("s3:PutObject", "data/runs/b")
    assert refused(caller.get_object, Bucket="other", Key="runs/a") == message("s3:GetObject", "other/runs/a")
    assert refused(caller.head_object, Bucket="data", Key="elsewhere") == "Forbidden"
    assert refused(caller.list_objects_v2, Bucket="data") == message("s3:ListBucket", "data")
    assert refused(caller.head_bucket, Bucket="data") == "Forbidden"
    assert refused(caller.list_buckets) == (
        f"User: {CALLER} is not authorized to perform: s3:ListAllMyBuckets {NOT_ALLOWED.format('s3:ListAllMyBuckets')}"
    )


def test_the_owner_may_do_everything(simulator: RunningSimulator) -> None:
    allow(simulator)
    owner = simulator.boto("s3")
    owner.put_object(Bucket="data", Key="owned", Body=b"x")
    owner.delete_object(Bucket="data", Key="owned")
    assert {bucket["Name"] for bucket in owner.list_buckets()["Buckets"]} == {"data", "other"}


def test_a_missing_object_is_hidden_from_callers_who_may_not_list(simulator: RunningSimulator, caller: Any) -> None:
    allow(simulator, ("s3:GetObject", "data/*"))
    assert refused(caller.get_object, Bucket="data", Key="runs/no") == message("s3:ListBucket", "data")
    assert refused(caller.head_object, Bucket="data", Key="runs/no") == "Forbidden"
    condition = {"StringLike": {"s3:prefix": "runs/*"}}
    listing = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::data", "Condition": condition}
    allow(simulator, ("s3:GetObject", "data/*"), listing)
    with pytest.raises(caller.exceptions.NoSuchKey):
        caller.get_object(Bucket="data", Key="runs/no")
    with pytest.raises(ClientError, match="404"):
        caller.head_object(Bucket="data", Key="runs/no")
    assert refused(caller.get_object, Bucket="data", Key="other/no") == message("s3:ListBucket", "data")


def test_lists_can_be_limited_to_a_prefix(simulator: RunningSimulator, caller: Any) -> None:
    condition = {"StringLike": {"s3:prefix": "runs/*"}}
    listing = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::data", "Condition": condition}
    allow(simulator, listing)
    assert caller.list_objects_v2(Bucket="data", Prefix="runs/a")["KeyCount"] == 1
    refused(caller.list_objects_v2, Bucket="data", Prefix="secret/")
    refused(caller.list_objects_v2, Bucket="data")
    refused(caller.head_bucket, Bucket="data")


def test_everyone_learns_that_a_bucket_does_not_exist(simulator: RunningSimulator, caller: Any) -> None:
    allow(simulator)
    with pytest.raises(caller.exceptions.NoSuchBucket):
        caller.get_object(Bucket="absent", Key="k")
    with pytest.raises(ClientError, match="404"):
        caller.head_bucket(Bucket="absent")


def test_buckets_can_be_created_by_those_who_may(simulator: RunningSimulator, caller: Any) -> None:
    allow(simulator)
    assert refused(caller.create_bucket, Bucket="created") == message("s3:CreateBucket", "created")
    allow(simulator, ("s3:CreateBucket s3:DeleteBucket", "created"))
    caller.create_bucket(Bucket="created")
    assert refused(caller.put_bucket_tagging, Bucket="created", Tagging={"TagSet": []}) == message(
        "s3:PutBucketTagging", "created"
    )
    caller.delete_bucket(Bucket="created")


def test_an_upload_in_parts_needs_to_write_and_to_abort(simulator: RunningSimulator, caller: Any) -> None:
    allow(simulator, ("s3:PutObject", "data/parts"))
    key = {"Bucket": "data", "Key": "parts"}
    upload = {**key, "UploadId": caller.create_multipart_upload(**key)["UploadId"]}
    part = caller.upload_part(**upload, PartNumber=1, Body=b"x")
    assert refused(caller.abort_multipart_upload, **upload) == message("s3:AbortMultipartUpload", "data/parts")
    caller.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    allow(simulator)
    assert refused(caller.create_multipart_upload, **key) == message("s3:PutObject", "data/parts")


def test_a_copy_needs_to_read_and_to_write(simulator: RunningSimulator, caller: Any) -> None:
    copy = {"CopySource": {"Bucket": "data", "Key": "runs/a"}, "Bucket": "other", "Key": "copy"}
    allow(simulator, ("s3:PutObject", "other/copy"))
    assert refused(caller.copy_object, **copy) == message("s3:GetObject", "data/runs/a")
    allow(simulator, ("s3:GetObject", "data/runs/a"))
    assert refused(caller.copy_object, **copy) == message("s3:PutObject", "other/copy")
    allow(simulator, ("s3:GetObject", "data/runs/a"), ("s3:PutObject", "other/copy"))
    caller.copy_object(**copy)
    assert simulator.boto("s3").get_object(Bucket="other", Key="copy")["Body"].read() == b"text"


def test_a_write_that_compares_the_etag_needs_to_read(simulator: RunningSimulator, caller: Any) -> None:
    tag = simulator.boto("s3").put_object(Bucket="data", Key="compared", Body=b"1")["ETag"]
    allow(simulator, ("s3:PutObject", "data/compared"))
    write = {"Bucket": "data", "Key": "compared", "Body": b"2"}
    assert refused(caller.put_object, **write, IfMatch=tag) == message("s3:GetObject", "data/compared")
    allow(simulator, ("s3:PutObject s3:GetObject", "data/compared"))
    caller.put_object(**write, IfMatch=tag)


def test_each_refused_key_of_a_deletion_is_reported(simulator: RunningSimulator, caller: Any) -> None:
    owner = simulator.boto("s3")
    for key in ("runs/1", "runs/2", "kept/3"):
        owner.put_object(Bucket="data", Key=key, Body=b"x")
    allow(simulator, ("s3:DeleteObject", "data/runs/*"))
    objects = [{"Key": key} for key in ("runs/1", "kept/3", "runs/2")]
    answer = caller.delete_objects(Bucket="data", Delete={"Objects": objects})
    assert sorted(one["Key"] for one in answer["Deleted"]) == ["runs/1", "runs/2"]
    error = {"Key": "kept/3", "Code": "AccessDenied", "Message": message("s3:DeleteObject", "data/kept/3")}
    assert answer["Errors"] == [error]
    answer = caller.delete_objects(Bucket="data", Delete={"Objects": [{"Key": "kept/3"}], "Quiet": True})
    assert answer["Errors"] == [error]
    versions = [{"Key": "kept/3", "VersionId": version} for version in ("one", "two")]
    answer = caller.delete_objects(Bucket="data", Delete={"Objects": versions})
    text = message("s3:DeleteObjectVersion", "data/kept/3")
    assert answer["Errors"] == [{**one, "Code": "AccessDenied", "Message": text} for one in versions]
    assert owner.get_object(Bucket="data", Key="kept/3")["Body"].read() == b"x"


def test_the_policy_of_a_bucket_can_deny_and_allow(simulator: RunningSimulator, caller: Any) -> None:
    owner = simulator.boto("s3")
    role = "arn:aws:iam::123456789012:role/airflow"
    give = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::other/*"}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::other/locked/*"}
    plain = {**deny, "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    plain["Resource"] = "arn:aws:s3:::other/*"
    policy = {"Version": "2012-10-17", "Statement": [give, deny, plain]}
    owner.put_bucket_policy(Bucket="other", Policy=json.dumps(policy))
    try:
        allow(simulator, ("s3:PutObject", "other/*"))
        assert caller.get_object(Bucket="other", Key="runs/a")["Body"].read() == b"text"
        caller.put_object(Bucket="other", Key="open/b", Body=b"x")
        text = refused(caller.put_object, Bucket="other", Key="locked/b", Body=b"x")
        assert text.endswith('"arn:aws:s3:::other/locked/b" with an explicit deny in a resource-based policy')
        assert "explicit deny" in refused(owner.put_object, Bucket="other", Key="locked/b", Body=b"x")
    finally:
        owner.delete_bucket_policy(Bucket="other")


def test_a_presigned_url_has_the_rights_of_its_signer(simulator: RunningSimulator, caller: Any) -> None:
    url = caller.generate_presigned_url("get_object", Params={"Bucket": "data", "Key": "runs/a"})
    allow(simulator, ("s3:GetObject", "data/*"))
    with urllib.request.urlopen(url) as response:  # noqa: S310 - the simulator
        assert response.read() == b"text"
    allow(simulator)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url)  # noqa: S310 - the simulator
    assert caught.value.code == 403
    assert message("s3:GetObject", "data/runs/a").replace('"', "") in caught.value.read().decode().replace('"', "")


def test_a_form_has_the_rights_of_its_signer(simulator: RunningSimulator, caller: Any) -> None:
    form = caller.generate_presigned_post("data", "forms/a")
    allow(simulator, ("s3:GetObject", "data/*"))
    assert post(form) == 403
    allow(simulator, ("s3:PutObject", "data/forms/*"))
    assert post(form) == 204


def post(form: dict[str, Any]) -> int:
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{form["fields"][name]}' for name in form["fields"]
    ]
    parts.append('--x\r\nContent-Disposition: form-data; name="file"\r\n\r\ntext\r\n--x--\r\n')
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    request = urllib.request.Request(form["url"], "\r\n".join(parts).encode(), headers)  # noqa: S310 - the simulator
    try:
        with urllib.request.urlopen(request) as response:  # noqa: S310 - the simulator
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_unknown_keys_and_signatures_without_a_key_are_refused(simulator: RunningSimulator) -> None:
    stranger = simulator.boto("s3", access_key="stranger")
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        stranger.get_object(Bucket="data", Key="runs/a")
    headers = {"Authorization": "AWS4-ECDSA-P256-SHA256 Credential=x"}
    request = urllib.request.Request(f"{simulator.url}/data/runs/a", headers=headers)  # noqa: S310 - the simulator
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)  # noqa: S310 - the simulator
    assert caught.value.code == 403


def test_unsigned_requests_are_refused_as_before(simulator: RunningSimulator) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{simulator.url}/data/runs/a")  # noqa: S310 - the simulator
    assert caught.value.code == 403


def test_the_decisions_are_logged(simulator: RunningSimulator, caller: Any) -> None:
    allow(simulator, ("s3:GetObject", "data/*"))
    simulator.admin("POST", "access/clear")
    caller.get_object(Bucket="data", Key="runs/a")
    refused(caller.delete_object, Bucket="data", Key="runs/a")
    found = [(one["action"], one["resource"], one["allowed"]) for one in simulator.admin("GET", "access")]
    assert found == [
        ("s3:DeleteObject", "arn:aws:s3:::data/runs/a", False),
        ("s3:GetObject", "arn:aws:s3:::data/runs/a", True),
    ]
