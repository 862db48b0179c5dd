"""
Find the Bedrock operation that a request is for, in botocore's service models.

All operations of bedrock and bedrock-runtime are found, so that the error for an unsupported operation can name it.
Paths are matched while they are still percent-encoded, because a slash inside an ARN (``%2F``) must not separate
segments.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from urllib.parse import unquote

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

from tools.aws_simulator.protocol.errors import (
    UNMODELLED_STATUS,
    OperationNotImplementedError,
    UnknownOperationException,
)

SERVICES = ("bedrock", "bedrock-runtime")
# Services whose requests are signed for "bedrock" too, and APIs of other vendors on the endpoints bedrock-runtime and
# bedrock-mantle: https://docs.aws.amazon.com/bedrock/latest/userguide/apis.html
NEIGHBOURS = ("bedrock-agent", "bedrock-agent-runtime", "bedrock-data-automation")
_VENDOR_APIS = {
    "/openai/v1/": "OpenAI's API",
    "/anthropic/v1/": "Anthropic's API",
    "/v1/": "the endpoint bedrock-mantle",
}
_LABEL = re.compile(r"\{(\w+)(\+?)\}")


@dataclass(frozen=True)
class Route:
    """An operation, and the method and path of its requests."""

    operation: OperationModel
    method: str
    path: re.Pattern[str]


def _path_pattern(template: str) -> re.Pattern[str]:
    parts, last = [], 0
    for label in _LABEL.finditer(template):
        parts.append(re.escape(template[last : label.start()]))
        parts.append(f"(?P<{label[1]}>{'.+' if label[2] else '[^/]+'})")
        last = label.end()
    parts.append(re.escape(template[last:]))
    return re.compile("".join(parts) + "/?")


def _routes(service: ServiceModel) -> list[Route]:
    operations = [service.operation_model(name) for name in service.operation_names]
    return [Route(op, op.http["method"], _path_pattern(op.http["requestUri"].partition("?")[0])) for op in operations]


def load_service(name: str) -> ServiceModel:
    """Return botocore's model of a service."""
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


@functools.cache
def _neighbour_routes() -> list[Route]:
    return [route for name in NEIGHBOURS for route in _routes(load_service(name))]


def vendor_api(raw_path: str) -> str | None:
    """Return the name of the known API that a path belongs to; None if it belongs to none.

    The simulator implements none of these APIs. For example, ``/openai/v1/models`` belongs to "OpenAI's API".
    """
    return next((name for beginning, name in _VENDOR_APIS.items() if raw_path.startswith(beginning)), None)


def _unknown(method: str, raw_path: str) -> UnknownOperationException:
    """Return the error for a request that matches no Bedrock operation.

    If the path belongs to another known API, the error names that API.
    """
    if vendor := vendor_api(raw_path):
        return OperationNotImplementedError(
            f"The AWS simulator does not implement {vendor} ({method} {raw_path}). Nothing was changed. Use"
            " Converse or InvokeModel of bedrock-runtime."
        )
    for route in _neighbour_routes():
        if route.method == method and route.path.fullmatch(raw_path):
            return OperationNotImplementedError(
                f"The AWS simulator does not implement the service {route.operation.service_model.service_name}"
                f" ({route.operation.name}). Nothing was changed."
            )
    return UnknownOperationException(f"Neither bedrock nor bedrock-runtime has an operation {method} {raw_path}.")


class Specification:
    """The operations of bedrock and bedrock-runtime, by method and path."""

    def __init__(self) -> None:
        self.routes = [route for name in SERVICES for route in _routes(load_service(name))]

    def find(self, method: str, raw_path: str) -> tuple[OperationModel, dict[str, str]]:
        """Return the operation that a request is for, and the decoded arguments in the request's path.

        :raises UnknownOperationException: no operation of Bedrock has this method and path.
        """
        for route in self.routes:
            match = route.path.fullmatch(raw_path) if route.method == method else None
            if match:
                return route.operation, {name: unquote(value) for name, value in match.groupdict().items()}
        raise _unknown(method, raw_path)

    def operation(self, name: str) -> OperationModel:
        """Return the operation called ``name``."""
        return next(route.operation for route in self.routes if route.operation.name == name)


def error_status(operation: OperationModel | None, code: str) -> int | None:
    """Return the HTTP status of an error of ``operation``; None if neither the model nor UNMODELLED_STATUS has it."""
    for shape in operation.error_shapes if operation else ():
        if shape.name == code:
            return int(shape.metadata["error"]["httpStatusCode"])
    return UNMODELLED_STATUS.get(code)
