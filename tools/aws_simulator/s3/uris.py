"""Split S3 URIs."""

from __future__ import annotations


def split_uri(uri: str) -> tuple[str, str]:
    """Return the bucket and the key of an S3 URI. The service model has already checked the form of the URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
