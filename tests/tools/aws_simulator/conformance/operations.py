"""Define what the conformance tests share: the implemented operations, and botocore's models of them."""

from __future__ import annotations

import inspect
from typing import Any, get_type_hints

from botocore.model import OperationModel

from tests.fakes.aws_simulator import RunningSimulator
from tools.aws_simulator.protocol.specification import SERVICES, load_service
from tools.aws_simulator.server.app import _handlers


class _ModuleOf:
    """An object that has the name of its class's module in place of every method."""

    def __init__(self, service: type) -> None:
        self._module = service.__module__

    def __getattr__(self, name: str) -> str:
        return self._module


def _modules() -> dict[str, Any]:
    types = get_type_hints(_handlers)
    return _handlers(*[_ModuleOf(types[name]) for name in inspect.signature(_handlers).parameters])


# The module of each operation's handler.
MODULES = _modules()


def _implemented() -> dict[str, OperationModel]:
    """Return botocore's models of the implemented operations of Bedrock, by name."""
    services = [load_service(name) for name in SERVICES]
    return {
        name: service.operation_model(name)
        for service in services
        for name in service.operation_names
        if name in MODULES
    }


OPERATIONS = _implemented()


def call(simulator: RunningSimulator, operation: str, arguments: dict[str, Any], region: str = "us-east-1") -> Any:
    """Call an operation. botocore's own checks of the arguments are off, so that the simulator's checks are tested."""
    service = OPERATIONS[operation].service_model.service_name
    client = simulator.boto(service, region=region, parameter_validation=False)
    method = next(method for method, name in client.meta.method_to_api_mapping.items() if name == operation)
    return getattr(client, method)(**arguments)
