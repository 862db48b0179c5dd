"""
Answer ListBuckets, which moto does not cut into pages.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.s3.errors import S3Error

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_MOST = 10_000


def list_buckets(buckets: Iterable[Any], arguments: Mapping[str, list[str]]) -> bytes:
    """Return the page of the account's buckets that a request asks for.

    :raises S3Error: a value of the query is not allowed.
    """
    prefix, region = (arguments.get(name, [""])[-1] for name in ("prefix", "bucket-region"))
    after, most = _token(arguments.get("continuation-token", [""])[-1]), _most(arguments)
    named = {bucket.name: bucket for bucket in buckets}
    names = [
        name
        for name in sorted(named)
        if name > after and name.startswith(prefix) and region in ("", named[name].region_name)
    ]
    root = Element("ListAllMyBucketsResult", xmlns=_NAMESPACE)
    owner = SubElement(root, "Owner")
    SubElement(owner, "ID").text = ACCOUNT_ID.rjust(64, "0")
    listed = SubElement(root, "Buckets")
    for name in names[:most]:
        bucket = SubElement(listed, "Bucket")
        SubElement(bucket, "Name").text = name
        SubElement(bucket, "CreationDate").text = named[name].creation_date_ISO8601
        SubElement(bucket, "BucketRegion").text = named[name].region_name
    if prefix:
        SubElement(root, "Prefix").text = prefix
    if len(names) > most:
        SubElement(root, "ContinuationToken").text = base64.urlsafe_b64encode(names[most - 1].encode()).decode()
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _most(arguments: Mapping[str, list[str]]) -> int:
    text = arguments.get("max-buckets", [str(_MOST)])[-1]
    if not text.isdecimal() or int(text) not in range(1, _MOST + 1):
        raise S3Error("InvalidArgument", f"Argument max-buckets must be an integer between 1 and {_MOST}")
    return int(text)


def _token(text: str) -> str:
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True).decode()
    except ValueError:
        raise S3Error("InvalidArgument", "The continuation token provided is incorrect") from None
