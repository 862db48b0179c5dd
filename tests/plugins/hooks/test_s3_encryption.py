"""Check on the AWS simulator that every object that the pipeline writes is encrypted with the use case's key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bedrock_distill.hooks.aws import AwsClients
from bedrock_distill.hooks.s3 import UPLOAD_SPOOL_BYTES, S3ObjectStore
from include.distill.core.errors import RefusedError
from tests.fakes.aws_simulator import RunningSimulator, start_simulator

KEY = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"


# The policy of a bucket whose objects have one key. Parts of an upload name no key, so they must be accepted.
ONLY_THIS_KEY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:PutObject",
    "Resource": "arn:aws:s3:::strict/*",
    "Condition": {
        "Null": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "false"},
        "StringNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": KEY},
    },
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    """A simulator that applies the policies of buckets."""
    with start_simulator(tmp_path_factory.mktemp("aws"), policies=[], callers={"airflow": "root"}) as simulator:
        client = simulator.boto("s3")
        for bucket in ("bucket", "strict"):
            client.create_bucket(Bucket=bucket)
        policy = {"Version": "2012-10-17", "Statement": [ONLY_THIS_KEY]}
        client.put_bucket_policy(Bucket="strict", Policy=json.dumps(policy))
        yield simulator


@pytest.fixture(autouse=True)
def endpoint(aws: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"ENDPOINT_URL": aws.url, "ACCESS_KEY_ID": "airflow", "SECRET_ACCESS_KEY": "s"}
    for name, value in settings.items():
        monkeypatch.setenv(f"AWS_{name}", value)


def store(**settings: Any) -> S3ObjectStore:
    return S3ObjectStore(AwsClients(None, "us-east-1", **settings))


def encryption(aws: RunningSimulator, name: str, bucket: str = "bucket") -> tuple[str | None, str | None]:
    head = aws.boto("s3").head_object(Bucket=bucket, Key=name)
    return head.get("ServerSideEncryption"), head.get("SSEKMSKeyId")


def write_in_every_way(store: S3ObjectStore, folder: str, bucket: str = "bucket") -> list[str]:
    """Write an object in every way that the store has, and return the names of the objects."""
    uris = {name: f"s3://{bucket}/{folder}/{name}" for name in ("put", "absent", "changed", "large", "copy")}
    store.write(uris["put"], b"1")
    assert store.write_if_absent(uris["absent"], b"1")
    store.write(uris["changed"], b"1")
    _, version = store.read_versioned(uris["changed"])
    assert store.write_if_unchanged(uris["changed"], b"2", version)
    with store.writer(uris["large"]) as body:  # is uploaded in parts
        body.write(b"x" * (UPLOAD_SPOOL_BYTES + 1))
    store.copy(uris["large"], uris["copy"])
    assert len(store.read(uris["copy"])) == UPLOAD_SPOOL_BYTES + 1
    return [f"{folder}/{name}" for name in uris]


def test_every_way_to_write_an_object_names_the_key(aws: RunningSimulator) -> None:
    names = write_in_every_way(store(kms_key_arn=KEY), "with-key")
    assert {name: encryption(aws, name) for name in names} == dict.fromkeys(names, ("aws:kms", KEY))


def test_without_a_key_the_setting_of_the_bucket_decides(aws: RunningSimulator) -> None:
    names = write_in_every_way(store(), "without-key")
    assert {encryption(aws, name)[1] for name in names} == {None}


def test_the_key_and_the_owner_are_sent_together_and_by_renewed_clients_too(aws: RunningSimulator) -> None:
    clients = AwsClients(None, "us-east-1", kms_key_arn=KEY, bucket_owners={"*": "123456789012"})
    for name in ("first", "renewed"):
        S3ObjectStore(clients).write(f"s3://bucket/{name}", b"1")
        assert encryption(aws, name) == ("aws:kms", KEY)
        clients._clients.clear()  # as after expired credentials


def test_deleting_reading_and_listing_need_no_key() -> None:
    objects = store(kms_key_arn=KEY)
    objects.write("s3://bucket/kept/a", b"1")
    assert objects.read("s3://bucket/kept/a") == b"1"
    assert objects.list("s3://bucket/kept/") == ["s3://bucket/kept/a"]
    objects.delete_all(["s3://bucket/kept/a"])
    assert not objects.exists("s3://bucket/kept/a")


def test_a_bucket_that_refuses_other_keys_accepts_every_way_to_write_an_object(aws: RunningSimulator) -> None:
    names = write_in_every_way(store(kms_key_arn=KEY), "with-key", bucket="strict")
    assert {encryption(aws, name, bucket="strict") for name in names} == {("aws:kms", KEY)}
    with pytest.raises(RefusedError, match="explicit deny in a resource-based policy"):
        store(kms_key_arn=KEY.replace("0123", "4567")).write("s3://strict/other", b"1")
