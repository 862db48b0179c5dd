"""
Check the conditions of requests that copy an object. moto itself checks only one of these conditions.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html describes the conditions and their combinations.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, unquote

from moto.s3.models import FakeKey

from tools.aws_simulator.s3.changes import ObjectRequest, current_object
from tools.aws_simulator.s3.errors import S3Error

_SOURCE = "x-amz-copy-source"


def check_copy(buckets: Mapping[str, Any], request: ObjectRequest) -> None:
    """Check the conditions of CopyObject and UploadPartCopy. Other requests are accepted.

    :raises S3Error: a condition does not hold.
    """
    if request.method != "PUT" or _SOURCE not in request.headers or request.bucket not in buckets:
        return
    source = _source(buckets, request.headers[_SOURCE])
    if source is None:
        return  # moto refuses it
    _check_source(source, request.headers)
    if "uploadId" not in request.arguments:
        _check_target(current_object(buckets[request.bucket], request.key), request.headers)


def _source(buckets: Mapping[str, Any], text: str) -> FakeKey | None:
    path, _, query = text.partition("?")
    name, _, key = unquote(path).lstrip("/").partition("/")
    if name not in buckets:
        return None
    version = parse_qs(query).get("versionId")
    if version is None:
        return current_object(buckets[name], key)
    found = [item for item in buckets[name].keys.getlist(key, []) if item.version_id == version[-1]]
    return found[0] if found and isinstance(found[0], FakeKey) else None


def _check_source(source: FakeKey, headers: Mapping[str, str]) -> None:
    matches, differs = (headers.get(f"{_SOURCE}-if-{name}") for name in ("match", "none-match"))
    modified = source.last_modified.replace(microsecond=0, tzinfo=datetime.UTC)
    holds = matches is None or _is_tag(source, matches)
    holds = holds and (differs is None or not _is_tag(source, differs))
    if matches is None and (date := _date(headers, f"{_SOURCE}-if-unmodified-since")):
        holds = holds and modified <= date
    if differs is None and (date := _date(headers, f"{_SOURCE}-if-modified-since")):
        holds = holds and modified > date
    if not holds:
        raise _failed()


def _check_target(target: FakeKey | None, headers: Mapping[str, str]) -> None:
    matches, differs = headers.get("if-match"), headers.get("if-none-match")
    if matches is not None and target is None:
        raise S3Error("NoSuchKey", "The specified key does not exist.", 404)
    if target is not None and ((matches is not None and not _is_tag(target, matches)) or differs == "*"):
        raise _failed()


def _is_tag(item: FakeKey, text: str) -> bool:
    return text == "*" or text.strip('"') == item.etag.strip('"')


def _date(headers: Mapping[str, str], name: str) -> datetime.datetime | None:
    if name not in headers:
        return None
    try:
        date = parsedate_to_datetime(headers[name])
    except ValueError:
        raise S3Error("InvalidArgument", f"The header {name} is not a date: {headers[name]}") from None
    return date if date.tzinfo else date.replace(tzinfo=datetime.UTC)


def _failed() -> S3Error:
    return S3Error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412)
