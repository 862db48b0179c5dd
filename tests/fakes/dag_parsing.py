"""Parse the project's DAG files as Airflow does, without the network and with additional use-case files."""

from __future__ import annotations

import functools
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from jsonschema import Draft202012Validator

from include.distill.config import loader
from include.distill.config.loader import USE_CASES_FOLDER, load_use_cases
from include.distill.core.paths import PROJECT_ROOT


class NetworkError(AssertionError):
    """Raised if a DAG file uses the network while it is parsed."""


def parse(monkeypatch: pytest.MonkeyPatch) -> DagBag:
    def refuse(_: socket.socket, address: Any) -> None:
        raise NetworkError(f"{address} while parsing")

    with monkeypatch.context() as patch:
        # A test may parse hundreds of use cases on a busy machine.
        patch.setenv("AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT", "900")
        check_equal_schemas_once(patch)
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket.socket, "connect_ex", refuse)
        return DagBag(dag_folder=str(PROJECT_ROOT / "dags"))


def check_equal_schemas_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save minutes: the forms of all use cases have nearly the same fields, and each field has a JSON schema."""
    check, checked = Draft202012Validator.check_schema, set[str]()

    def check_once(schema: Any) -> None:
        if (text := json.dumps(schema, sort_keys=True)) not in checked:
            check(schema)
            checked.add(text)

    monkeypatch.setattr(Draft202012Validator, "check_schema", check_once)


def with_use_cases(monkeypatch: pytest.MonkeyPatch, folder: Path, **files: Any) -> DagBag:
    """Parse the DAGs with the sample use case and additional use-case files."""
    sample = (USE_CASES_FOLDER / "aws_docs_qa.yaml").read_text(encoding="utf-8")
    (folder / "aws_docs_qa.yaml").write_text(sample, encoding="utf-8")
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    # Each DAG file reads all use cases. Here, one process reads the DAG files.
    monkeypatch.setattr(loader, "load_use_cases", functools.cache(functools.partial(load_use_cases, folder)))
    return parse(monkeypatch)
