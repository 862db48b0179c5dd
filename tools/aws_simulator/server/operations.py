"""
Answer Bedrock requests: find the operation, apply the fault plan, validate, authorise, call the handler, log the
outcome.

If botocore knows an operation that the simulator does not implement, the request is refused and the error names the
operation. If the setting ``as_of`` names a day, requests for what Bedrock did not have on that day are refused too. A
handler's result that does not match the service model is a defect of the simulator. The response then has status 500
and describes the defect.
"""

from __future__ import annotations

import asyncio
import datetime
import inspect
import logging
import sqlite3
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from botocore.model import OperationModel
from starlette.requests import Request
from starlette.types import ASGIApp

from tools.aws_simulator.account.calls import Call, check_project
from tools.aws_simulator.account.faults import ERRORS, INFERENCE, Fault, FaultPlan
from tools.aws_simulator.account.ledger import Ledger
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.catalog.history import load_history
from tools.aws_simulator.catalog.regions import regions
from tools.aws_simulator.protocol.connections import DroppedConnection
from tools.aws_simulator.protocol.credentials import CredentialScope, bearer_scope, credential_scope, is_bearer
from tools.aws_simulator.protocol.errors import (
    ApiError,
    InternalServerException,
    InvalidSignatureException,
    MissingAuthenticationTokenException,
    OperationNotImplementedError,
    UnknownOperationException,
    ValidationException,
)
from tools.aws_simulator.protocol.event_stream import write_stream
from tools.aws_simulator.protocol.rest_json import UnmodelledResultError, error_response, read_arguments, write_response
from tools.aws_simulator.protocol.signatures import check_signature
from tools.aws_simulator.protocol.specification import Specification
from tools.aws_simulator.runtime.invocation_logs import InvocationLogs
from tools.aws_simulator.server.bedrock_access import BedrockAccess

logger = logging.getLogger(__name__)

Handler = Callable[[Call], Any]
DEFAULT_TIMEOUT_SECONDS = 60.0


class SimulatedBedrock:
    """
    The simulated Bedrock, which answers all Bedrock requests.

    :param handlers: functions or coroutine functions, by operation name.
    :param check_token: raises ``ApiError`` if the session token of a request is refused.
    """

    def __init__(
        self,
        handlers: dict[str, Handler],
        faults: FaultPlan,
        ledger: Ledger,
        logs: InvocationLogs,
        check_token: Callable[[Request], None],
        settings: SettingsStore,
        access: BedrockAccess,
    ) -> None:
        self.specification = Specification()
        self._handlers = handlers
        self._faults = faults
        self._ledger = ledger
        self._logs = logs
        self._check_token = check_token
        self._settings = settings
        self._access = access

    @property
    def implemented(self) -> frozenset[str]:
        """The names of the operations that have a handler."""
        return frozenset(self._handlers)

    def knows(self, method: str, raw_path: str) -> bool:
        """Return whether a request has the method and path of a Bedrock operation."""
        try:
            self.specification.find(method, raw_path)
        except UnknownOperationException:
            return False
        return True

    async def handle(self, request: Request) -> ASGIApp:
        """Handle a request, and return the ASGI application that sends the response."""
        operation, fault, model_id = None, None, ""
        body, path = await request.body(), request.scope["raw_path"].decode()
        try:
            operation, uri = self.specification.find(request.method, path)
            model_id = uri.get("modelId", "")
            fault = self._faults.fire(operation.name, f"{unquote(path)}\n{body.decode(errors='replace')}")
            answer = await self._call_handler(request, operation, uri, body, fault)
            outcome = str(operation.http["responseCode"])
        except ApiError as error:
            if error.hint:
                logger.warning("%s was refused: %s", operation.name if operation else path, error.hint)
            answer, outcome = self._refuse(operation, error), error.code
        except RecursionError:
            too_deep = ValidationException("The request is nested too deeply.")
            answer, outcome = self._refuse(operation, too_deep), too_deep.code
        except Exception as error:
            logger.exception("%s failed inside the simulator", operation.name if operation else path)
            failure = InternalServerException(f"The AWS simulator failed: {type(error).__name__}: {error}")
            answer, outcome = self._refuse(operation, failure), failure.code
        self._log(operation.name if operation else "unknown", outcome, model_id, fault)
        return await _deliver(answer, fault)

    def _log(self, name: str, outcome: str, model_id: str, fault: Fault | None) -> None:
        try:
            if name in INFERENCE and not outcome.startswith("2"):
                self._ledger.reject(model_id)
            self._ledger.record_request(name, outcome, fault.kind if fault else None)
        except sqlite3.Error:  # the disk is full, for example. The outcome of the request itself is final
            logger.exception("The request log could not be written: %s %s", name, outcome)

    async def _call_handler(
        self, request: Request, operation: OperationModel, uri: dict[str, str], body: bytes, fault: Fault | None
    ) -> ASGIApp:
        handler = self._handlers.get(operation.name)
        if handler is None:
            raise OperationNotImplementedError(
                f"The AWS simulator does not implement {operation.name} of {operation.service_model.service_name}."
                " Nothing was changed."
            )
        day = self._settings.current.as_of
        if day is not None and not load_history().has_operation(operation.name, day):
            raise _not_yet(operation.name, day)
        scope = _scope(request)
        self._check_token(request)
        if fault and fault.kind in ERRORS:
            raise ERRORS[fault.kind]
        if fault and fault.kind == "drop_before":
            raise _DroppedBefore
        arguments = read_arguments(operation, uri, request.url.query, request.headers, body)
        check_project(arguments)
        if day is not None:
            _check_members(operation.name, arguments, day)
        call = Call(arguments, scope.region, fault, scope.access_key)
        has_api_key = is_bearer(request.headers.get("authorization", ""))
        self._access.check(operation.name, call, has_api_key=has_api_key)
        result = handler(call)
        if inspect.isawaitable(result):
            result = await result
        write = write_stream if operation.has_event_stream_output else write_response
        unsent = {name: value for name, value in result.items() if name != "headers"}
        answer = write(operation, unsent, result.get("headers", {}))
        if self._logs.is_on(operation.name, call.region):
            request_id = answer.headers["x-amzn-requestid"]
            await asyncio.to_thread(self._logs.write, operation.name, call, result, request_id, scope.access_key)
        return answer

    def _refuse(self, operation: OperationModel | None, error: ApiError) -> ASGIApp:
        if isinstance(error, _DroppedBefore):
            return DroppedConnection()
        try:
            return error_response(operation, error)
        except UnmodelledResultError as defect:
            logger.exception("The simulator produced an answer that AWS cannot give")
            return error_response(operation, InternalServerException(f"The AWS simulator failed: {defect}"))


def _not_yet(operation: str, day: datetime.date) -> UnknownOperationException:
    """Return the error for an operation that Bedrock did not have on ``day``. AWS's text is UNVERIFIED."""
    since = load_history().operations[operation].since
    error = UnknownOperationException(f"Unknown operation {operation}.")
    error.hint = f"The AWS simulator is as of {day}. Bedrock has {operation} since {since}."
    return error


def _check_members(operation: str, arguments: dict[str, Any], day: datetime.date) -> None:
    """
    Check that Bedrock had all members of a request on ``day``.

    The error is a guess (UNVERIFIED). Bedrock may also have ignored a member that it did not know, but then the job or
    the answer would differ from what the caller asked for, and nothing would say why.

    :raises ValidationException: Bedrock did not have a member yet.
    """
    if member := load_history().later_member(operation, arguments, day):
        error = ValidationException(f"Malformed input request: {member.name} is not permitted.")
        error.hint = f"The AWS simulator is as of {day}. Bedrock has {member.name} since {member.since}."
        raise error


def _scope(request: Request) -> CredentialScope:
    """Return the access key of a request, and the Region and the service that it was signed for.

    :raises ApiError: the request is not signed for Bedrock and has no valid API key.
    """
    authorization = request.headers.get("authorization", "")
    if is_bearer(authorization):
        return bearer_scope(authorization, request.headers.get("host", ""))
    if authorization.strip():
        check_signature(request.headers, "bedrock", regions().__contains__)
    scope = credential_scope(authorization, request.url.query)
    if scope is None or scope.service != "bedrock":
        raise MissingAuthenticationTokenException("Missing Authentication Token")
    if scope.region not in regions():
        raise InvalidSignatureException(
            f"Credential should be scoped to a valid region. The AWS simulator has no Region {scope.region}."
        )
    return scope


class _DroppedBefore(ApiError):
    """The connection is dropped before the request takes effect."""

    @property
    def code(self) -> str:
        """The outcome that the request log shows for the dropped connection."""
        return "ConnectionClosed"


async def _deliver(answer: ASGIApp, fault: Fault | None) -> ASGIApp:
    """
    Return the ASGI application that sends the answer or, if the fault says so, drops the connection.

    If the fault is a time-out, wait before returning.
    """
    if fault and fault.kind == "drop_after":
        return DroppedConnection()
    if fault and fault.kind == "timeout":
        await asyncio.sleep(DEFAULT_TIMEOUT_SECONDS if fault.seconds is None else fault.seconds)
    return answer
