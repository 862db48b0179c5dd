"""Malformed requests get S3's errors. Random ones get anything but a defect, and never change another bucket."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.s3.errors import S3Error, s3_error
from tools.aws_simulator.s3.request_checks import check_request, failed_request

SIGNED = {
    "authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
}
METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS", "PROPFIND", "TRACE"]
PATHS = ["/", "//", "//key", "/fuzzed", "/fuzzed/", "/fuzzed/k", "/fuzzed//k", "/fuzzed/%00", "/fuzzed/%ff", "/absent"]
PATHS += ["/absent/k", "/B_B", "/%2e%2e", "/%2e%2e%2fx", "/-", f"/{'x' * 300}", f"/fuzzed/{'k' * 1100}", "/%", "/é"]
QUERIES = ["", "acl", "tagging", "policy", "cors", "lifecycle", "versioning", "uploads", "uploadId=x", "delete"]
QUERIES += ["uploadId=x&partNumber=1", "uploadId=x&partNumber=y", "partNumber=0", "restore", "select&select-type=2"]
QUERIES += ["list-type=2&max-keys=x", "list-type=2&continuation-token=%00", "max-keys=-1", "versionId=zz", "inventory"]
QUERIES += ["legal-hold", "retention", "torrent", "attributes", "prefix=%ff", "metrics&id=x", "object-lock", "website"]
BODIES = [b"", b"<", b"<a/>", b"{}", b"\xff\xfe\x00", b"<Delete></Delete>", b"<Delete><Object></Object></Delete>"]
BODIES += [b"<Tagging/>", b"<CORSConfiguration><CORSRule/></CORSConfiguration>", b"x" * 3000, b"a=b&c=d", b"null"]
BODIES += [b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"<LifecycleConfiguration><Rule/></LifecycleConfiguration>"]
HEADERS = [
    {},
    {"x-amz-copy-source": "%"},
    {"x-amz-copy-source": "/fuzzed/none"},
    {"range": "bytes=5-1"},
    {"range": "x"},
]
HEADERS += [{"content-type": "multipart/form-data; boundary=x"}, {"content-encoding": "gzip"}, {"x-amz-acl": "none"}]
HEADERS += [{"content-encoding": "aws-chunked", "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}]
HEADERS += [
    {"range": "x"},
    {"x-amz-tagging": "a&b=c=d"},
    {"if-modified-since": "yesterday"},
    {"x-amz-object-lock-mode": "none"},
]
REQUESTS = st.tuples(*map(st.sampled_from, (METHODS, PATHS, QUERIES, BODIES, HEADERS)), st.booleans())


@pytest.fixture(scope="module")
def kept(_running: RunningSimulator) -> RunningSimulator:
    """A simulator with one bucket that no request of these tests names."""
    s3 = _running.boto("s3")
    s3.create_bucket(Bucket="kept")
    s3.put_object(Bucket="kept", Key="k", Body=b"kept")
    return _running


@seed(14)
@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(requests=st.lists(REQUESTS, min_size=1, max_size=4))
def test_no_request_is_answered_with_a_defect(kept: RunningSimulator, requests: list[Any]) -> None:
    with httpx.Client(base_url=kept.url, timeout=60) as client:
        client.put("/fuzzed", headers=SIGNED)
        for method, path, query, body, headers, signed in requests:
            everything = {**headers, **(SIGNED if signed else {})}
            try:
                answer = client.request(method, f"{path}?{query}", content=body, headers=everything)
            except (httpx.RemoteProtocolError, httpx.DecodingError):
                # The web server closes the connection on a malformed request line. An object that was stored as gzip
                # may be anything.
                continue
            assert answer.status_code not in (500, 502, 503), (method, path, query, body, everything)
    assert kept.boto("s3").get_object(Bucket="kept", Key="k")["Body"].read() == b"kept"


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "code"),
    [
        ("PATCH", "/bucket/k", "", b"", "MethodNotAllowed"),
        ("POST", "/", "", b"Action=ListQueues", "MethodNotAllowed"),
        ("DELETE", "/", "", b"", "MethodNotAllowed"),
        ("DELETE", "//", "", b"", "MethodNotAllowed"),
        ("DELETE", "/..", "", b"", "InvalidBucketName"),
        ("DELETE", "/%2e%2e%2fx", "", b"", "InvalidBucketName"),
        ("GET", "/bucket/%ff", "", b"", "InvalidURI"),
        ("PUT", "/bucket/100%", "", b"", "InvalidURI"),
        ("PUT", "/bucket/%zz", "", b"", "InvalidURI"),
        ("GET", "/bucket", "prefix=%ff", b"", "InvalidURI"),
        ("PUT", f"/bucket/{'k' * 1025}", "", b"", "KeyTooLongError"),
        ("PUT", f"/bucket/{'%E2%82%AC' * 342}", "", b"", "KeyTooLongError"),
        ("GET", "/bucket", "list-type=2&max-keys=many", b"", "InvalidArgument"),
        ("GET", "/bucket", "list-type=2&encoding-type=base64", b"", "InvalidArgument"),
        ("GET", "/bucket", "versions&encoding-type=", b"", "InvalidArgument"),
        ("PUT", "/bucket/k", "uploadId=x&partNumber=10001", b"", "InvalidArgument"),
        ("PUT", "/bucket/k", "partNumber=1", b"part", "InvalidArgument"),
        ("PUT", "/bucket/k", "uploadId=x", b"part", "MethodNotAllowed"),
        ("PUT", "/bucket", "", b"<Delete/>", "MalformedXML"),
        ("POST", "/bucket", "delete", b"<Delete>", "MalformedXML"),
        ("PUT", "/bucket", "tagging", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "MalformedXML"),
        ("POST", "/bucket/k", "uploadId=x", b"{}", "MalformedXML"),
    ],
)
def test_malformed_requests(method: str, path: str, query: str, body: bytes, code: str) -> None:
    with pytest.raises(S3Error) as caught:
        check_request(method, path, query, body)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("method", "path", "query", "body"),
    [
        ("GET", "/", "", b""),
        ("PUT", "/my-bucket", "", b"<CreateBucketConfiguration/>"),
        ("PUT", "/my.bucket_1/k", "", b"<not xml"),
        ("PUT", f"/bucket/{'k' * 1024}", "", b""),
        ("PUT", "/bucket/%E2%9C%93/a%20b%252F", "", b"\xff"),
        ("PUT", "/bucket/k", "partNumber=10000&uploadId=x", b"<"),
        ("POST", "/bucket/k", "uploads", b""),
        ("GET", "/bucket/k", "partNumber=1", b""),
        ("GET", "/bucket/k", "uploadId=x", b""),
        ("DELETE", "/bucket/k", "uploadId=x", b""),
        ("GET", "/bucket", "encoding-type=url", b""),
        ("GET", "/bucket", "list-type=2&max-keys=1000&prefix=a%2Fb", b""),
        ("PUT", "/bucket", "policy", b'{"Version": "2012-10-17"}'),
        ("PUT", "/bucket", "tagging", b'<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet/></Tagging>'),
    ],
)
def test_valid_requests(method: str, path: str, query: str, body: bytes) -> None:
    check_request(method, path, query, body)


def test_the_error_for_a_request_on_which_moto_failed() -> None:
    assert failed_request("POST", "delete", b"<a/>").code == "MalformedXML"
    unknown = failed_request("GET", "unknown", b"")
    assert (unknown.code, unknown.status) == ("NotImplemented", 501)
    assert s3_error(unknown, "HEAD").body == b""


def test_no_request_leaves_the_folder_of_the_buckets(kept: RunningSimulator) -> None:
    for path in ("/", "//", "/%2e%2e", "/%2e"):
        httpx.delete(f"{kept.url}{path}", headers=SIGNED)
    assert [bucket["Name"] for bucket in kept.boto("s3").list_buckets()["Buckets"]].count("kept") == 1
    assert kept.boto("s3").get_object(Bucket="kept", Key="k")["Body"].read() == b"kept"


def test_an_unknown_upload(kept: RunningSimulator) -> None:
    s3, names = kept.boto("s3"), {"Bucket": "kept", "Key": "k", "UploadId": "begun-before-a-restart"}
    with refused("NoSuchUpload", "The specified upload does not exist.", status=404):
        s3.upload_part(PartNumber=1, Body=b"x", **names)
    with refused("NoSuchUpload"):
        s3.list_parts(**names)
    with refused("NoSuchUpload"):
        s3.abort_multipart_upload(**names)
    with refused("NoSuchUpload"):
        s3.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": "x"}]}, **names)
    with refused("NoSuchBucket"):
        s3.upload_part(**{**names, "Bucket": "absent"}, PartNumber=1, Body=b"x")


def test_an_answer_without_a_body_leaves_the_connection_usable(kept: RunningSimulator) -> None:
    etag = kept.boto("s3").head_object(Bucket="kept", Key="k")["ETag"]
    with httpx.Client(base_url=kept.url, headers=SIGNED) as client:
        for _ in range(2):
            answer = client.get("/kept/k", headers={"if-none-match": etag})
            assert (answer.status_code, answer.content) == (304, b"")
            assert client.get("/kept/k").content == b"kept"
        assert client.get("/kept/k?response-content-type=a%0d%0ab").status_code == 400
        assert "<MaxKeys>1000</MaxKeys>" in client.get("/kept?list-type=2&max-keys=5000").text
        for query, code in (
            ("list-type=3", "InvalidArgument"),
            ("list-type=2&continuation-token=junk", "InvalidArgument"),
            ("torrent", "NotImplemented"),
            ("metrics&id=x", "NotImplemented"),
        ):
            assert f"<Code>{code}</Code>" in client.get(f"/kept?{query}").text
        for name in ("a_b", "A-b", "192.168.0.1", "a..b", "xn--a", "a-s3alias", "-ab", "b" * 64):
            assert "<Code>InvalidBucketName</Code>" in client.put(f"/{name}").text
