"""
Define the errors of Bedrock, with the names that they have in its service model.

botocore's model of an operation gives the HTTP status of each error that the operation declares. The table in this
module gives the HTTP status of errors that AWS's front end or the simulator returns even if the operation does not
declare them.
"""

from __future__ import annotations

UNMODELLED_STATUS = {
    # All implemented operations declare this error, except those that get and delete the logging configuration. It is
    # one of the errors that all services share: https://docs.aws.amazon.com/mgn/latest/APIReference/CommonErrors.html
    "ValidationException": 400,
    "IncompleteSignatureException": 400,
    "InvalidSignatureException": 403,
    "UnknownOperationException": 404,
    "OperationNotImplementedError": 501,
    "MissingAuthenticationTokenException": 403,
    "ExpiredTokenException": 403,
    "UnrecognizedClientException": 403,
    "ServiceUnavailableException": 503,
    "InternalServerException": 500,
}


class ApiError(Exception):
    """
    An error response. Its code is the name of the class; its text is AWS's message.

    ``hint`` says what the simulator lacks, if AWS's message does not. It is sent in a header and logged.
    """

    hint = ""

    @property
    def code(self) -> str:
        """The error code in the response."""
        return type(self).__name__


class ValidationException(ApiError):
    """The request breaks a rule of the API."""


class ResourceNotFoundException(ApiError):
    """The named resource does not exist in this Region."""


class ConflictException(ApiError):
    """The request conflicts with the state of a resource."""


class AccessDeniedException(ApiError):
    """
    The caller has no permission.

    The simulator raises this for an injected fault, a malformed API key, a role of another account, and cache
    checkpoints in a request to a model without a prompt cache.
    """


class ThrottlingException(ApiError):
    """A rate quota is used up."""


class ServiceQuotaExceededException(ApiError):
    """The request exceeds a quota of the account."""


class TooManyTagsException(ApiError):
    """A resource would have more than 50 tags."""


class ModelNotReadyException(ApiError):
    """The throughput or the custom model deployment is still being created."""


class ModelTimeoutException(ApiError):
    """The model did not answer in time."""


class ModelErrorException(ApiError):
    """The model failed."""


class ModelStreamErrorException(ApiError):
    """The model failed while its answer was being streamed."""


class InternalServerException(ApiError):
    """The service failed."""


class ServiceUnavailableException(ApiError):
    """The service is not available."""


class UnknownOperationException(ApiError):
    """The operation does not exist."""


class OperationNotImplementedError(UnknownOperationException):
    """
    AWS has the operation, but the simulator does not implement it.

    The code is AWS's code for an operation that an endpoint does not have. The HTTP status is 501 (Not Implemented)
    and not AWS's 404, because many client libraries treat every 404 as a missing model. The SDKs do not repeat a
    request after 501.
    """

    @property
    def code(self) -> str:
        """The error code in the response."""
        return UnknownOperationException.__name__


class IncompleteSignatureException(ApiError):
    """
    The header Authorization is malformed.

    https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html states the HTTP status.
    """


class InvalidSignatureException(ApiError):
    """
    The request was signed for another service or day, or for a Region that does not exist.

    On AWS, such a Region has no endpoint, and the client finds no address. All Regions of the simulator share one
    address, so the simulator answers as the endpoint of another Region does:
    https://github.com/earendil-works/pi/issues/3487
    """


class MissingAuthenticationTokenException(ApiError):
    """A Bedrock request has no signature."""


class ExpiredTokenException(ApiError):
    """The caller's session has expired, or an injected fault says so."""


class UnrecognizedClientException(ApiError):
    """
    A request with the keys of a session lacks the session's token, or has a different token.

    The simulator also raises this for an empty access key.
    """


class ServiceError(Exception):
    """An error response of a service other than Bedrock, with its code and its HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
