"""Check that the error table contains every error that AWS's service models and botocore name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import botocore.exceptions
import botocore.loaders
import botocore.session
import pytest

from bedrock_distill.hooks.aws_error_table import ErrorMeaning, load_error_table
from bedrock_distill.hooks.aws_errors import ERROR_CLASSES

SERVICES = ("s3", "sts", "kms", "sso", "sso-oidc", "bedrock", "bedrock-runtime")
TABLE = load_error_table()
# From the lists of common errors of S3, STS, KMS and Bedrock (the pages are named in include/aws_errors.yaml).
PUBLISHED = [
    "AccessDeniedException",
    "BadCScoreException",
    "ExpiredTokenException",
    "FTUFormNotFilled",
    "IncompleteSignature",
    "InternalFailure",
    "InvalidAction",
    "InvalidClientTokenId",
    "MalformedHttpRequestException",
    "NotAuthorized",
    "OptInRequired",
    "RequestAbortedException",
    "RequestEntityTooLargeException",
    "RequestExpired",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ThrottlingException",
    "UnrecognizedClientException",
    "UnknownOperationException",
    "ValidationError",
    "ValidationException",
    "InvalidParameterCombination",
    "InvalidParameterValue",
    "InvalidQueryParameter",
    "MalformedQueryString",
    "MissingAction",
    "MissingAuthenticationToken",
    "MissingParameter",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "ConditionalRequestConflict",
    "ConnectionClosedByRequester",
    "IllegalLocationConstraintException",
    "InvalidRegion",
    "InvalidSessionException",
    "InvalidTag",
    "KMS.DisabledException",
    "KMS.InvalidKeyUsageException",
    "KMS.KMSInvalidStateException",
    "KMS.NotFoundException",
    "NoSuchTagSet",
    "NoSuchCORSConfiguration",
    "ServerSideEncryptionConfigurationNotFoundError",
    "XAmzContentSHA256Mismatch",
    "BucketNotEmpty",
    "UnauthorizedAccess",
    "ResponseInterrupted",
    "MissingAttachment",
]


def modelled_codes() -> Iterator[tuple[str, str]]:
    session = botocore.session.get_session()
    for service in SERVICES:
        for shape in session.get_service_model(service).error_shapes:
            yield service, str(shape.error_code or shape.name)


def documented_s3_codes() -> list[str]:
    """Return the codes that botocore's model of S3 lists in the documentation of its type ``Error``."""
    model = botocore.loaders.Loader().load_service_model("s3", "service-2")
    text = model["shapes"]["Error"]["members"]["Code"]["documentation"]
    return re.findall(r"<i>Code:</i>\s*([A-Z][A-Za-z0-9.]{3,})", text)


def rows() -> set[ErrorMeaning]:
    lists = [*TABLE.by_code.values(), *TABLE.by_exception.values()]
    return {row for found in lists for row in found}


@pytest.mark.parametrize(("service", "code"), sorted(set(modelled_codes())))
def test_every_error_of_the_service_models_has_a_meaning(service: str, code: str) -> None:
    assert TABLE.for_code(code, "")
    if service == "kms":
        assert TABLE.for_code(f"KMS.{code}", "")


def test_every_error_code_that_the_model_of_s3_documents_has_a_meaning() -> None:
    codes = documented_s3_codes()
    assert len(codes) > 80
    assert [code for code in codes if TABLE.for_code(code, "") is None] == []


@pytest.mark.parametrize("code", [*PUBLISHED, "301", "304", "307", "400", "403", "404", "405", "412", "416", "503"])
def test_every_published_code_and_every_status_of_a_head_request_has_a_meaning(code: str) -> None:
    assert TABLE.for_code(code, "")


def test_every_exception_of_botocore_has_a_meaning() -> None:
    names = [
        value.__name__
        for value in vars(botocore.exceptions).values()
        if isinstance(value, type)
        and issubclass(value, botocore.exceptions.BotoCoreError)
        and value is not botocore.exceptions.BotoCoreError
    ]
    assert len(names) > 90
    nearest: Any = {
        name: [
            base.__name__ for base in getattr(botocore.exceptions, name).__mro__ if base.__name__ in TABLE.by_exception
        ]
        for name in names
    }
    assert [name for name, bases in nearest.items() if not bases] == []


def test_the_last_row_of_each_code_and_exception_applies_to_every_message() -> None:
    for name, found in {**TABLE.by_code, **TABLE.by_exception}.items():
        assert found[-1].message is None, name


def test_each_kind_has_a_class_and_each_advice_is_made_of_sentences() -> None:
    for row in rows():
        assert row.kind in ERROR_CLASSES
        assert row.advice.endswith("."), row
        assert len(row.advice) > 30, row


def test_advice_is_specific_to_few_codes() -> None:
    """A generic sentence for everything would satisfy the other tests."""
    assert len({row.advice for row in rows()}) > 60


def test_an_unknown_key_in_the_table_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    table = SimpleNamespace(read_text=lambda **_: "- {kind: access, code: [X], advice: y}")
    monkeypatch.setattr("bedrock_distill.hooks.aws_error_table.TABLE_PATH", table)
    with pytest.raises(ValueError, match=r"unknown keys \['code'\]"):
        load_error_table.__wrapped__()


@pytest.mark.parametrize(
    "spelling", ["ThrottlingException", "com.amazon.coral#ThrottlingException", "ThrottlingException:http://internal/"]
)
def test_a_code_is_found_with_a_namespace_and_a_suffix(spelling: str) -> None:
    meaning = TABLE.for_code(spelling, "slow down")
    assert meaning is not None
    assert meaning.kind == "throttled"


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("AccessDeniedException", "The security token included in the request is expired", "expired"),
        ("AccessDenied", "Request has expired", "expired"),
        ("AccessDeniedException", "Bearer Token has expired", "expired"),
        ("AccessDeniedException", "User is not authorized to perform: s3:GetObject", "access"),
        ("ForbiddenException", "No access", "access"),
        ("MPAgreementBeingCreated", "still being processed", "model_access"),
        ("AccessDeniedException", "Your AWS Marketplace subscription is still being processed", "model_access"),
        ("KMS.UnrecognizedClientException", "The security token is invalid", "credentials"),
        ("KMS.NotFoundException", "Key does not exist", "key"),
        ("overloaded_error", "Overloaded", "transient"),
    ],
)
def test_the_message_of_aws_can_decide(code: str, message: str, kind: str) -> None:
    meaning = load_error_table().for_code(code, message)
    assert meaning
    assert meaning.kind == kind


@pytest.mark.parametrize("code", ["ThrottlingException", "ServiceQuotaExceededException", "429"])
@pytest.mark.parametrize(
    "message",
    [
        *(
            "Too many tokens per day, please wait before trying again.",
            "Daily request quota exceeded",
            "1000 requests / day",
        ),
        *("MaxTokensPerDay exceeded", "Day limit for tokens reached", "Try again tomorrow.", "1000 requests / day"),
    ],
)
def test_a_quota_per_day_is_recognized(code: str, message: str) -> None:
    meaning = load_error_table().for_code(code, message)
    assert meaning
    assert meaning.kind == "daily_quota"


@pytest.mark.parametrize(
    "message",
    ["Too many tokens, please wait.", "Too many tokens. Do not retry every day", "Call us on any weekday", "Delayed"],
)
def test_a_quota_per_minute_is_not_a_quota_per_day(message: str) -> None:
    meaning = load_error_table().for_code("ThrottlingException", message)
    assert meaning
    assert meaning.kind == "throttled"
