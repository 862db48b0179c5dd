"""A batch job reads one file or a folder, and writes an output file for each input file."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tools.aws_simulator.catalog.catalog import BatchLimits, load_catalog
from tools.aws_simulator.jobs import batch_runner
from tools.aws_simulator.jobs.batch_files import BatchFiles
from tools.aws_simulator.jobs.training_data import DataFaultError

pytestmark = pytest.mark.usefixtures("no_batch_left_running")


def records(name: str, count: int) -> bytes:
    return builders.jsonl([{"recordId": f"{name}{n}", "modelInput": builders.converse_input()} for n in range(count)])


def folder(simulator: RunningSimulator, files: dict[str, bytes], *, slash: str = "/") -> dict[str, Any]:
    """Put files into a folder, and return ``inputDataConfig``."""
    name = builders.fresh("folder")
    for path, body in files.items():
        builders.put(simulator, f"{name}/{path}", body)
    return {"s3InputDataConfig": {"s3Uri": f"s3://{builders.BUCKET}/{name}{slash}"}}


def outputs(simulator: RunningSimulator, arn: str) -> dict[str, list[Any]]:
    client, prefix = simulator.boto("s3"), f"output/{arn.rpartition('/')[2]}/"
    listed = client.list_objects_v2(Bucket=builders.BUCKET, Prefix=prefix).get("Contents", [])
    bodies = {one["Key"]: client.get_object(Bucket=builders.BUCKET, Key=one["Key"])["Body"].read() for one in listed}
    return {key.removeprefix(prefix): [json.loads(line) for line in body.splitlines()] for key, body in bodies.items()}


@pytest.mark.parametrize("slash", ["/", ""])
def test_each_file_of_a_folder_has_an_output_file_and_the_job_has_one_manifest(
    simulator: RunningSimulator, slash: str
) -> None:
    files = {"a.jsonl": records("a", 60), "more/b.jsonl": records("b", 41), "image.png": b"\x89", "note.txt": b"?"}
    arn = builders.create_batch(simulator, inputDataConfig=folder(simulator, files, slash=slash))
    job = builders.finished_batch(simulator, arn)
    assert job["status"] == "Completed", job.get("message")
    found = outputs(simulator, arn)
    assert set(found) == {"a.jsonl.out", "more/b.jsonl.out", "manifest.json.out"}
    assert sorted(line["recordId"] for line in found["a.jsonl.out"]) == sorted(f"a{n}" for n in range(60))
    assert {line["recordId"][0] for line in found["more/b.jsonl.out"]} == {"b"}
    assert all("modelOutput" in line for line in found["a.jsonl.out"])
    assert found["manifest.json.out"][0]["totalRecordCount"] == job["totalRecordCount"] == 101


@pytest.mark.parametrize("key", ["arn:aws:kms:us-east-1:123456789012:key/" + "1" * 36, "alias/results", None])
def test_the_output_has_the_key_that_the_request_names(simulator: RunningSimulator, key: str | None) -> None:
    output = builders.batch_request(simulator)["outputDataConfig"]["s3OutputDataConfig"]
    named = {"s3EncryptionKeyId": key} if key else {}
    arn = builders.create_batch(simulator, outputDataConfig={"s3OutputDataConfig": {**output, **named}})
    assert builders.finished_batch(simulator, arn)["status"] == "Completed"
    bucket, prefix = output["s3Uri"].removeprefix("s3://").split("/", 1)
    client, folder_of_job = simulator.boto("s3"), f"{prefix.rstrip('/')}/{arn.rpartition('/')[2]}/"
    names = [entry["Key"] for entry in client.list_objects_v2(Bucket=bucket, Prefix=folder_of_job)["Contents"]]
    heads = [client.head_object(Bucket=bucket, Key=name) for name in names]
    assert {(head.get("ServerSideEncryption"), head.get("SSEKMSKeyId")) for head in heads} == {
        ("aws:kms" if key else None, key)
    }


def test_a_folder_does_not_include_another_that_begins_with_its_name(simulator: RunningSimulator) -> None:
    given = folder(simulator, {"a.jsonl": records("a", 100)})
    uri = given["s3InputDataConfig"]["s3Uri"].rstrip("/")
    builders.put(simulator, f"{uri.partition(builders.BUCKET + '/')[2]}-2/b.jsonl", records("b", 100))
    arn = builders.create_batch(simulator, inputDataConfig={"s3InputDataConfig": {"s3Uri": uri}})
    assert builders.finished_batch(simulator, arn)["totalRecordCount"] == 100


@pytest.mark.parametrize(
    ("files", "why"),
    [
        pytest.param({"a.json": records("a", 100)}, "No JSONL file was found", id="no .jsonl"),
        pytest.param(
            {"a.jsonl": records("a", 50), "b.jsonl": records("b", 49)}, "contains less records (99)", id="few"
        ),
        pytest.param({"a.jsonl": records("a", 100), "b.jsonl": b"{"}, "parse Amazon S3 file: b.jsonl", id="broken"),
    ],
)
def test_a_folder_that_cannot_be_used_fails_the_job(
    simulator: RunningSimulator, files: dict[str, bytes], why: str
) -> None:
    job = builders.finished_batch(simulator, builders.create_batch(simulator, inputDataConfig=folder(simulator, files)))
    assert job["status"] == "Failed"
    assert why in job["message"]


class _Files:
    """Two input files of the same number of records."""

    def __init__(self, count: int) -> None:
        self.body = records("a", count)

    def bucket_region(self, bucket: str) -> str | None:
        return "us-east-1" if bucket else None

    def bucket_policy(self, bucket: str) -> str | None:
        raise NotImplementedError

    def may_read(self, bucket: str, key: str) -> bool:
        return bool(bucket and key)

    def may_list(self, bucket: str) -> bool:
        return bool(bucket)

    def may_write(self, bucket: str, key: str) -> bool:
        raise NotImplementedError

    def keys(self, bucket: str, prefix: str) -> list[str]:
        return [f"{prefix}{name}.jsonl" for name in bucket[:2]]

    def read(self, bucket: str, key: str) -> bytes | None:
        return self.body if bucket and key else None

    def write(self, bucket: str, key: str, body: bytes, kms_key: str | None = None) -> None:
        raise NotImplementedError


def _job() -> Any:
    body = {"inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://bucket/folder/"}}}
    return type("Job", (), {"body": body})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"maximum_records": 4}, "The file b.jsonl contains 5 records", id="records of a file"),
        pytest.param({"maximum_records": 9}, "Batch job contains 10 records", id="records of the job"),
        pytest.param({"maximum_bytes": 100}, "The file b.jsonl contains", id="bytes of a file"),
        pytest.param({"maximum_job_bytes": 1000}, "Batch job contains 10 records", id="bytes of the job"),
        pytest.param({}, None, id="none"),
    ],
)
def test_limits_apply_to_each_file_and_to_the_job(changes: dict[str, int], why: str | None) -> None:
    limits = BatchLimits(regions=(), minimum_records=1, maximum_records=10, maximum_bytes=10**6).model_copy(
        update=changes
    )
    files = BatchFiles(_job(), _Files(5))
    if why is None:
        assert [(line.file, line.value["recordId"]) for line in files.read(limits)][4:6] == [
            ("b.jsonl", "a4"),
            ("u.jsonl", "a0"),
        ]
        return
    with pytest.raises(DataFaultError, match=why):
        files.read(limits)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 5_000])
@pytest.mark.parametrize(
    "line",
    [
        '{"recordId": "bad", "modelInput": {"messages": [], "inferenceConfig": {"temperature": NUMBER}}}',
        '{"modelInput": {"a": [[{"b": NUMBER}]]}, "recordId": "bad"}',
        '{"recordId": "bad", "modelInput": {}, "more": NUMBER}',
    ],
)
def test_a_record_with_a_number_that_cannot_be_read_has_a_fault_of_its_own(line: str, number: str) -> None:
    text = line.replace("NUMBER", number)
    source = _Files(1)
    source.body += text.encode() + b"\n"
    good, bad = BatchFiles(_job(), source).read(None)[:2]
    assert (good.value["recordId"], good.fault) == ("a0", "")
    assert bad.value == {"recordId": "bad", "modelInput": text}
    assert bad.fault.startswith("The record is refused: ")
    assert number[:50] in bad.fault


@pytest.mark.parametrize(
    "line",
    [
        '{"recordId": "bad", "modelInput": {"a": NaN}',
        '{"recordId": "bad", "modelInput": {"a": NaN}} {}',
        '{"recordId": "bad", "modelInput": NaN}',
        '[{"modelInput": {"a": NaN}}]',
        "NaN",
    ],
)
def test_such_a_number_does_not_make_a_record_of_another_line(line: str) -> None:
    source = _Files(1)
    source.body += line.encode()
    with pytest.raises(DataFaultError, match="Line 2 is not JSON: NaN is not a JSON value"):
        BatchFiles(_job(), source).read(None)


def test_a_bucket_of_another_account_is_refused(simulator: RunningSimulator) -> None:
    asked = builders.batch_request(simulator)
    asked["inputDataConfig"]["s3InputDataConfig"]["s3BucketOwner"] = "999999999999"
    arn = simulator.boto("bedrock").create_model_invocation_job(**asked)["jobArn"]
    assert "Could not validate permissions" in builders.finished_batch(simulator, arn)["message"]


class TestTimeOut:
    @pytest.fixture(autouse=True)
    def _hours_of_ten_milliseconds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(batch_runner, "SECONDS_PER_HOUR", 0.01)

    def test_a_job_that_does_not_begin_in_time_expires(self, simulator: RunningSimulator) -> None:
        simulator.fail(operation="CreateModelInvocationJob", kind="batch_stalled")
        job = builders.finished_batch(simulator, builders.create_batch(simulator, timeoutDurationInHours=24))
        assert (job["status"], job["message"]) == ("Expired", "The job did not begin before its time-out.")
        assert simulator.ledger["billed_calls"] == 0

    def test_a_job_that_waits_too_long_in_the_queue_expires(self, simulator: RunningSimulator) -> None:
        simulator.admin("PUT", "settings", {"batch_seconds": 600})
        job = builders.finished_batch(simulator, builders.create_batch(simulator, timeoutDurationInHours=24))
        assert job["status"] == "Expired"

    def test_a_job_that_does_not_end_in_time_is_partially_completed(
        self, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shares = {"Submitted": 0.0, "Validating": 0.0, "Scheduled": 0.0, "InProgress": 1.0}
        monkeypatch.setattr(batch_runner, "_SHARES", shares)
        monkeypatch.setattr(batch_runner, "SECONDS_PER_HOUR", 0.1)  # a busy machine needs time for the other phases
        simulator.admin("PUT", "settings", {"batch_seconds": 20})
        arn = builders.create_batch(simulator, timeoutDurationInHours=24)
        job = builders.finished_batch(simulator, arn)
        assert job["status"] == "PartiallyCompleted"
        assert 0 < job["processedRecordCount"] < 100
        assert len(outputs(simulator, arn)["input.jsonl.out"]) == job["processedRecordCount"]

    def test_a_job_in_time_completes(self, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(batch_runner, "SECONDS_PER_HOUR", 3600)
        job = builders.finished_batch(simulator, builders.create_batch(simulator))
        assert job["status"] == "Completed"
        assert (job["jobExpirationTime"] - job["submitTime"]).total_seconds() == 24 * 3600


def test_every_model_with_batch_jobs_has_limits_for_files_and_jobs() -> None:
    limits = [model.batch for model in load_catalog().models.values() if model.batch]
    assert all(one.maximum_bytes <= one.maximum_job_bytes for one in limits)
