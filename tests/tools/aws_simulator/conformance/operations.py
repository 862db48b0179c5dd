"""Define what the conformance tests share: the implemented operations, and botocore's models of them."""

from __future__ import annotations

import inspect
from typing import Any

from botocore.model import OperationModel

from tests.fakes.aws_simulator import RunningSimulator
from tools.aws_simulator.protocol.specification import SERVICES, load_service
from tools.aws_simulator.server.app import _handlers


class _Anything:
    def __getattr__(self, name: str) -> str:
        return name


def implemented() -> dict[str, OperationModel]:
    """Return botocore's models of the implemented operations of Bedrock, by name."""
    names = set(_handlers(*[_Anything()] * len(inspect.signature(_handlers).parameters)))
    services = [load_service(name) for name in SERVICES]
    return {
        name: service.operation_model(name) for service in services for name in service.operation_names if name in names
    }


OPERATIONS = implemented()


def call(simulator: RunningSimulator, operation: str, arguments: dict[str, Any], region: str = "us-east-1") -> Any:
    """Call an operation. botocore's own checks of the arguments are off, so that the simulator's checks are tested."""
    service = OPERATIONS[operation].service_model.service_name
    client = simulator.boto(service, region=region, parameter_validation=False)
    method = next(method for method, name in client.meta.method_to_api_mapping.items() if name == operation)
    return getattr(client, method)(**arguments)
