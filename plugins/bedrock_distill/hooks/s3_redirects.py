"""Keep botocore from following a redirect of S3 that does not say where the bucket is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.client import BaseClient

REGION_HEADER = "x-amz-bucket-region"


def stop_redirects_without_a_region(client: BaseClient) -> None:
    """Let a HeadBucket request fail if S3 redirects it without naming the bucket's Region.

    Otherwise, botocore would look for the Region with another HeadBucket request. If S3 redirected that request in the
    same way, botocore would repeat it until Python's recursion limit is reached.
    """
    client.meta.events.register_first("needs-retry.s3.HeadBucket", _mark_as_redirected)


def _mark_as_redirected(
    request_dict: Mapping[str, Any], response: tuple[Any, Mapping[str, Any]] | None, **_: Any
) -> None:
    headers = response[1].get("ResponseMetadata", {}).get("HTTPHeaders", {}) if response else {REGION_HEADER: ""}
    if REGION_HEADER not in headers:
        # botocore follows only one redirect of a request. This mark tells it that it has already followed one.
        request_dict["context"].get("s3_redirect", {})["redirected"] = True
