"""Every worker loads the DAG file of its task, so the file imports only what all tasks need."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from include.distill.core.paths import PROJECT_ROOT
from tests.fakes.variables import VARIABLES

LOAD = "import json, runpy, sys; runpy.run_path('dags/distill.py'); print(json.dumps(sorted(sys.modules)))"
# The code of single steps: of synthesize, curate, ingest, judge, merge and report, and of the reports to OpenLineage.
OF_ONE_STEP = (
    "bedrock_distill.lineage.facets",
    "bedrock_distill.lineage.result_steps",
    "include.distill.grounding",
    "include.distill.curation.filters",
    "include.distill.dataset.ingestion",
    "include.distill.evaluation.judge",
    "include.distill.training.training_set",
    "include.distill.report.html",
    "include.distill.report.schema",
    "numpy",
    "scipy",
    "pandas",
)


def test_a_worker_does_not_import_the_code_of_other_steps() -> None:
    environment = {**os.environ, **VARIABLES, "PYTHONPATH": f"{PROJECT_ROOT}{os.pathsep}{PROJECT_ROOT / 'plugins'}"}
    loaded = subprocess.run(
        [sys.executable, "-c", LOAD], cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert loaded.returncode == 0, loaded.stderr
    modules = json.loads(loaded.stdout.splitlines()[-1])
    assert "bedrock_distill.operators.report" in modules
    assert [name for name in modules if f"{name}.".startswith(tuple(f"{step}." for step in OF_ONE_STEP))] == []
