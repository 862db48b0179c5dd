"""Test the object store on a simulated S3, and with scripted responses that the simulator cannot give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bedrock_distill.hooks import s3 as s3_hook
from bedrock_distill.hooks.aws_errors import named_errors
from bedrock_distill.hooks.s3 import S3ObjectStore
from include.distill.cleanup.expiry import PROJECT_TAG
from include.distill.core.errors import ContractError, NotFoundError, OutcomeError, RefusedError, TransientError
from tests.fakes.aws_simulator import RunningSimulator, start_simulator
from tests.fakes.fake_bedrock import CREATED
from tests.fakes.scripted_hook import ScriptedHook

URI = "s3://bucket/a/rows.jsonl"


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with start_simulator(tmp_path_factory.mktemp("aws_simulator")) as running:
        running.boto("s3").create_bucket(Bucket="bucket")
        yield running


class Clients:
    """The boto3 clients of an AWS simulator, with the methods that the store calls."""

    def __init__(self, simulator: RunningSimulator) -> None:
        self.simulator = simulator
        self.methods: list[str] = []

    def call(self, service: str, method: str, what: str, **parameters: Any) -> Any:
        with named_errors(f"{method} {what}"):
            self.methods.append(method)
            return getattr(self.simulator.boto(service), method)(**parameters)


@pytest.fixture
def clients(simulator: RunningSimulator) -> Clients:
    return Clients(simulator)


@pytest.fixture
def store(clients: Clients) -> S3ObjectStore:
    return S3ObjectStore(clients)  # type: ignore[arg-type]


class TestObjects:
    def test_an_object_is_written_only_if_there_is_none(self, store: S3ObjectStore) -> None:
        uri = "s3://bucket/once/run.json"
        assert store.write_if_absent(uri, b"first")
        assert not store.write_if_absent(uri, b"second")
        assert store.read(uri) == b"first"
        store.delete(uri)
        assert store.write_if_absent(uri, b"third")

    def test_an_object_is_replaced_only_if_nobody_else_has_replaced_it(self, store: S3ObjectStore) -> None:
        uri = "s3://bucket/once/change.json"
        store.write(uri, b"one")
        body, version = store.read_versioned(uri)
        assert body == b"one"
        assert store.write_if_unchanged(uri, b"two", version)
        assert not store.write_if_unchanged(uri, b"three", version)
        assert store.read(uri) == b"two"

    def test_a_deleted_object_is_not_replaced(self, store: S3ObjectStore) -> None:
        uri = "s3://bucket/once/gone.json"
        store.write(uri, b"one")
        _, version = store.read_versioned(uri)
        store.delete(uri)
        assert not store.write_if_unchanged(uri, b"two", version)
        assert not store.exists(uri)
        with pytest.raises(NotFoundError):
            store.write_if_unchanged("s3://no-such-bucket/x", b"two", version)
        with pytest.raises(NotFoundError):
            store.read_versioned(uri)

    def test_a_write_that_s3_could_not_judge_is_an_error(self) -> None:
        conflict = TransientError("another write is in progress")
        conflict.code = "ConditionalRequestConflict"
        with pytest.raises(TransientError):
            S3ObjectStore(ScriptedHook(conflict)).write_if_unchanged(URI, b"", "tag")

    def test_a_written_object_can_be_read_until_it_is_deleted(self, store: S3ObjectStore) -> None:
        uri = "s3://bucket/notes/a b+c.json"
        assert not store.exists(uri)
        store.write(uri, b"{}")
        assert store.exists(uri)
        assert store.read(uri) == b"{}"
        store.delete(uri)
        store.delete(uri)
        assert not store.exists(uri)

    def test_the_error_about_a_missing_object_names_the_object(self, store: S3ObjectStore) -> None:
        with pytest.raises(NotFoundError, match="s3://bucket/never"):
            store.read("s3://bucket/never")

    def test_refused_access_is_not_reported_as_a_missing_object(self) -> None:
        with pytest.raises(RefusedError, match="403"):
            S3ObjectStore(ScriptedHook(RefusedError("403"))).exists(URI)

    def test_an_object_is_copied_within_s3(self, store: S3ObjectStore, clients: Clients) -> None:
        store.write("s3://bucket/from here", b"body")
        store.copy("s3://bucket/from here", "s3://bucket/to")
        assert clients.methods == ["put_object", "copy"]
        assert store.read("s3://bucket/to") == b"body"
        with pytest.raises(NotFoundError, match="s3://bucket/never"):
            store.copy("s3://bucket/never", "s3://bucket/to")


class TestWriter:
    @pytest.mark.parametrize(("size", "method"), [(100, "put_object"), (101, "upload_fileobj")])
    def test_a_stream_is_uploaded_completely_at_the_end_of_its_block(
        self, store: S3ObjectStore, clients: Clients, monkeypatch: pytest.MonkeyPatch, size: int, method: str
    ) -> None:
        monkeypatch.setattr(s3_hook, "UPLOAD_SPOOL_BYTES", 100)
        with store.writer(URI) as body:
            for _ in range(size):
                body.write(b"x")
        assert clients.methods == [method]
        assert store.read(URI) == b"x" * size

    def test_a_stream_larger_than_one_part_is_read_back(self, store: S3ObjectStore) -> None:
        line = b"0123456789" * 100 + b"\n"
        with store.writer(URI) as body:
            for _ in range(9000):
                body.write(line)
        with store.reader(URI) as body:
            assert sum(read == line for read in body) == 9000

    def test_a_block_that_raises_uploads_nothing(self, store: S3ObjectStore) -> None:
        def write() -> None:
            with store.writer("s3://bucket/never") as body:
                body.write(b"half")
                raise ValueError("broken off")

        with pytest.raises(ValueError, match="broken off"):
            write()
        assert not store.exists("s3://bucket/never")


class TestListing:
    def test_only_objects_with_the_prefix_are_listed_and_in_order(self, store: S3ObjectStore) -> None:
        for key in ("runs/b", "runs/a/1", "runs-old/c"):
            store.write(f"s3://bucket/{key}", key.encode())
        assert store.list("s3://bucket/runs/") == ["s3://bucket/runs/a/1", "s3://bucket/runs/b"]
        assert [described.size for described in store.describe("s3://bucket/runs/")] == [8, 6]
        assert store.list("s3://bucket/nothing/") == []

    def test_a_listing_continues_to_its_last_page(self) -> None:
        def page(*keys: str, token: str = "") -> dict[str, Any]:
            contents = [{"Key": key, "Size": 1, "LastModified": CREATED} for key in keys]
            return {"Contents": contents, "IsTruncated": bool(token), "NextContinuationToken": token}

        hook = ScriptedHook(page("k/1", "k/2", token="more"), page("k/3"))
        assert S3ObjectStore(hook).list("s3://b/k/") == ["s3://b/k/1", "s3://b/k/2", "s3://b/k/3"]
        assert [call.get("ContinuationToken") for call in hook.calls] == [None, "more"]


class TestDeleteAll:
    def test_many_objects_are_deleted_in_batches_of_the_size_that_s3_allows(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(s3_hook, "DELETE_BATCH_SIZE", 2)
        hook = ScriptedHook({}, {})
        S3ObjectStore(hook).delete_all(["s3://b/1", "s3://b/2", "s3://b/3/4"])
        assert [[key["Key"] for key in call["Delete"]["Objects"]] for call in hook.calls] == [["1", "2"], ["3/4"]]

    def test_without_objects_to_delete_no_request_is_sent(self) -> None:
        S3ObjectStore(ScriptedHook()).delete_all([])

    def test_an_object_that_s3_does_not_delete_is_an_error_although_the_call_succeeds(self) -> None:
        hook = ScriptedHook({"Errors": [{"Key": "1", "Code": "AccessDenied", "Message": "no"}]})
        with pytest.raises(OutcomeError, match=r"1 of 2 objects\. The first one is s3://b/1: AccessDenied no"):
            S3ObjectStore(hook).delete_all(["s3://b/1", "s3://b/2"])

    def test_the_other_objects_are_kept(self, store: S3ObjectStore) -> None:
        for key in ("1", "2", "3"):
            store.write(f"s3://bucket/many/{key}", b"")
        store.delete_all(["s3://bucket/many/1", "s3://bucket/many/3", "s3://bucket/many/never"])
        assert store.list("s3://bucket/many/") == ["s3://bucket/many/2"]


class TestBuckets:
    def test_the_message_about_a_missing_bucket_says_what_to_do(self, store: S3ObjectStore) -> None:
        with pytest.raises(NotFoundError, match="bucket absent does not exist; create it in us-east-1"):
            store.ensure_bucket("absent", region="us-east-1", create=False)
        assert store.bucket_tags("absent") is None

    def test_a_bucket_is_created_with_the_projects_tag_and_deleted(self, store: S3ObjectStore) -> None:
        assert store.ensure_bucket("new", region="us-east-1", create=True) is None
        assert store.bucket_tags("new") == {"project": PROJECT_TAG}
        store.delete_bucket("new")
        store.delete_bucket("new")
        assert store.bucket_tags("new") is None

    @pytest.mark.parametrize(
        ("region", "stated"),
        [
            pytest.param("eu-west-1", {"LocationConstraint": "eu-west-1"}, id="another Region"),
            pytest.param("us-east-1", None, id="the Region that S3 rejects as a LocationConstraint"),
        ],
    )
    def test_a_new_bucket_is_in_the_region_of_the_jobs(self, region: str, stated: Any) -> None:
        hook = ScriptedHook(NotFoundError("404"), {}, {})
        assert S3ObjectStore(hook).ensure_bucket("new", region=region, create=True) is None
        assert [call["method"] for call in hook.calls] == ["head_bucket", "create_bucket", "put_bucket_tagging"]
        assert hook.calls[1].get("CreateBucketConfiguration") == stated

    def test_the_methods_that_web_pages_may_use_are_those_of_all_rules(
        self, simulator: RunningSimulator, store: S3ObjectStore
    ) -> None:
        store.ensure_bucket("pages", region="us-east-1", create=True)
        assert store.cors_methods("pages") == set()
        rules = [{"AllowedMethods": methods, "AllowedOrigins": ["*"]} for methods in (["GET", "PUT"], ["HEAD"])]
        simulator.boto("s3").put_bucket_cors(Bucket="pages", CORSConfiguration={"CORSRules": rules})
        assert store.cors_methods("pages") == {"GET", "PUT", "HEAD"}
        with pytest.raises(NotFoundError):
            store.cors_methods("absent")

    @pytest.mark.parametrize("create", [True, False])
    def test_an_existing_bucket_is_not_changed(self, store: S3ObjectStore, create: bool) -> None:
        assert store.ensure_bucket("bucket", region="us-east-1", create=create) is None
        assert store.bucket_tags("bucket") == {}

    @pytest.mark.parametrize(
        "answers",
        [
            pytest.param([{"BucketRegion": "eu-west-1"}], id="HeadBucket"),
            pytest.param([{"ResponseMetadata": {"HTTPHeaders": {"x-amz-bucket-region": "eu-west-1"}}}], id="header"),
            pytest.param([{}, {"LocationConstraint": "eu-west-1"}], id="GetBucketLocation"),
            pytest.param([{}, {"LocationConstraint": "EU"}], id="an old name"),
        ],
    )
    def test_a_bucket_in_another_region_is_a_problem_that_names_both_regions(self, answers: list[Any]) -> None:
        problem = S3ObjectStore(ScriptedHook(*answers)).ensure_bucket("b", region="us-east-1", create=True)
        assert problem is not None
        assert "bucket b is in eu-west-1, but aws.region is us-east-1" in problem

    @pytest.mark.parametrize(
        "answers",
        [
            pytest.param([{"BucketRegion": "us-east-1"}], id="HeadBucket"),
            pytest.param([{}, {"LocationConstraint": None}], id="GetBucketLocation"),
            pytest.param([{}, RefusedError("403")], id="the Region may not be looked up"),
        ],
    )
    def test_a_bucket_in_the_region_of_the_jobs_is_no_problem(self, answers: list[Any]) -> None:
        assert S3ObjectStore(ScriptedHook(*answers)).ensure_bucket("b", region="us-east-1", create=False) is None

    def test_a_redirect_to_another_region_is_a_problem_that_names_both_regions(self) -> None:
        moved = RefusedError("301")
        moved.bucket_region = "ap-south-1"
        problem = S3ObjectStore(ScriptedHook(moved)).ensure_bucket("b", region="us-east-1", create=False)
        assert problem is not None
        assert "bucket b is in ap-south-1, but aws.region is us-east-1" in problem

    def test_a_refusal_in_the_region_of_the_jobs_is_raised(self) -> None:
        denied = RefusedError("403")
        denied.bucket_region = "us-east-1"
        with pytest.raises(RefusedError, match="403"):
            S3ObjectStore(ScriptedHook(denied)).ensure_bucket("b", region="us-east-1", create=False)

    def test_the_simulated_s3_says_where_a_bucket_is(self, clients: Clients, store: S3ObjectStore) -> None:
        assert store.ensure_bucket("bucket", region="us-west-2", create=False) is not None
        assert clients.methods == ["head_bucket"]

    def test_any_other_error_about_the_tags_of_a_bucket_is_raised(self) -> None:
        with pytest.raises(ContractError):
            S3ObjectStore(ScriptedHook(ContractError("Teapot"))).bucket_tags("b")

    def test_a_bucket_that_once_had_versioning_is_reported_as_versioned(self) -> None:
        store = S3ObjectStore(ScriptedHook({"Status": "Suspended"}, {}))
        assert (store.has_versions("b"), store.has_versions("b")) == (True, False)
