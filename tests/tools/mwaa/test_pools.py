from __future__ import annotations

import os
import subprocess
from pathlib import Path

import botocore.session
import pytest
from airflow.api_fastapi.core_api.datamodels.common import BulkBody
from airflow.api_fastapi.core_api.datamodels.pools import PoolBody

from include.distill.config.use_case import UseCase
from include.distill.inference.pools import required_pools
from tools.mwaa.pools import PATH, SCRIPT, pools_request


def test_airflow_accepts_the_request_and_it_creates_every_pool(use_case: UseCase) -> None:
    body = BulkBody[PoolBody].model_validate(pools_request([use_case]))
    [action] = body.actions
    created = {pool.pool: pool.slots for pool in action.entities}
    assert created == {name: pool["slots"] for name, pool in required_pools([use_case]).items()}
    assert len(created) >= 2


def run_script(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script with a program ``aws`` that prints its arguments."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "aws").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (programs / "aws").chmod(0o755)
    (folder / "create_pools.sh").write_text(SCRIPT)
    path = {"PATH": f"{programs}:{os.environ['PATH']}"}
    return subprocess.run(
        ["sh", str(folder / "create_pools.sh"), *arguments], capture_output=True, text=True, env=path, check=False
    )


def test_the_script_sends_one_request_that_aws_accepts(tmp_path: Path) -> None:
    command, operation, *options = run_script(tmp_path, "my-environment").stdout.split()
    assert (command, operation) == ("mwaa", "invoke-rest-api")
    assert options == [
        "--name",
        "my-environment",
        "--method",
        "PATCH",
        "--path",
        PATH,
        "--body",
        f"file://{tmp_path}/pools.json",
    ]
    shape = botocore.session.get_session().get_service_model("mwaa").operation_model("InvokeRestApi").input_shape
    assert shape is not None
    assert {"Name", "Method", "Path", "Body"} <= shape.members.keys()
    assert "PATCH" in shape.members["Method"].enum


@pytest.mark.parametrize("arguments", [(), ("a", "b")])
def test_the_script_needs_the_name_of_one_environment(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run_script(tmp_path, *arguments)
    assert done.returncode == 2
    assert "No pool was created" in done.stderr
