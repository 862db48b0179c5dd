"""
The errors that Bedrock answers with, by the names of its service model.

Which HTTP status goes with a name is looked up in botocore's model of the operation; the table here serves only the
few errors that AWS's front door raises and no operation declares.
"""

from __future__ import annotations

UNMODELLED_STATUS = {
    "UnknownOperationException": 404,
    "MissingAuthenticationTokenException": 403,
    "ExpiredTokenException": 403,
    "ServiceUnavailableException": 503,
    "InternalServerException": 500,
}


class ApiError(Exception):
    """An answer that is an error: its name is the class's name, its text what AWS says."""

    @property
    def code(self) -> str:
        """The error's name on the wire."""
        return type(self).__name__


class ValidationException(ApiError):
    """The request breaks a rule of the API."""


class ResourceNotFoundException(ApiError):
    """The named resource does not exist in this Region."""


class ConflictException(ApiError):
    """The request conflicts with the state of a resource."""


class AccessDeniedException(ApiError):
    """The caller may not do this. Only a fault rule says so."""


class ThrottlingException(ApiError):
    """A rate quota is used up for the moment."""


class ServiceQuotaExceededException(ApiError):
    """The account's quota does not allow this."""


class TooManyTagsException(ApiError):
    """More than 50 tags on one resource."""


class ModelNotReadyException(ApiError):
    """The throughput is still being created."""


class ModelTimeoutException(ApiError):
    """The model took too long."""


class ModelErrorException(ApiError):
    """The model failed."""


class InternalServerException(ApiError):
    """The service failed."""


class ServiceUnavailableException(ApiError):
    """The service is not available."""


class UnknownOperationException(ApiError):
    """No such operation, or one that the simulator does not implement."""


class MissingAuthenticationTokenException(ApiError):
    """A Bedrock request without a signature."""


class ExpiredTokenException(ApiError):
    """The caller's session has expired. Only a fault rule says so."""
