from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator.builders import fresh, refused

PAST, FUTURE, OTHER = "2020-01-01", "2100-01-01", '"0123"'


def filled(simulator: RunningSimulator) -> tuple[Any, str, dict[str, str]]:
    """Return a client, a bucket with the objects ``source`` and ``target``, and the ETags of these."""
    s3, bucket = simulator.boto("s3"), fresh("copies")
    s3.create_bucket(Bucket=bucket)
    tags = {key: s3.put_object(Bucket=bucket, Key=key, Body=key.encode())["ETag"] for key in ("source", "target")}
    return s3, bucket, tags


@pytest.mark.parametrize(
    ("conditions", "code"),
    [
        ({"CopySourceIfMatch": OTHER}, "PreconditionFailed"),
        ({"CopySourceIfMatch": OTHER, "CopySourceIfUnmodifiedSince": FUTURE}, "PreconditionFailed"),
        ({"CopySourceIfNoneMatch": "source"}, "PreconditionFailed"),
        ({"CopySourceIfUnmodifiedSince": PAST}, "PreconditionFailed"),
        ({"CopySourceIfModifiedSince": FUTURE}, "PreconditionFailed"),
        ({"IfNoneMatch": "*"}, "PreconditionFailed"),
        ({"IfMatch": OTHER}, "PreconditionFailed"),
        ({"IfMatch": OTHER, "Key": "absent"}, "NoSuchKey"),
        ({"MetadataDirective": "MERGE"}, "InvalidArgument"),
        ({"TaggingDirective": "MERGE"}, "InvalidArgument"),
    ],
)
def test_a_copy_whose_condition_fails_changes_nothing(
    simulator: RunningSimulator, conditions: dict[str, str], code: str
) -> None:
    s3, bucket, tags = filled(simulator)
    given = {name: tags.get(value, value) for name, value in conditions.items()}
    with refused(code):
        s3.copy_object(**{"Bucket": bucket, "Key": "target", "CopySource": f"{bucket}/source", **given})
    assert s3.get_object(Bucket=bucket, Key="target")["Body"].read() == b"target"
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 2


@pytest.mark.parametrize(
    "conditions",
    [
        {"CopySourceIfMatch": "source", "CopySourceIfUnmodifiedSince": PAST},
        {"CopySourceIfNoneMatch": OTHER, "CopySourceIfModifiedSince": PAST},
        {"IfMatch": "target"},
        {"IfNoneMatch": "*", "Key": "new"},
    ],
)
def test_a_copy_whose_conditions_hold_is_made(simulator: RunningSimulator, conditions: dict[str, str]) -> None:
    s3, bucket, tags = filled(simulator)
    given = {name: tags.get(value, value) if name != "Key" else value for name, value in conditions.items()}
    request = {"Bucket": bucket, "Key": "target", "CopySource": f"{bucket}/source", **given}
    s3.copy_object(**request)
    assert s3.get_object(Bucket=bucket, Key=request["Key"])["Body"].read() == b"source"


def test_a_copied_part_has_conditions_too(simulator: RunningSimulator) -> None:
    s3, bucket, _ = filled(simulator)
    upload = {"Bucket": bucket, "Key": "parts"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    with refused("PreconditionFailed", status=412):
        s3.upload_part_copy(**upload, PartNumber=1, CopySource=f"{bucket}/source", CopySourceIfMatch=OTHER)


def test_bytes_cannot_be_appended(simulator: RunningSimulator) -> None:
    s3, bucket, _ = filled(simulator)
    with refused("NotImplemented", status=501):
        s3.put_object(Bucket=bucket, Key="target", Body=b"+", WriteOffsetBytes=6)
    assert s3.get_object(Bucket=bucket, Key="target")["Body"].read() == b"target"
