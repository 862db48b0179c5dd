"""The environment leads to no real account."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import pytest

from tools.simulate.environment import ENDPOINT, prepare, variables


def test_prepare_removes_real_credentials_and_sets_a_closed_endpoint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environ = {"AWS_PROFILE": "real", "AIRFLOW_CONN_AWS_OTHER": "aws://key:secret@", "HOME": "kept"}
    monkeypatch.setattr(os, "environ", environ)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(logging, "disable", lambda level: None)
    prepare(tmp_path)
    assert "AWS_PROFILE" not in environ
    assert "AIRFLOW_CONN_AWS_OTHER" not in environ
    assert environ["HOME"] == "kept"
    assert "127.0.0.1" in environ["AIRFLOW_CONN_AWS_DEFAULT"]


def test_the_pipeline_may_read_the_folder(tmp_path: Path) -> None:
    assert variables(tmp_path)["DISTILL_INPUT_ROOTS"] == str(tmp_path)
    assert ENDPOINT.startswith("http://127.0.0.1")
