"""
Check the names of S3 buckets against AWS's rules for general purpose buckets.

The rules are in the Amazon S3 User Guide, "General purpose bucket naming rules".
"""

from __future__ import annotations

import re

from include.distill.core.shown_values import shown

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_IP_ADDRESS = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
# AWS reserves these for itself, for domain names in Punycode, and for aliases and other kinds of buckets.
_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_S3 = "s3://"


def bucket_name_problem(name: str) -> str | None:
    """
    Return what is wrong with the name of a general purpose bucket; ``None`` if the name is valid.

    The message also says what is expected.
    """
    expected = "expected the name of a general purpose S3 bucket"
    if not _NAME.fullmatch(name):
        return (
            f"found {shown(name)}, {expected}: 3 to 63 lower-case letters, digits, periods and hyphens, beginning and"
            " ending with a letter or a digit"
        )
    if ".." in name:
        return f"found {name!r}, {expected}, without two periods in a row"
    if _IP_ADDRESS.fullmatch(name):
        return f"found {name!r}, {expected}, which must not look like an IP address"
    for prefix in _RESERVED_PREFIXES:
        if name.startswith(prefix):
            return f"found {name!r}, {expected}; AWS reserves names that begin with {prefix}"
    for suffix in _RESERVED_SUFFIXES:
        if name.endswith(suffix):
            return f"found {name!r}, {expected}; AWS reserves names that end with {suffix}"
    return None


def uri_problem(uri: str) -> str | None:
    """Return what is wrong with the bucket name in a URI; ``None`` if it is valid or ``uri`` is a local path."""
    return bucket_name_problem(uri.removeprefix(_S3).partition("/")[0]) if uri.startswith(_S3) else None
