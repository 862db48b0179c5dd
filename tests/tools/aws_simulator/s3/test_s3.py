from __future__ import annotations

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator, start_simulator
from tests.tools.aws_simulator.builders import refused

KEYS = ["plain", "a b/c+d=e&f", "100%/%2F", "ünïcode/✓", "dots/../x", "x" * 900, "quote'\"", "date=2026-11-22/part"]


def contents(client: Any, bucket: str) -> dict[str, bytes]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 3})
    keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
    return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def test_objects_survive_a_restart_with_their_metadata(tmp_path: Path) -> None:
    with start_simulator(tmp_path) as simulator:
        s3 = simulator.boto("s3")
        s3.create_bucket(Bucket="kept")
        for index, key in enumerate(KEYS):
            s3.put_object(Bucket="kept", Key=key, Body=f"body {index}\n".encode() * index)
        metadata = {"row": "7", "under_score": "1"}
        s3.put_object(Bucket="kept", Key="typed", Body=b"{}", ContentType="application/json", Metadata=metadata)
        before = s3.head_object(Bucket="kept", Key="typed")
        everything = contents(s3, "kept")
    with start_simulator(tmp_path) as simulator:
        s3 = simulator.boto("s3")
        after = s3.head_object(Bucket="kept", Key="typed")
        assert contents(s3, "kept") == everything
        assert set(everything) == {*KEYS, "typed"}
        for name in ("ContentType", "Metadata", "ETag", "ContentLength", "LastModified"):
            assert after[name] == before[name], name
        assert after["Metadata"] == metadata


def test_what_s3_keeps_about_an_object_survives_a_restart(tmp_path: Path) -> None:
    with start_simulator(tmp_path) as simulator:
        s3 = simulator.boto("s3")
        s3.create_bucket(Bucket="kept")
        headers = {"StorageClass": "STANDARD_IA", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/key"}
        s3.put_object(Bucket="kept", Key="one", Body=b"1", ChecksumAlgorithm="SHA256", **headers)
        s3.put_object(Bucket="kept", Key="plain", Body=b"2")
        upload = s3.create_multipart_upload(Bucket="kept", Key="parts", ChecksumAlgorithm="CRC32")["UploadId"]
        names = {"Bucket": "kept", "Key": "parts", "UploadId": upload}
        part = s3.upload_part(**names, PartNumber=1, Body=b"1")
        s3.complete_multipart_upload(**names, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        s3.put_bucket_encryption(Bucket="kept", ServerSideEncryptionConfiguration={"Rules": [rule]})
        s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket="kept", Key="versioned", Body=b"3")
        before = shown(s3)
    assert (before["one"]["StorageClass"], before["one"]["SSEKMSKeyId"]) == ("STANDARD_IA", "alias/key")
    kept = [("one", "ChecksumSHA256"), ("parts", "ChecksumCRC32"), ("versioned", "VersionId")]
    assert all(before[key][name] for key, name in kept)
    with start_simulator(tmp_path) as simulator:
        assert shown(simulator.boto("s3")) == before


def shown(s3: Any) -> dict[str, dict[str, Any]]:
    keys = ("one", "plain", "parts", "versioned")
    answers = {key: s3.head_object(Bucket="kept", Key=key, ChecksumMode="ENABLED") for key in keys}
    for answer in answers.values():
        del answer["ResponseMetadata"]
    return answers


def test_every_kind_of_change_is_written_through(tmp_path: Path) -> None:
    with start_simulator(tmp_path) as simulator:
        s3 = simulator.boto("s3")
        for bucket in ("left", "emptied", "gone"):
            s3.create_bucket(Bucket=bucket)
        for key in ("replaced", "deleted", "copied", "many/1", "many/2", "many/3"):
            s3.put_object(Bucket="left", Key=key, Body=b"old")
        s3.put_object(Bucket="left", Key="replaced", Body=b"new")
        s3.delete_object(Bucket="left", Key="deleted")
        s3.copy_object(Bucket="left", Key="copy", CopySource={"Bucket": "left", "Key": "copied"})
        s3.delete_objects(Bucket="left", Delete={"Objects": [{"Key": "many/1"}, {"Key": "many/3"}]})
        parts = s3.create_multipart_upload(Bucket="left", Key="large")
        upload = {"Bucket": "left", "Key": "large", "UploadId": parts["UploadId"]}
        etags = [s3.upload_part(**upload, PartNumber=n, Body=b"p" * 5 * 2**20)["ETag"] for n in (1, 2)]
        listed = [{"ETag": etag, "PartNumber": number} for number, etag in enumerate(etags, start=1)]
        made = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": listed})
        s3.delete_bucket(Bucket="gone")
        everything = contents(s3, "left")
    with start_simulator(tmp_path) as simulator:
        s3 = simulator.boto("s3")
        assert contents(s3, "left") == everything
        assert set(everything) == {"replaced", "copied", "copy", "many/2", "large"}
        assert (everything["replaced"], len(everything["large"])) == (b"new", 10 * 2**20)
        assert s3.head_object(Bucket="left", Key="large")["ETag"] == made["ETag"]
        assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["emptied", "left"]


def test_a_buckets_region_tags_and_rules_survive_a_restart(tmp_path: Path) -> None:
    rule = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "responses/"}, "Expiration": {"Days": 90}}
    tags = [{"Key": "project", "Value": "distill"}]
    with start_simulator(tmp_path) as simulator:
        s3 = simulator.boto("s3", region="us-west-2")
        s3.create_bucket(Bucket="west", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
        s3.put_bucket_tagging(Bucket="west", Tagging={"TagSet": tags})
        s3.put_bucket_lifecycle_configuration(Bucket="west", LifecycleConfiguration={"Rules": [rule]})
        s3.put_bucket_versioning(Bucket="west", VersioningConfiguration={"Status": "Enabled"})
        s3.put_bucket_tagging(Bucket="west", Tagging={"TagSet": [{"Key": "project", "Value": "other"}]})
        s3.put_bucket_tagging(Bucket="west", Tagging={"TagSet": tags})
    assert "Signature" not in "".join(path.read_text() for path in tmp_path.glob("s3/*/bucket.json"))
    with start_simulator(tmp_path) as simulator:
        s3 = simulator.boto("s3", region="us-west-2")
        assert s3.get_bucket_location(Bucket="west")["LocationConstraint"] == "us-west-2"
        assert s3.get_bucket_tagging(Bucket="west")["TagSet"] == tags
        assert s3.get_bucket_lifecycle_configuration(Bucket="west")["Rules"][0]["Expiration"] == {"Days": 90}
        assert s3.get_bucket_versioning(Bucket="west")["Status"] == "Enabled"


def test_a_half_written_file_is_not_an_object(tmp_path: Path) -> None:
    with start_simulator(tmp_path) as simulator:
        simulator.boto("s3").create_bucket(Bucket="kept")
        simulator.boto("s3").put_object(Bucket="kept", Key="whole", Body=b"1")
    (tmp_path / "s3" / "kept" / "objects" / ("0" * 64 + ".tmp")).write_bytes(b'{"key": "ha')
    with start_simulator(tmp_path) as simulator:
        assert contents(simulator.boto("s3"), "kept") == {"whole": b"1"}


class TestRunning:
    """Tests that need no restart and share one AWS simulator."""

    def test_only_one_of_many_conditional_writers_wins(self, simulator: RunningSimulator) -> None:
        s3 = simulator.boto("s3")
        s3.create_bucket(Bucket="race")

        def put(number: int) -> bool:
            try:
                s3.put_object(Bucket="race", Key="lease", Body=str(number).encode(), IfNoneMatch="*")
            except s3.exceptions.ClientError as error:
                return error.response["Error"]["Code"] != "PreconditionFailed"
            return True

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(put, range(16)))
        winner = s3.get_object(Bucket="race", Key="lease")["Body"].read()
        assert won == [str(index).encode() == winner for index in range(16)]

    def test_only_one_of_many_writers_replaces_the_same_version(self, simulator: RunningSimulator) -> None:
        """As in https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html ."""
        s3 = simulator.boto("s3")
        s3.create_bucket(Bucket="swap")
        tag = s3.put_object(Bucket="swap", Key="lease", Body=b"free")["ETag"]

        def put(number: int) -> bool:
            try:
                s3.put_object(Bucket="swap", Key="lease", Body=str(number).encode(), IfMatch=tag)
            except s3.exceptions.ClientError as error:
                return error.response["Error"]["Code"] != "PreconditionFailed"
            return True

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(put, range(16)))
        winner = s3.get_object(Bucket="swap", Key="lease")["Body"].read()
        assert won == [str(index).encode() == winner for index in range(16)]
        s3.delete_object(Bucket="swap", Key="lease")
        with refused("NoSuchKey"):
            s3.put_object(Bucket="swap", Key="lease", Body=b"x", IfMatch=tag)

    def test_errors_have_the_codes_of_s3(self, simulator: RunningSimulator) -> None:
        s3 = simulator.boto("s3")
        with refused("NoSuchBucket"):
            s3.get_object(Bucket="never-made", Key="x")
        s3.create_bucket(Bucket="half-empty")
        with refused("NoSuchKey"):
            s3.get_object(Bucket="half-empty", Key="x")
        with refused("404"):
            s3.head_object(Bucket="half-empty", Key="x")

    def test_a_range_of_an_object_can_be_read(self, simulator: RunningSimulator) -> None:
        s3 = simulator.boto("s3")
        s3.create_bucket(Bucket="ranges")
        s3.put_object(Bucket="ranges", Key="x", Body=b"0123456789")
        assert s3.get_object(Bucket="ranges", Key="x", Range="bytes=2-4")["Body"].read() == b"234"
        assert s3.head_object(Bucket="ranges", Key="x")["ContentLength"] == 10

    def test_a_signed_url_is_an_s3_request(self, simulator: RunningSimulator) -> None:
        s3 = simulator.boto("s3")
        s3.create_bucket(Bucket="signed")
        s3.put_object(Bucket="signed", Key="x.json", Body=json.dumps({"a": 1}).encode())
        url = s3.generate_presigned_url("get_object", Params={"Bucket": "signed", "Key": "x.json"})
        with urllib.request.urlopen(url) as response:  # noqa: S310 - our own
            assert json.load(response) == {"a": 1}

    def test_a_process_can_run_only_one_simulator_at_a_time(self, simulator: RunningSimulator, tmp_path: Path) -> None:
        assert simulator
        with (
            pytest.raises(RuntimeError, match="Another AWS simulator is running in this process"),
            start_simulator(tmp_path),
        ):
            pass


def test_a_single_part_of_an_object_is_not_taken_for_the_object(simulator: RunningSimulator) -> None:
    s3 = simulator.boto("s3")
    s3.create_bucket(Bucket="parts")
    names = {"Bucket": "parts", "Key": "large", "UploadId": ""}
    names["UploadId"] = s3.create_multipart_upload(Bucket="parts", Key="large")["UploadId"]
    sent = [s3.upload_part(**names, PartNumber=n, Body=b"x" * size) for n, size in ((1, 5 * 2**20), (2, 1))]
    parts = [{"PartNumber": number, "ETag": part["ETag"]} for number, part in enumerate(sent, 1)]
    s3.complete_multipart_upload(**names, MultipartUpload={"Parts": parts})
    s3.put_object(Bucket="parts", Key="small", Body=b"small")
    with refused("NotImplemented", "single parts", status=501):
        s3.get_object(Bucket="parts", Key="large", PartNumber=2)
    with refused("501", status=501):
        s3.head_object(Bucket="parts", Key="large", PartNumber=2)
    assert s3.get_object(Bucket="parts", Key="small", PartNumber=1)["Body"].read() == b"small"
