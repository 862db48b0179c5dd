from __future__ import annotations

import pytest

from tools.aws_simulator.protocol import errors
from tools.aws_simulator.protocol.errors import UNMODELLED_STATUS, ApiError, ThrottlingException
from tools.aws_simulator.protocol.specification import Specification

ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ApiError)]
ERRORS.remove(ApiError)
DECLARED = {shape.name for route in Specification().routes for shape in route.operation.error_shapes}


def test_the_code_of_an_error_is_its_name_in_the_service_model() -> None:
    error = ThrottlingException("Too many requests")
    assert (error.code, str(error)) == ("ThrottlingException", "Too many requests")
    assert error.code in DECLARED


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_error_has_a_status(error: type[ApiError]) -> None:
    """Check that an operation of AWS's model declares the error or that the table has its status."""
    assert error.__name__ in DECLARED | UNMODELLED_STATUS.keys()
