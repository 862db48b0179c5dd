from __future__ import annotations

import pytest

from tools.aws_simulator.s3.errors import S3Error
from tools.aws_simulator.s3.xml_checks import check_new_bucket, check_xml, has_xml

NAMESPACE = b'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def completed(*numbers: int) -> bytes:
    parts = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>e</ETag></Part>" for number in numbers)
    return f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()


def delete(count: int) -> bytes:
    return b"<Delete>" + b"<Object><Key>a</Key></Object>" * count + b"</Delete>"


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("delete", b"", "MissingRequestBodyError"),
        ("tagging", b"", "MissingRequestBodyError"),
        ("delete", delete(0), "MalformedXML"),
        ("delete", delete(1001), "MalformedXML"),
        ("delete", b"<Foo/>", "MalformedXML"),
        ("delete", b"<Delete>", "MalformedXML"),
        ("delete", b"<Delete><Object></Object></Delete>", "MalformedXML"),
        ("delete", b"<Delete><Object><Key></Key></Object></Delete>", "MalformedXML"),
        ("delete", b"<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>", "MalformedXML"),
        ("tagging", b"<Foo/>", "MalformedXML"),
        ("tagging", b"<Tagging/>", "MalformedXML"),
        (
            "tagging",
            b"<Tagging><TagSet>" + 2 * b"<Tag><Key>a</Key></Tag>" + b"</TagSet></Tagging>",
            "InvalidTag",
        ),
        ("versioning", b"<Foo><Status>Enabled</Status></Foo>", "MalformedXML"),
        ("versioning", b"<VersioningConfiguration/>", "IllegalVersioningConfigurationException"),
        ("versioning", b"<VersioningConfiguration><Status>On</Status></VersioningConfiguration>", "MalformedXML"),
        ("lifecycle", b"<CORSConfiguration/>", "MalformedXML"),
        ("uploadId", completed(2, 1), "InvalidPartOrder"),
        ("uploadId", completed(1, 3, 3), "InvalidPartOrder"),
        ("acl", b"<!DOCTYPE a><a/>", "MalformedXML"),
    ],
)
def test_refused_documents(name: str, body: bytes, code: str) -> None:
    with pytest.raises(S3Error) as caught:
        check_xml({name: [""]}, body)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("delete", delete(1000)),
        ("delete", b"<Delete " + NAMESPACE + b"><Object><Key> </Key><VersionId>v</VersionId></Object></Delete>"),
        ("tagging", b"<Tagging " + NAMESPACE + b"><TagSet/></Tagging>"),
        ("versioning", b"<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"),
        ("acl", b""),
        ("uploadId", b"<CompleteMultipartUpload/>"),
        ("uploadId", completed(1, 2, 10)),
    ],
)
def test_accepted_documents(name: str, body: bytes) -> None:
    check_xml({name: [""]}, body)


def test_which_requests_have_a_document() -> None:
    assert has_xml("PUT", {"tagging": [""]})
    assert has_xml("POST", {"uploadId": ["x"]})
    assert not has_xml("GET", {"tagging": [""]})
    assert not has_xml("PUT", {"uploadId": ["x"], "partNumber": ["1"]})
    assert not has_xml("PUT", {})


def test_the_configuration_of_a_new_bucket() -> None:
    check_new_bucket(b"<CreateBucketConfiguration " + NAMESPACE + b"/>")
    check_new_bucket(b"<PutBucketConfiguration/>")
    for body in (b"<Delete/>", b"<CreateBucketConfiguration>", b"{}"):
        with pytest.raises(S3Error) as caught:
            check_new_bucket(body)
        assert caught.value.code == "MalformedXML"
