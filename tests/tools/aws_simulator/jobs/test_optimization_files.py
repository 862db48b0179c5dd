from __future__ import annotations

import json
from typing import Any, cast

import pytest

from tools.aws_simulator.jobs.optimization_files import OptimizationFiles
from tools.aws_simulator.protocol.errors import AccessDeniedException, ResourceNotFoundException, ValidationException

ARN = "arn:aws:bedrock:us-west-2:123456789012:advanced-prompt-optimization-job/abcdefghijkl"
RESULTS = "out/abcdefghijkl/advanced_prompt_optimization_results.jsonl"


class FakeS3:
    """A bucket in us-west-2 with one object, and the keys that the caller may use."""

    def __init__(self, *allowed: str) -> None:
        self.allowed = allowed
        self.objects = {"in.jsonl": b"{}"}

    def bucket_region(self, bucket: str) -> str | None:
        return {"data": "us-west-2", "far": "us-east-1"}.get(bucket)

    def may_read(self, bucket: str, key: str) -> bool:
        return key in self.allowed

    may_write = may_read

    def read(self, bucket: str, key: str) -> bytes | None:
        return self.objects.get(key)

    def write(self, bucket: str, key: str, body: bytes, kms_key: str | None = None) -> None:
        self.objects[key] = body


def files(s3: FakeS3, source: str = "s3://data/in.jsonl", target: str = "s3://data/out/") -> OptimizationFiles:
    return OptimizationFiles(cast(Any, s3), ARN, source, target)


def test_the_results_are_in_a_folder_with_the_id_of_the_job() -> None:
    s3 = FakeS3(RESULTS)
    files(s3).write([{"promptTemplateId": "ä"}, {"promptTemplateId": "b"}])
    lines = s3.objects[RESULTS].decode().splitlines()
    assert [json.loads(line) for line in lines] == [{"promptTemplateId": "ä"}, {"promptTemplateId": "b"}]


def test_the_results_may_be_at_the_top_of_a_bucket() -> None:
    s3 = FakeS3(RESULTS.removeprefix("out/"))
    files(s3, target="s3://data/").write([])
    assert set(s3.objects) == {"in.jsonl", RESULTS.removeprefix("out/")}


def test_the_input_needs_permission_to_read_it() -> None:
    assert files(FakeS3("in.jsonl")).read() == b"{}"
    with pytest.raises(AccessDeniedException, match=r"s3:GetObject on s3://data/in\.jsonl"):
        files(FakeS3()).read()


def test_an_input_that_does_not_exist_is_not_found() -> None:
    with pytest.raises(ResourceNotFoundException, match=r"s3://data/none\.jsonl does not exist"):
        files(FakeS3("none.jsonl"), "s3://data/none.jsonl").read()


def test_the_output_needs_permission_to_write_it() -> None:
    files(FakeS3(RESULTS)).check_output()
    s3 = FakeS3()
    for write in (files(s3).check_output, lambda: files(s3).write([])):
        with pytest.raises(AccessDeniedException, match=f"s3:PutObject on s3://data/{RESULTS}"):
            write()
    assert set(s3.objects) == {"in.jsonl"}


@pytest.mark.parametrize("bucket", ["far", "none"])
def test_buckets_are_in_the_region_of_the_job(bucket: str) -> None:
    s3 = FakeS3("in.jsonl", RESULTS)
    with pytest.raises(ValidationException, match=f"{bucket} does not exist in the Region us-west-2"):
        files(s3, source=f"s3://{bucket}/in.jsonl").read()
    with pytest.raises(ValidationException, match=f"{bucket} does not exist in the Region us-west-2"):
        files(s3, target=f"s3://{bucket}/out/").check_output()
