"""Check on the requests of real boto3 clients that each names the account that must own the bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bedrock_distill.hooks.aws import AwsClients
from bedrock_distill.hooks.s3 import UPLOAD_SPOOL_BYTES, S3ObjectStore
from bedrock_distill.hooks.s3_owner import owner_of
from include.distill.core.errors import RefusedError
from tests.fakes.aws_simulator import RunningSimulator, start_simulator

OURS, THEIRS = "123456789012", "210987654321"  # the first one is the account of the simulator


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with start_simulator(tmp_path_factory.mktemp("aws")) as simulator:
        simulator.boto("s3").create_bucket(Bucket="bucket")
        yield simulator


@pytest.fixture(autouse=True)
def endpoint(aws: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"ENDPOINT_URL": aws.url, "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "s"}
    for name, value in settings.items():
        monkeypatch.setenv(f"AWS_{name}", value)


def store(owners: dict[str, str]) -> S3ObjectStore:
    return S3ObjectStore(AwsClients(None, "us-east-1", bucket_owners=owners))


def use_every_operation(store: S3ObjectStore, bucket: str) -> None:
    small, large, copy = (f"s3://{bucket}/{name}" for name in ("small", "large", "copy"))
    store.write(small, b"1")
    with store.writer(large) as body:  # is uploaded in parts
        body.write(b"x" * (UPLOAD_SPOOL_BYTES + 1))
    store.copy(large, copy)
    assert store.read(small) == b"1"
    assert store.exists(copy)
    assert store.list(f"s3://{bucket}/") == [copy, large, small]
    store.delete(small)
    store.delete_all([large, copy])
    assert store.bucket_tags(bucket) == {}
    assert not store.has_versions(bucket)
    assert store.ensure_bucket(bucket, region="us-east-1", create=True) is None


@pytest.mark.parametrize("owners", [{"*": OURS}, {"*": THEIRS, "bucket": OURS}, {}])
def test_a_bucket_of_the_expected_account_is_used(owners: dict[str, str]) -> None:
    use_every_operation(store(owners), "bucket")


def upload(store: S3ObjectStore) -> None:
    with store.writer("s3://bucket/new") as body:  # in parts
        body.write(b"x" * (UPLOAD_SPOOL_BYTES + 1))


def stream(store: S3ObjectStore) -> bytes:
    with store.reader("s3://bucket/kept") as body:
        return body.read()


# One use of each method of the store.
OPERATIONS: dict[str, Callable[[S3ObjectStore], object]] = {
    "write": lambda store: store.write("s3://bucket/new", b"1"),
    "write_if_absent": lambda store: store.write_if_absent("s3://bucket/new", b"1"),
    "write_if_unchanged": lambda store: store.write_if_unchanged("s3://bucket/kept", b"1", "any"),
    "writer": upload,
    "read": lambda store: store.read("s3://bucket/kept"),
    "read_versioned": lambda store: store.read_versioned("s3://bucket/kept"),
    "reader": stream,
    "exists": lambda store: store.exists("s3://bucket/kept"),
    "list": lambda store: store.list("s3://bucket/"),
    "describe": lambda store: store.describe("s3://bucket/"),
    "copy": lambda store: store.copy("s3://bucket/kept", "s3://bucket/new"),
    "delete": lambda store: store.delete("s3://bucket/kept"),
    "delete_all": lambda store: store.delete_all(["s3://bucket/kept"]),
    "bucket_tags": lambda store: store.bucket_tags("bucket"),
    "cors_methods": lambda store: store.cors_methods("bucket"),
    "has_versions": lambda store: store.has_versions("bucket"),
    "delete_bucket": lambda store: store.delete_bucket("bucket"),
    "ensure_bucket": lambda store: store.ensure_bucket("bucket", region="us-east-1", create=True),
}


def test_every_method_of_the_store_is_tried() -> None:
    assert set(OPERATIONS) == {name for name in vars(S3ObjectStore) if not name.startswith("_")}


@pytest.mark.parametrize("method", OPERATIONS)
def test_a_bucket_of_another_account_is_refused_by_every_operation(method: str, aws: RunningSimulator) -> None:
    aws.boto("s3").put_object(Bucket="bucket", Key="kept", Body=b"1")
    with pytest.raises(RefusedError):
        OPERATIONS[method](store({"*": THEIRS}))
    keys = [entry["Key"] for entry in aws.boto("s3").list_objects_v2(Bucket="bucket")["Contents"]]
    assert keys == ["kept"]


def test_the_source_of_a_copy_is_checked_too(aws: RunningSimulator) -> None:
    aws.boto("s3").create_bucket(Bucket="source")
    aws.boto("s3").put_object(Bucket="source", Key="kept", Body=b"1")
    with pytest.raises(RefusedError):
        store({"*": OURS, "source": THEIRS}).copy("s3://source/kept", "s3://bucket/copy")


def test_the_error_names_the_expected_account_and_the_setting() -> None:
    with pytest.raises(RefusedError, match=f"an account other than {THEIRS} owns the bucket.*storage.bucket_owners"):
        store({"*": THEIRS}).ensure_bucket("bucket", region="us-east-1", create=True)


def test_new_clients_check_the_owner_too() -> None:
    clients = AwsClients(None, "us-east-1", bucket_owners={"*": THEIRS})
    clients._clients.clear()  # as after expired credentials
    with pytest.raises(RefusedError):
        S3ObjectStore(clients).read("s3://bucket/kept")


def test_the_owner_of_a_named_bucket_comes_first() -> None:
    assert owner_of("b", {"*": OURS, "b": THEIRS}) == THEIRS
    assert owner_of("c", {"*": OURS, "b": THEIRS}) == OURS
    assert owner_of("c", {"b": THEIRS}) is None
