from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tools.aws_simulator.testing import start_simulator


def test_a_session_has_the_rights_of_its_role(tmp_path: Path) -> None:
    with start_simulator(tmp_path, policies=[], callers={"run": "airflow"}) as simulator:
        simulator.boto("s3").create_bucket(Bucket="data")
        with pytest.raises(ClientError, match="assumed-role/airflow/run is not authorized to perform: s3:ListBucket"):
            simulator.boto("s3", access_key="run").list_objects_v2(Bucket="data")


def test_without_policies_every_caller_may_do_everything(tmp_path: Path) -> None:
    with start_simulator(tmp_path, callers={"run": "airflow"}) as simulator:
        for key in ("run", "stranger"):
            s3 = simulator.boto("s3", access_key=key)
            s3.create_bucket(Bucket=f"data-{key}")
            assert s3.list_objects_v2(Bucket=f"data-{key}")["KeyCount"] == 0
        assert simulator.admin("GET", "access") == []
