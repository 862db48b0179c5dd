"""
Say in words which values a key accepts, from the type and the limits that a section declares for the key.

The words are for messages about a wrong value. pydantic's own words, such as "valid tuple", are for programmers.
"""

from __future__ import annotations

import datetime
import types
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

_EXAMPLE_KEY = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
# What a text with a pattern must look like, each with an example. Every pattern of a use case is here.
PATTERNS = {
    r"\S": "a text that is not blank",
    r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$": (
        "lower-case letters, digits and single '_' between them, beginning with a letter, such as aws_docs_qa"
    ),
    r"^[a-z][a-z0-9-]{0,15}$": "1 to 16 lower-case letters, digits and '-', beginning with a letter, such as prod",
    r"^[^\x00-\x1f\x7f]*$": "the id of an Airflow connection without line breaks or tabs, such as aws_default",
    r"^[0-9]{12}$": "the 12 digits of an AWS account in quotation marks, such as '123456789012'",
    r"^s3://[^/]+/(?:[^/]+/)*$": "a folder in S3 that ends with '/', such as s3://my-bucket/inputs/",
    r"^[a-z]{2,4}(-[a-z]+)+-[0-9]$": "the name of an AWS Region, such as us-east-1",
    r"^arn:aws(-[^:]+)?:kms:[a-z0-9-]{1,32}:[0-9]{12}:key/[a-zA-Z0-9-]{36}$": (
        f"the ARN of a KMS key, not of an alias, such as {_EXAMPLE_KEY}"
    ),
    r"^arn:aws(-[^:]+)?:kms:[a-z0-9-]{1,32}:[0-9]{12}:(key/[a-zA-Z0-9-]{36}|alias/[a-zA-Z0-9/_-]+)$": (
        f"the ARN of a KMS key or of its alias, such as {_EXAMPLE_KEY}"
    ),
    r"^subnet-([0-9a-f]{8}|[0-9a-f]{17})$": "the id of a subnet, such as subnet-0123456789abcdef0",
    r"^sg-([0-9a-f]{8}|[0-9a-f]{17})$": "the id of a security group, such as sg-0123456789abcdef0",
    r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/\S+$": "the ARN of a role, such as arn:aws:iam::123456789012:role/my-role",
    r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$": (
        "a prefix of S3 keys without '/' at its ends, such as distill or team-a/distill"
    ),
    r"^[0-9a-zA-Z_.-]+$": "letters, digits, '_', '.' and '-', such as grounded",
    r"^(arn:aws(-[^:]+)?:sagemaker:[a-z0-9-]{1,20}:[0-9]{12}:flow-definition/[a-z0-9](-*[a-z0-9]){0,62})?$": (
        "the ARN of a flow definition, such as arn:aws:sagemaker:us-east-1:123456789012:flow-definition/raters"
    ),
    r'^[^@\s<>,;:"]+@[^@\s<>,;:"]+$': "an e-mail address without a name, such as ml@example.com",
    r"^arn:aws[a-z-]*:sns:[a-z0-9-]{1,32}:[0-9]{12}:[A-Za-z0-9_-]{1,256}$": (
        "the ARN of an SNS topic that is not FIFO, such as arn:aws:sns:us-east-1:123456789012:distill"
    ),
    r"^https://sqs\.[a-z0-9-]{1,32}\.amazonaws\.com(\.cn)?/[0-9]{12}/[A-Za-z0-9_-]{1,80}$": (
        "the URL of an SQS queue that is not FIFO, such as https://sqs.us-east-1.amazonaws.com/123456789012/distill"
    ),
    r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+$": "an import path, such as my_company.pager.Pager",
    r"^[A-Za-z0-9_+/-]+$": "a name of the IANA time zone database, such as Europe/Berlin or UTC",
    r"^([01][0-9]|2[0-3]):[0-5][0-9]$": "a time of day from 00:00 to 23:59 in quotation marks, such as '06:00'",
}
_NUMBER = {int, float, str}  # the type of a number that YAML may read as a text


def accepted_values(annotation: Any, metadata: Sequence[object] = ()) -> str:
    """
    Return which values a type accepts, as the object of a sentence, such as "a whole number from 1 to 9".

    :param annotation: the type of a field, or of the elements of a list or mapping.
    :param metadata: limits of the value that are not part of ``annotation``.
    """
    annotation, limits = unwrapped(annotation, metadata)
    if get_origin(annotation) in (Union, types.UnionType):
        return _of_union(get_args(annotation), limits)
    if get_origin(annotation) is Literal:
        return _either([repr(text) if " " in (text := str(value)) else text for value in get_args(annotation)])
    if get_origin(annotation) is tuple:
        return f"a list of{_count(limits)} {_several(get_args(annotation)[0])}"
    if get_origin(annotation) is dict:
        most = _limit(limits, "max_length")
        size = f" of at most {most} entries" if most else ""
        return f"a mapping{size} in which each value is {accepted_values(get_args(annotation)[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return getattr(annotation, "ACCEPTED", f"a mapping with the keys {', '.join(annotation.model_fields)}")
    if annotation is bool:
        return "true or false"
    if annotation is datetime.date:
        return "a date such as 2026-11-27"
    if annotation in (int, float):
        return _of_number(annotation is int, limits)
    return _of_text(limits)


def unwrapped(annotation: Any, metadata: Sequence[object] = ()) -> tuple[Any, list[object]]:
    """Return a type without the limits that are declared with it, and all limits."""
    limits: list[object] = []
    for item in metadata:
        limits += item.metadata if isinstance(item, FieldInfo) else [item]
    if get_origin(annotation) is not Annotated:
        return annotation, limits
    inner, *own = get_args(annotation)
    return unwrapped(inner, [*limits, *own])


def members(annotation: Any) -> list[Any]:
    """Return the types of a union without ``None``; a list with the type itself if it is no union."""
    annotation, _ = unwrapped(annotation)
    if get_origin(annotation) not in (Union, types.UnionType):
        return [annotation]
    return [member for member in get_args(annotation) if member is not types.NoneType]


def _of_union(options: Sequence[Any], limits: Sequence[object]) -> str:
    known = [option for option in options if option is not types.NoneType]
    if {*known} == _NUMBER:
        return "a number such as 3 or 0.0001"
    origins: list[Any] = [get_origin(option) for option in known]
    short_first = [
        *(option for option, origin in zip(known, origins, strict=True) if origin is Literal),
        *(option for option, origin in zip(known, origins, strict=True) if origin is None),
        *(option for option, origin in zip(known, origins, strict=True) if origin not in (Literal, None)),
    ]
    text = _either([accepted_values(option, limits if len(known) == 1 else ()) for option in short_first])
    return f"{text}, or null" if len(known) < len(options) else text


def _either(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"


def _several(annotation: Any) -> str:
    """Return what the entries of a list are, in the plural."""
    text = accepted_values(annotation)
    for singular, plural in (
        ("a mapping with", "mappings with"),
        ("a text that is", "texts that are"),
        ("a text", "texts"),
    ):
        if text.startswith(singular):
            return text.replace(singular, plural, 1)
    return f"entries, each {text}"


def _count(limits: Sequence[object]) -> str:
    """Return how many entries a list may have, in front of the noun."""
    minimum, maximum = _limit(limits, "min_length"), _limit(limits, "max_length")
    if maximum is None:
        return f" {minimum} or more" if minimum else ""
    return f" {minimum} to {maximum}" if minimum else f" at most {maximum}"


def _of_text(limits: Sequence[object]) -> str:
    minimum, maximum = _limit(limits, "min_length"), _limit(limits, "max_length")
    pattern = _limit(limits, "pattern")
    text = "a text" if pattern is None else PATTERNS.get(pattern, f"a text that matches {pattern}")
    if maximum is not None:
        length = f"{f'{minimum} to' if minimum else 'at most'} {maximum:,} characters"
        return f"{text} ({length})" if pattern else f"{text} of {length}"
    return f"{text} that is not empty" if minimum else text


def _of_number(is_whole: bool, limits: Sequence[object]) -> str:
    noun = "a whole number" if is_whole else "a number"
    low, high, above, below = (_limit(limits, name) for name in ("ge", "le", "gt", "lt"))
    if low is not None and high is not None:
        return f"{noun} from {low:,.10g} to {high:,.10g}"
    parts = [
        *([f"of at least {low:,.10g}"] if low is not None else []),
        *([f"above {above:,.10g}"] if above is not None else []),
        *([f"at most {high:,.10g}"] if high is not None else []),
        *([f"below {below:,.10g}"] if below is not None else []),
    ]
    return " ".join([noun, " and ".join(parts)]) if parts else noun


def _limit(limits: Sequence[object], name: str) -> Any:
    """Return a limit by the name that pydantic gives it; ``None`` if the value has no such limit."""
    return next((found for limit in limits if (found := getattr(limit, name, None)) is not None), None)
