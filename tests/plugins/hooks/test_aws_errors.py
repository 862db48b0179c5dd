from __future__ import annotations

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)

from bedrock_distill.hooks.aws_errors import named_errors
from include.distill.core.errors import (
    ConflictError,
    ContractError,
    DailyQuotaError,
    ExpiredCredentialsError,
    InvalidRequestError,
    NotFoundError,
    PossiblyBilledError,
    RefusedError,
    ServiceError,
    ThrottledError,
    TransientError,
)


def client_error(code: str, message: str = "reason", status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Operation",
    )


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (client_error("ThrottlingException", status=429), ThrottledError),
        (client_error("SlowDown", status=503), ThrottledError),
        (client_error("ModelTimeoutException", status=408), TransientError),
        (client_error("ModelErrorException", status=424), TransientError),
        (client_error("ModelNotReadyException", status=429), TransientError),
        (client_error("ExpiredTokenException", status=403), ExpiredCredentialsError),
        (client_error("InternalServerException", status=500), TransientError),
        (client_error("NeverHeardOf", status=502), TransientError),
        (client_error("NeverHeardOf", status=418), ContractError),
        (client_error("ResourceNotFoundException", status=404), NotFoundError),
        (client_error("NoSuchKey", status=404), NotFoundError),
        (client_error("ConflictException"), ConflictError),
        (client_error("ValidationException", "The provided job name is currently in use."), ConflictError),
        (client_error("ValidationException", "malformed"), InvalidRequestError),
        (client_error("AccessDeniedException", status=403), RefusedError),
        (client_error("ServiceQuotaExceededException"), RefusedError),
        (EndpointConnectionError(endpoint_url="http://x"), TransientError),
        (ReadTimeoutError(endpoint_url="http://x"), TransientError),
        (NoCredentialsError(), RefusedError),
        (ParamValidationError(report="modelUnits"), InvalidRequestError),
    ],
    ids=lambda value: str(value)[:40],
)
def test_every_aws_failure_becomes_a_named_error(error: Exception, kind: type[ServiceError]) -> None:
    with pytest.raises(ServiceError) as raised, named_errors("call of thing"):
        raise error
    assert type(raised.value) is kind
    assert raised.value.__cause__ is error


def test_a_message_names_the_call_quotes_aws_and_says_what_to_do() -> None:
    with (
        pytest.raises(ThrottledError, match=r"converse nova: ThrottlingException: slow\. The quota refills"),
        named_errors("converse nova"),
    ):
        raise client_error("ThrottlingException", "slow.")


def test_errors_that_are_not_from_aws_pass_unchanged() -> None:
    with pytest.raises(ZeroDivisionError), named_errors("call"):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    "error", [ReadTimeoutError(endpoint_url="http://x"), ConnectionClosedError(endpoint_url="http://x")]
)
def test_a_model_call_whose_answer_is_lost_may_be_billed(error: Exception) -> None:
    with pytest.raises(PossiblyBilledError, match="AWS may bill this call"), named_errors("converse m", is_billed=True):
        raise error


def test_a_call_that_never_reached_aws_is_not_billed() -> None:
    with pytest.raises(TransientError) as raised, named_errors("converse m", is_billed=True):
        raise EndpointConnectionError(endpoint_url="http://x")
    assert type(raised.value) is TransientError


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("ThrottlingException", "Too many tokens per day, please wait before trying again.", DailyQuotaError),
        ("ThrottlingException", "Too many requests per day.", DailyQuotaError),
        ("TooManyRequestsException", "You exceeded your daily token quota.", DailyQuotaError),
        ("ServiceQuotaExceededException", "Max tokens per day is 100", DailyQuotaError),
        ("ThrottlingException", "Too many tokens, please wait before trying again.", ThrottledError),
        ("ThrottlingException", "Too many requests per minute. Try again some days later.", ThrottledError),
        ("ValidationException", "The report is daily", InvalidRequestError),
    ],
)
def test_a_quota_per_day_is_final(code: str, message: str, kind: type[ServiceError]) -> None:
    with pytest.raises(ServiceError) as raised, named_errors("converse m"):
        raise client_error(code, message, status=429)
    assert type(raised.value) is kind
