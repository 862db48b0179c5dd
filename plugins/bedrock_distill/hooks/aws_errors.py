"""
Turn botocore's exceptions into the pipeline's own errors, with advice on what to do.

Error codes and their meaning: botocore's ``bedrock``, ``bedrock-runtime`` and ``s3`` service models, and
https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    ReadTimeoutError,
    ResponseStreamingError,
)

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

_KINDS: dict[type[ServiceError], frozenset[str]] = {
    ThrottledError: frozenset(
        {"ThrottlingException", "TooManyRequestsException", "SlowDown", "RequestLimitExceeded", "Throttling"}
    ),
    TransientError: frozenset(
        {
            "InternalServerException",
            "InternalError",
            "ServiceUnavailableException",
            "ServiceUnavailable",
            "ModelNotReadyException",
            "ModelTimeoutException",
            "ModelErrorException",
            "RequestTimeout",
            "PreconditionFailed",  # an object was replaced during a read; reading it from the start can succeed
        }
    ),
    ExpiredCredentialsError: frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"}),
    NotFoundError: frozenset({"ResourceNotFoundException", "NoSuchKey", "NoSuchBucket", "404"}),
    ConflictError: frozenset({"ConflictException", "ResourceInUseException", "BucketAlreadyExists"}),
    InvalidRequestError: frozenset({"ValidationException", "InvalidRequest", "InvalidBucketName"}),
    RefusedError: frozenset(
        {
            "AccessDeniedException",
            "AccessDenied",
            "403",
            "ServiceQuotaExceededException",
            "TooManyTagsException",
            "UnrecognizedClientException",
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "PermanentRedirect",
        }
    ),
}
_ADVICE: dict[type[ServiceError], str] = {
    ThrottledError: "The quota refills within a minute; a retry waits and then repeats the call.",
    TransientError: (
        "A retry may help. It never buys a job or an endpoint twice, because it sends the same name and request token."
    ),
    PossiblyBilledError: (
        "The answer did not arrive, so AWS may bill this call although no answer is stored. A retry sends the request"
        " again and may pay for it again."
    ),
    DailyQuotaError: (
        "A quota per day is used up; a retry within the same day cannot help. The call was not billed. Clear the task"
        " on the next day, or ask AWS for a higher quota in the console of Service Quotas."
    ),
    ExpiredCredentialsError: (
        "The next call reads the credentials from the connection again. If this error repeats, renew the credentials."
    ),
    NotFoundError: "Check the resource's name, the connection's Region, and whether the resource was deleted.",
    ConflictError: "A resource that this pipeline did not create has this name; rename the use case or the arm.",
    InvalidRequestError: "The request is wrong; a retry cannot help.",
    RefusedError: "Access or a quota is missing; a retry cannot help. See docs/how-to/first_run_on_aws.md.",
    ContractError: "This pipeline does not recognize this error from AWS; update boto3, or report the error as a bug.",
}
# Bedrock has no separate error code for a name that is already in use; only the message says so.
_TAKEN = ("currently in use", "already exists", "already in use", "request token", "requesttoken")
# Bedrock has the same error code for a quota per minute and for a quota per day.
_PER_DAY = re.compile(r"\b(?:per|each)[ -]day\b|\bdaily\b|/day\b|\b24[ -]hours?\b", re.IGNORECASE)
# These operations of bedrock-runtime are billed as soon as the model starts to answer.
BILLED_METHODS = frozenset({"invoke_model", "converse"})
_ANSWER_LOST = (ReadTimeoutError, ConnectionClosedError, ResponseStreamingError, IncompleteReadError)


@contextmanager
def named_errors(what: str, *, is_billed: bool = False) -> Iterator[None]:
    """Turn every botocore exception inside the block into one of the pipeline's own errors.

    :param what: the API call and its resource, for the error message, such as ``"GetCustomModel tuned-1"``.
    :param is_billed: whether AWS bills the call even if its answer does not arrive.
    """
    try:
        yield
    except ClientError as error:
        raise from_client_error(error, what) from error
    except (ParamValidationError, NoRegionError) as error:
        raise _named(InvalidRequestError, what, str(error)) from error
    except NoCredentialsError as error:
        raise _named(
            RefusedError, what, "there are no AWS credentials; set them in the Airflow connection or in the environment"
        ) from error
    except (HTTPClientError, BotoCoreError) as error:
        kind = PossiblyBilledError if is_billed and isinstance(error, _ANSWER_LOST) else TransientError
        raise _named(kind, what, str(error)) from error


def from_client_error(error: ClientError, what: str) -> ServiceError:
    """Return the pipeline's own error for an error response from AWS."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    message = str(error.response.get("Error", {}).get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return _named(_error_class(code, message, status), what, f"{code}: {message}")


def _error_class(code: str, message: str, status: int) -> type[ServiceError]:
    kind = next((kind for kind, codes in _KINDS.items() if code in codes), None)
    if kind is InvalidRequestError and any(text in message.lower() for text in _TAKEN):
        return ConflictError
    if _PER_DAY.search(message) and (kind is ThrottledError or code == "ServiceQuotaExceededException"):
        return DailyQuotaError
    if kind is not None:
        return kind
    return TransientError if status >= 500 else ContractError


def _named(kind: type[ServiceError], what: str, detail: str) -> ServiceError:
    return kind(f"{what}: {detail.rstrip('.')}. {_ADVICE[kind]}")
