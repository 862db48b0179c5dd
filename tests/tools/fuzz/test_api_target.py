"""The target reads what botocore parsed, and notices errors that the pipeline does not name."""

from __future__ import annotations

import pytest

from tools.fuzz import api_target


def test_the_examples_of_all_operations_are_read_without_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    for name, reader in dict(api_target._READERS).items():

        def noted(hook: object, reader: object = reader, name: str = name) -> None:
            reader(hook)  # type: ignore[operator]
            read.append(name)

        monkeypatch.setitem(api_target._READERS, name, noted)
    for seed in api_target.TARGETS[0].seeds:
        api_target.read_response(seed)
    assert read == list(api_target._READERS)


def test_an_error_without_a_name_of_its_own_is_not_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(api_target._READERS, "GetCustomModel", lambda hook: {}["modelArn"])
    with pytest.raises(KeyError):
        api_target.read_response(b"GetCustomModel\n{}")
