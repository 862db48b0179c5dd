"""The target notices a message that does not name the file, and any other exception."""

from __future__ import annotations

from typing import NoReturn

import pytest

from include.distill.core.errors import UseCaseError
from tools.fuzz import use_case_target
from tools.fuzz.contract import BrokenContractError


def raising(error: Exception) -> object:
    def load(*_: object) -> NoReturn:
        raise error

    return load


@pytest.mark.parametrize(
    ("error", "noticed"),
    [
        (UseCaseError("the name is wrong"), BrokenContractError),
        (UseCaseError("mutated.yaml: \ud800"), BrokenContractError),
        (RecursionError(), RecursionError),
    ],
)
def test_only_an_error_that_names_the_file_is_accepted(
    monkeypatch: pytest.MonkeyPatch, error: Exception, noticed: type[Exception]
) -> None:
    monkeypatch.setattr(use_case_target, "load_use_case", raising(error))
    with pytest.raises(noticed):
        use_case_target.load_file(b"name: x")
