"""A few cases of the crash table through real Airflow processes: bought once, always released."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from include.distill.core.paths import PROJECT_ROOT


@pytest.mark.e2e
def test_every_case_of_the_fast_subset_buys_once_and_leaves_nothing_billed(tmp_path: Path) -> None:
    result = tmp_path / "chaos.json"
    run = subprocess.run(
        [sys.executable, "-m", "tools.chaos", "--fast", "--state", str(tmp_path / "chaos"), "--out", str(result)],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    cases = json.loads(result.read_text())["cases"]
    assert len(cases) == 4
    for case in cases:
        assert case["ok"], case
        assert (case["jobs"], case["throughputs"]) == (case["expected_jobs"], case["expected_throughputs"])
        assert case["alive_at_end"] == 0
        assert case["repaid"] <= case["in_flight"]
