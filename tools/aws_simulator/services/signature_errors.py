"""
Convert the errors about malformed signatures to the form that a service's protocol uses.

The Query protocol uses the codes of https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html. An example
is in https://github.com/jenkinsci/aws-credentials-plugin/issues/72. With JSON protocols, the status is always 400.
Examples are in https://github.com/iann0036/cloud9-sync/issues/10 and https://github.com/JuliaCloud/AWS.jl/issues/334.
"""

from __future__ import annotations

from starlette.requests import Request

from tools.aws_simulator.catalog.regions import all_regions
from tools.aws_simulator.protocol.errors import ApiError, ServiceError
from tools.aws_simulator.protocol.signatures import check_signature

_QUERY = {
    "IncompleteSignatureException": ("IncompleteSignature", 400),
    "InvalidSignatureException": ("SignatureDoesNotMatch", 403),
    "UnrecognizedClientException": ("InvalidClientTokenId", 403),
}


def check_service_signature(request: Request, service: str, *, is_query: bool) -> None:
    """Check the Authorization header, if any, of a request to a service other than Bedrock and S3.

    :raises ServiceError: the header is malformed, or the request was signed for another service or date.
    """
    if "authorization" not in request.headers:
        return
    try:
        check_signature(request.headers, service, all_regions().__contains__)
    except ApiError as error:
        code, status = _QUERY[error.code] if is_query else (error.code, 400)
        raise ServiceError(code, str(error), status) from None
