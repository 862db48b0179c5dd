"""Set Airflow's environment before anything imports Airflow, so that tests cannot reach real services."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import settings

from tests.fakes.variables import VARIABLES

PROJECT = Path(__file__).parents[1]

os.environ.update(
    {
        "AIRFLOW_HOME": tempfile.mkdtemp(prefix="bedrock-distill-airflow-"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        **VARIABLES,
    }
)
for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "DISTILL_SCHEDULES"):
    os.environ.pop(name, None)

# On a busy machine, an example can take long. So Hypothesis must not limit the time of an example.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")
