"""A measured process cannot reach a real account, and its error explains why it failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.benchmarks.bench import Bench
from tools.benchmarks.processes import MeasurementError, run, script_environment


@pytest.mark.e2e
def test_a_measured_process_that_fails_says_why(bench: Bench) -> None:
    with pytest.raises(MeasurementError, match=r"nothing was measured(?s:.*)s3://bench-training\S* does not exist"):
        run("synthesis_process.py", bench.fresh_folder("empty"), endpoint=bench.model.url, state=bench.state)


def test_no_setting_of_a_real_account_reaches_a_measured_process(tmp_path: Path) -> None:
    real = {"AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "real", "AIRFLOW_HOME": "/real", "LANG": "C"}
    environment = script_environment(real, endpoint="http://127.0.0.1:9", state=tmp_path)
    assert {"AWS_PROFILE", "AWS_SESSION_TOKEN"}.isdisjoint(environment)
    assert environment["AIRFLOW_HOME"] == str(tmp_path / "airflow")
    assert (environment["AWS_ENDPOINT_URL"], environment["LANG"]) == ("http://127.0.0.1:9", "C")
