"""
Check the XML documents in the bodies of requests. moto accepts some invalid documents, and fails on others.

The pages of the operations describe the elements of these documents:
https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLParser

from tools.aws_simulator.s3.errors import MALFORMED_XML, S3Error

# The root element of the document, by the query of the request. None means that AWS accepts several root elements, or
# an empty body.
_ROOTS: dict[str, str | None] = {
    "accelerate": "AccelerateConfiguration",
    "acl": None,
    "analytics": "AnalyticsConfiguration",
    "cors": "CORSConfiguration",
    "delete": "Delete",
    "encryption": "ServerSideEncryptionConfiguration",
    "intelligent-tiering": "IntelligentTieringConfiguration",
    "inventory": "InventoryConfiguration",
    "legal-hold": "LegalHold",
    "lifecycle": "LifecycleConfiguration",
    "logging": "BucketLoggingStatus",
    "metrics": "MetricsConfiguration",
    "notification": "NotificationConfiguration",
    "object-lock": "ObjectLockConfiguration",
    "ownershipControls": "OwnershipControls",
    "publicAccessBlock": "PublicAccessBlockConfiguration",
    "replication": "ReplicationConfiguration",
    "requestPayment": "RequestPaymentConfiguration",
    "restore": None,
    "retention": "Retention",
    "select": None,
    "tagging": "Tagging",
    "versioning": "VersioningConfiguration",
    "website": "WebsiteConfiguration",
}
_WITHOUT_XML_IN_BODY = frozenset({"uploads", "partNumber"})
_MOST_KEYS = 1000


def has_xml(method: str, arguments: Mapping[str, list[str]]) -> bool:
    """Return whether the body of a request must be an XML document."""
    completes = method == "POST" and "uploadId" in arguments
    named = method in ("PUT", "POST") and not _ROOTS.keys().isdisjoint(arguments)
    return (completes or named) and _WITHOUT_XML_IN_BODY.isdisjoint(arguments)


def check_xml(arguments: Mapping[str, list[str]], body: bytes) -> None:
    """Check a request body that must be an XML document.

    :raises S3Error: the body is not the document that the query requires, such as ``<Tagging>`` for ``?tagging``.
    """
    name = next((name for name in arguments if name in _ROOTS), "")
    expected = _ROOTS.get(name)
    if not body:
        if expected:
            raise S3Error("MissingRequestBodyError", "Request Body is empty")
        return
    root = _read(body)
    if expected and _local(root) != expected:
        raise S3Error(*MALFORMED_XML)
    if name == "delete":
        _check_keys(root)
    if name == "versioning":
        _check_versioning(root)
    if name == "tagging":
        _check_tags(root)
    if "uploadId" in arguments:
        _check_parts(root)


def check_new_bucket(body: bytes) -> None:
    """Check the body of a request that creates a bucket.

    The root element is ``CreateBucketConfiguration``. Version 3.1 of the SDK for .NET sends ``PutBucketConfiguration``
    instead, as https://github.com/aws/aws-sdk-net/issues/396 shows. S3 refuses another root element with MalformedXML,
    as https://github.com/brendanhay/amazonka/issues/81 shows.

    :raises S3Error: the body is not well-formed XML, or has another root element.
    """
    if _local(_read(body)) not in ("CreateBucketConfiguration", "PutBucketConfiguration"):
        raise S3Error(*MALFORMED_XML)


def _read(body: bytes) -> Element:
    parser: Any = XMLParser()  # noqa: S314 - a DTD is refused below
    # S3's documents need no DTD. Refusing one also refuses entities that would expand without limit.
    if b"<!DOCTYPE" in body:
        raise S3Error(*MALFORMED_XML)
    try:
        parser.feed(body)
        return parser.close()  # type: ignore[no-any-return]
    except (ParseError, ValueError):
        raise S3Error(*MALFORMED_XML) from None


def _local(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def _check_keys(root: Element) -> None:
    """Check that a Delete document names 1 to 1,000 objects, each by a key of at least one character.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ObjectIdentifier.html
    """
    objects = [child for child in root if _local(child) == "Object"]
    keys = [[part.text for part in each if _local(part) == "Key"] for each in objects]
    if len(objects) not in range(1, _MOST_KEYS + 1) or not all(len(names) == 1 and names[0] for names in keys):
        raise S3Error(*MALFORMED_XML)


def _check_versioning(root: Element) -> None:
    status = [child.text for child in root if _local(child) == "Status"]
    if not status:
        raise S3Error("IllegalVersioningConfigurationException", "The Versioning element must be specified")
    if status[-1] not in ("Enabled", "Suspended"):
        raise S3Error(*MALFORMED_XML)


def _check_parts(root: Element) -> None:
    """Check that the parts of a completed upload are in ascending order.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
    """
    texts = [element.text or "" for element in root.iter() if _local(element) == "PartNumber"]
    numbers = [int(text) for text in texts if re.fullmatch(r"\d{1,5}", text)]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        text = "The list of parts was not in ascending order. The parts list must be specified in order by part number."
        raise S3Error("InvalidPartOrder", text)


def _check_tags(root: Element) -> None:
    keys = [element.text or "" for element in root.iter() if _local(element) == "Key"]
    if any(_local(child) != "TagSet" for child in root) or not len(root):
        raise S3Error(*MALFORMED_XML)
    if len(set(keys)) < len(keys):
        raise S3Error("InvalidTag", "Cannot provide multiple Tags with the same key")
