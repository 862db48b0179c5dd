"""
Turn botocore's exceptions into the pipeline's own errors, with advice on what to do.

``include/aws_errors.yaml`` states for each error code and exception what it means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import botocore
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
)
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from bedrock_distill.hooks.aws_error_table import load_error_table
from bedrock_distill.hooks.in_flight import IN_FLIGHT
from include.distill.core.errors import (
    FAILED_TASK,
    ConcurrencyLimitError,
    ConflictError,
    ContractError,
    DailyQuotaError,
    ExpiredCredentialsError,
    InvalidRequestError,
    ModelNotReadyError,
    NotFoundError,
    PossiblyBilledError,
    RefusedError,
    ServiceError,
    ThrottledError,
    TransientError,
    UnknownOperationError,
    UnreachedError,
    UnreadableAnswerError,
)

ERROR_CLASSES: Mapping[str, type[ServiceError]] = {
    "throttled": ThrottledError,
    "transient": TransientError,
    "concurrency": ConcurrencyLimitError,
    "not_ready": ModelNotReadyError,
    "expired": ExpiredCredentialsError,
    "missing": NotFoundError,
    "conflict": ConflictError,
    "invalid": InvalidRequestError,
    "unknown_operation": UnknownOperationError,
    "daily_quota": DailyQuotaError,
    "possibly_billed": PossiblyBilledError,
    # A person must correct something outside the pipeline.
    **dict.fromkeys(
        [
            "quota",
            "access",
            "model_access",
            "model",
            "account",
            "credentials",
            "clock",
            "signature",
            "region",
            "key",
            "archived",
            "configuration",
        ],
        RefusedError,
    ),
    **dict.fromkeys(["certificate", "proxy"], UnreachedError),
}
SDK = f"botocore {botocore.__version__}"
# botocore uses this code for a response with status 400 and no body. Only HEAD requests get such a response.
BAD_HEAD_REQUEST = "400"
TOO_MANY_REQUESTS = 429
# These operations of bedrock-runtime are billed as soon as the model starts to answer.
BILLED_METHODS = frozenset({"invoke_model", "converse"})
_ANSWER_LOST = (ReadTimeoutError, ConnectionClosedError, ResponseStreamingError, IncompleteReadError)
# OpenSSL gives these reasons if a connection breaks after the TLS handshake, so the request may have been sent. All
# other reasons mean that the handshake failed, before the request was sent.
_SSL_AFTER_HANDSHAKE = re.compile(r"bad[ _]record[ _]mac|decryption[ _]failed|decrypt[ _]error", re.IGNORECASE)
# A gateway gives this status if the service behind it received the request but did not answer in time.
GATEWAY_TIMEOUT = 504
_ANSWER_LOST_BILLED = "The answer did not arrive, so AWS may bill this call although no answer is stored."
_ANSWER_LOST_ADVICE = "If the request is sent again, AWS may bill it again."
_RETRY_ADVICE = "A repeated call never buys a job or an endpoint twice, because it has the same name and request token."
_REPORT = (
    "This pipeline does not know this AWS error, so it does not repeat the call. If AWS's message does not say what"
    " to do, report the error as a bug, with its code."
)


@contextmanager
def named_errors(
    what: str, *, is_billed: bool = False, connection: str = "the Airflow connection", limit: str = ""
) -> Iterator[None]:
    """Turn every botocore exception inside the block into one of the pipeline's own errors.

    :param what: the API call and its resource, for the error message, such as ``"GetCustomModel tuned-1"``.
    :param is_billed: whether AWS bills the call even if its answer does not arrive.
    :param connection: where the credentials come from, for advice.
    :param limit: when botocore gives up on the call, for the log, such as "given up after about 6 min".
    """
    try:
        with IN_FLIGHT.track(what, limit=limit):
            yield
    except ClientError as error:
        if is_billed and error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == GATEWAY_TIMEOUT:
            raise _named(PossiblyBilledError, what, str(error), _ANSWER_LOST_ADVICE) from error
        raise from_client_error(error, what, connection=connection) from error
    except BotoCoreError as error:
        raise _from_botocore_error(error, what, is_billed=is_billed, connection=connection) from error
    except ResponseParserError as error:  # it does not derive from BotoCoreError
        kind, advice = (PossiblyBilledError, _ANSWER_LOST_ADVICE) if is_billed else (TransientError, _RETRY_ADVICE)
        raise _named(kind, what, f"the response is damaged: {error}", advice) from error
    except HTTPError as error:  # botocore does not translate all errors of urllib3 while a body is read as a stream
        kind, advice = (PossiblyBilledError, _ANSWER_LOST_ADVICE) if is_billed else (TransientError, _RETRY_ADVICE)
        raise _named(kind, what, f"{type(error).__name__}: {error}", advice) from error


@contextmanager
def refused_only_if(exists: Callable[[], bool]) -> Iterator[None]:
    """
    Raise ``NotFoundError`` if AWS refuses the call inside the block, and the resource does not exist.

    A resource that does not exist has no tags. AWS may therefore refuse to delete it, if the policy allows the deletion
    only of resources with certain tags.

    :param exists: looks the resource up. Policies allow this without a condition on tags.
    """
    try:
        yield
    except RefusedError as error:
        if not error.code.startswith("AccessDenied") or exists():
            raise
        raise NotFoundError(error.happened, to_do=error.to_do, then_clear=error.then_clear) from error


def from_client_error(error: ClientError, what: str, *, connection: str = "the Airflow connection") -> ServiceError:
    """Return the pipeline's own error for an error response from AWS."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    message = str(error.response.get("Error", {}).get("Message", ""))
    region = _bucket_region(error.response)
    detail = f"{code}: {message}".rstrip(".: ") + (f". S3 says that the bucket is in {region}" if region else "")
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    meaning = load_error_table().for_code(code, message)
    if meaning is None and status == TOO_MANY_REQUESTS:
        meaning = load_error_table().for_code(str(status), message)
    if meaning:
        advice = meaning.advice_for(connection, message)
        named = _named(ERROR_CLASSES[meaning.kind], what, detail, advice, meaning.then_clear)
    else:
        named = _unknown(status, what, detail)
    named.code, named.bucket_region = code, region
    return named


def head_refused_twice(error: ServiceError, what: str, *, connection: str) -> RefusedError:
    """Return the error for a HEAD request that S3 refused twice: before and after the credentials were read again."""
    stated = f", but says that the bucket is in {error.bucket_region}" if error.bucket_region else ""
    detail = f"{BAD_HEAD_REQUEST}: S3 refused the HEAD request twice without giving a reason{stated}"
    advice = (
        "The credentials were read again before the second request. If they have expired, renew them in"
        f" {connection} or in the environment. If they are valid, check the bucket's Region and the"
        " object's encryption (an object with a customer-provided key, SSE-C, cannot be read)."
    )
    refused = RefusedError(f"{what}: {detail}.", to_do=advice, then_clear=FAILED_TASK)
    refused.code, refused.bucket_region = error.code, error.bucket_region
    return refused


def missing_operation(service: str, method: str, what: str) -> UnknownOperationError:
    """Return the error for an operation that the installed SDK does not have, because it is younger."""
    advice = (
        "No request was sent. Install a newer boto3, or change the setting that needs the operation. On Amazon MWAA,"
        " boto3 comes with Airflow, so use a newer version of Airflow there."
    )
    detail = f"the installed SDK, {SDK}, has no operation {method} of the service {service}"
    return UnknownOperationError(f"{what}: {detail}.", to_do=advice, then_clear=FAILED_TASK)


def unreadable_response(error: Exception, what: str, *, is_billed: bool) -> ContractError:
    """Return the error for a response in which botocore did not expect something."""
    kind = UnreadableAnswerError if is_billed else ContractError
    return kind(
        f"{what}: the response of AWS has an unexpected form ({type(error).__name__}: {error}).",
        billed="The call is billed, but no answer is stored." if is_billed else "",
        to_do=f"{SDK} cannot read it. {_REPORT}",
        then_clear=FAILED_TASK,
    )


def _unknown(status: int, what: str, detail: str) -> ServiceError:
    """Return the error for an unknown code, depending on the HTTP status."""
    if status >= 500 or status in (408, 425):
        return _named(TransientError, what, detail, _RETRY_ADVICE)
    if status in (401, 403):
        return _named(RefusedError, what, detail, f"AWS refuses access. {_REPORT}")
    return _named(ContractError, what, detail, _REPORT)


def _from_botocore_error(error: BotoCoreError, what: str, *, is_billed: bool, connection: str) -> ServiceError:
    if is_billed and _is_answer_lost(error):
        return _named(PossiblyBilledError, what, str(error), _ANSWER_LOST_ADVICE)
    meaning = load_error_table().for_exception(error)
    if meaning is None:
        advice = f"botocore failed with {type(error).__name__}. {_REPORT}"
        return _named(ContractError, what, str(error), advice)
    return _named(ERROR_CLASSES[meaning.kind], what, str(error), meaning.advice_for(connection), meaning.then_clear)


def _is_answer_lost(error: BotoCoreError) -> bool:
    """Return whether the request may have been sent before the call failed."""
    if isinstance(error, SSLError):
        return _SSL_AFTER_HANDSHAKE.search(str(error)) is not None
    # For an error before the connection is made, botocore raises a subclass of HTTPClientError. For an error that it
    # does not expect, it raises HTTPClientError itself, so the request may have been sent.
    return isinstance(error, _ANSWER_LOST) or type(error) is HTTPClientError


def _bucket_region(response: Mapping[str, Any]) -> str:
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders") or {}
    return str(headers.get("x-amz-bucket-region") or response.get("Error", {}).get("Region") or "")


def _named(
    kind: type[ServiceError], what: str, detail: str, advice: str, then_clear: str = FAILED_TASK
) -> ServiceError:
    billed = _ANSWER_LOST_BILLED if kind is PossiblyBilledError else ""
    return kind(f"{what}: {detail.rstrip('.')}.", billed=billed, to_do=advice, then_clear=then_clear)
