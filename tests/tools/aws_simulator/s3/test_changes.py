"""A change that cannot be written to a file does not happen."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.aws_simulator import start_simulator
from tests.tools.aws_simulator.builders import refused
from tests.tools.aws_simulator.services.test_iam import create_role
from tools.aws_simulator.account.state import State
from tools.aws_simulator.s3.changes import ObjectRequest
from tools.aws_simulator.s3.files import PendingFile, S3Files

TAGS = {"TagSet": [{"Key": "a", "Value": "b"}]}
POLICY = '{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::data/*"}}'


def no_space(*_: Any, **__: Any) -> None:
    raise OSError(28, "No space left on device")


def contents(s3: Any) -> dict[str, Any]:
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket="data").get("Contents", [])]
    return {
        "buckets": [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]],
        "objects": {key: s3.get_object(Bucket="data", Key=key)["Body"].read() for key in keys},
        "uploads": [upload["UploadId"] for upload in s3.list_multipart_uploads(Bucket="data").get("Uploads", [])],
        "versioning": s3.get_bucket_versioning(Bucket="data").get("Status"),
    }


def requests(s3: Any, upload: dict[str, str], parts: Any) -> list[Callable[[], Any]]:
    return [
        lambda: s3.create_bucket(Bucket="new-bucket"),
        lambda: s3.put_object(Bucket="data", Key="new", Body=b"1"),
        lambda: s3.put_object(Bucket="data", Key="kept", Body=b"1"),
        lambda: s3.copy_object(Bucket="data", Key="copy", CopySource="data/kept"),
        lambda: s3.complete_multipart_upload(**upload, MultipartUpload=parts),
        lambda: s3.put_bucket_tagging(Bucket="data", Tagging=TAGS),
        lambda: s3.put_bucket_policy(Bucket="data", Policy=POLICY),
        lambda: s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Suspended"}),
    ]


@pytest.mark.parametrize("versioned", [False, True])
def test_a_full_disk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, versioned: bool) -> None:
    with start_simulator(tmp_path) as simulator:
        s3 = simulator.boto("s3")
        s3.create_bucket(Bucket="data")
        if versioned:
            s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
        for key in ("kept", "other"):
            s3.put_object(Bucket="data", Key=key, Body=key.encode())
        begun = s3.create_multipart_upload(Bucket="data", Key="large")["UploadId"]
        upload = {"Bucket": "data", "Key": "large", "UploadId": begun}
        part = s3.upload_part(**upload, PartNumber=1, Body=b"part")
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        before = contents(s3)
        with monkeypatch.context() as full:
            full.setattr(PendingFile, "__init__", no_space)
            for request in requests(s3, upload, parts):
                with refused("InternalError", status=500):
                    request()
        assert contents(s3) == before
        for code, call in (("NoSuchTagSet", s3.get_bucket_tagging), ("NoSuchBucketPolicy", s3.get_bucket_policy)):
            with refused(code):
                call(Bucket="data")
        s3.create_bucket(Bucket="new-bucket")
        s3.complete_multipart_upload(**upload, MultipartUpload=parts)
        after = contents(s3)["objects"]
    with start_simulator(tmp_path) as simulator:
        assert contents(simulator.boto("s3"))["objects"] == after == {**before["objects"], "large": b"part"}


def test_what_cannot_be_deleted_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with start_simulator(tmp_path) as simulator:
        s3 = simulator.boto("s3")
        for bucket in ("data", "empty"):
            s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket="data", Key="kept", Body=b"kept")
        before = contents(s3)
        for name in ("delete", "delete_all_but", "delete_bucket"):
            monkeypatch.setattr(S3Files, name, no_space)
        with refused("InternalError", status=500):
            s3.delete_object(Bucket="data", Key="kept")
        with refused("InternalError", status=500):
            s3.delete_objects(Bucket="data", Delete={"Objects": [{"Key": "kept"}]})
        with refused("InternalError", status=500):
            s3.delete_bucket(Bucket="empty")
        assert contents(s3) == before


def test_services_and_bedrock_answer_in_their_own_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with start_simulator(tmp_path) as simulator:
        iam, bedrock = simulator.boto("iam"), simulator.boto("bedrock")
        roles, policies = iam.list_roles()["Roles"], iam.list_policies(Scope="AWS")["Policies"]
        with monkeypatch.context() as patched:
            patched.setattr(State, "execute", full)
            with refused("ServiceFailure", status=500):
                create_role(iam)
            with refused("InternalServerException", status=500):
                bedrock.list_custom_models()
        assert iam.list_roles()["Roles"] == roles
        assert iam.list_policies(Scope="AWS")["Policies"] == policies
        assert bedrock.list_custom_models()["modelSummaries"] == []


def test_an_object_that_a_form_uploads_is_kept(tmp_path: Path) -> None:
    with start_simulator(tmp_path) as simulator:
        s3 = simulator.boto("s3")
        s3.create_bucket(Bucket="data")
        form = s3.generate_presigned_post("data", "by-form")
        fields = [*form["fields"].items(), ("file", "text")]
        parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields]
        headers = {"content-type": "multipart/form-data; boundary=x"}
        answer = httpx.post(form["url"], content="".join(parts) + "--x--\r\n", headers=headers)
        assert answer.status_code in (200, 201, 204)
    with start_simulator(tmp_path) as simulator:
        assert contents(simulator.boto("s3"))["objects"] == {"by-form": b"text"}


def test_the_names_in_a_path() -> None:
    request = ObjectRequest.read("PUT", "/bucket/a%2Fb%20c", "tagging&x=1", {}, b"")
    assert (request.bucket, request.key, set(request.arguments)) == ("bucket", "a/b c", {"tagging", "x"})
