"""
Answer the requests of a service other than Bedrock and S3.

An operation that botocore knows and the simulator does not implement is refused, and the error names the operation. An
exception in a handler is a defect of the simulator. The response then has status 500 and describes the defect.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.model import OperationModel, ServiceModel
from starlette.requests import Request
from starlette.responses import Response

from tools.aws_simulator.protocol.credentials import CredentialScope
from tools.aws_simulator.protocol.errors import UNMODELLED_STATUS, OperationNotImplementedError, ServiceError
from tools.aws_simulator.protocol.json_rpc import json_error, read_json_arguments, write_json_response
from tools.aws_simulator.protocol.query import query_error, read_form, read_query_arguments, write_query_response

NOT_IMPLEMENTED = UNMODELLED_STATUS[OperationNotImplementedError.__name__]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServiceCall:
    """The checked arguments of a request, what it was signed for, and the request itself with its body."""

    operation: OperationModel
    arguments: dict[str, Any]
    scope: CredentialScope
    request: Request
    body: bytes


ServiceHandler = Callable[[ServiceCall], Any]


class SimulatedService:
    """
    One simulated service other than Bedrock and S3.

    :param handlers: functions or coroutine functions, by operation name. They return the result, or a response.

    ``is_query`` is True if the service uses the Query protocol, and False if it uses JSON 1.1.
    """

    def __init__(self, model: ServiceModel, handlers: Mapping[str, ServiceHandler]) -> None:
        self._model = model
        self._handlers = handlers
        self.is_query = model.metadata["protocol"] == "query"

    @property
    def implemented(self) -> tuple[str, frozenset[str]]:
        """The service's name in botocore, and the names of the operations that have a handler."""
        return str(self._model.service_name), frozenset(self._handlers)

    async def handle(
        self,
        request: Request,
        scope: CredentialScope,
        check: Callable[[], None] = lambda: None,
        authorize: Callable[[ServiceCall], None] = lambda _: None,
    ) -> Response:
        """Answer one request.

        :param check: raises ``ServiceError`` if the caller's credentials are refused.
        :param authorize: raises ``ServiceError`` if the caller may not make the request.
        """
        body = await request.body()
        try:
            check()
            return await self._call(request, scope, body, authorize)
        except ServiceError as error:
            return self._refuse(error)
        except RecursionError:
            return self._refuse(ServiceError("ValidationError", "The request is nested too deeply."))
        except Exception as error:
            logger.exception("%s failed inside the simulator", self._model.service_name)
            text = f"The AWS simulator failed: {type(error).__name__}: {error}"
            return self._refuse(ServiceError(self._failure, text, 500))

    async def _call(
        self, request: Request, scope: CredentialScope, body: bytes, authorize: Callable[[ServiceCall], None]
    ) -> Response:
        form = read_form(request.url.query, body) if self.is_query else {}
        target = request.headers.get("x-amz-target", "").rpartition(".")[2]
        operation = self._query_operation(form) if self.is_query else self._operation(target)
        arguments = read_query_arguments(operation, form) if self.is_query else read_json_arguments(operation, body)
        handler = self._handlers.get(operation.name)
        if handler is None:
            text = f"The AWS simulator does not implement {operation.name} of {self._title}. Nothing was changed."
            raise self._unknown(text, NOT_IMPLEMENTED)
        call = ServiceCall(operation, arguments, scope, request, body)
        authorize(call)
        result = handler(call)
        if inspect.isawaitable(result):
            result = await result
        if isinstance(result, Response):
            return result
        return (write_query_response if self.is_query else write_json_response)(operation, result)

    def _query_operation(self, form: Mapping[str, str]) -> OperationModel:
        """Return the operation that a form names.

        https://github.com/aws/aws-cli/issues/37 quotes AWS's error for an unknown operation. A request without a
        version gets the same code (UNVERIFIED). MissingAction is one of IAM's common errors.
        """
        name, version = form.get("Action"), form.get("Version", "")
        if not name:
            raise ServiceError("MissingAction", "The request is missing an action or a required parameter.")
        if name not in self._model.operation_names or version != self._model.api_version:
            raise self._unknown(f"Could not find operation {name} for version {version or 'NO_VERSION_SPECIFIED'}")
        return self._model.operation_model(name)

    def _operation(self, name: str) -> OperationModel:
        if name not in self._model.operation_names:
            raise self._unknown(f"{self._title} has no operation {name!r}.")
        return self._model.operation_model(name)

    @property
    def _failure(self) -> str:
        """
        The code of the error that reports a failure of the service itself.

        IAM's service model declares ServiceFailure. The common errors of all services include InternalFailure:
        https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
        """
        return "ServiceFailure" if "ServiceFailureException" in self._model.shape_names else "InternalFailure"

    @property
    def _title(self) -> str:
        return str(self._model.metadata["serviceId"])

    def _unknown(self, message: str, status: int = 400) -> ServiceError:
        return ServiceError("InvalidAction" if self.is_query else "UnknownOperationException", message, status)

    def _refuse(self, error: ServiceError) -> Response:
        return query_error(error, self._model.metadata["xmlNamespace"]) if self.is_query else json_error(error)
