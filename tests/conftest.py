"""Set Airflow's environment before anything imports Airflow, so that tests cannot reach real services."""

from __future__ import annotations

import functools
import inspect
import os
from pathlib import Path

import botocore.loaders
import pytest
from hypothesis import settings
from jsonschema import Draft202012Validator

from tests.fakes.airflow_home import AirflowHome, sweep
from tests.fakes.clock import Clock
from tests.fakes.schemas import once_for_each_schema
from tests.fakes.stack import stack_without_sources
from tests.fakes.variables import VARIABLES

PROJECT = Path(__file__).parents[1]

sweep()
airflow_home = AirflowHome()
os.environ.update(
    {
        "AIRFLOW_HOME": str(airflow_home.path),
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

# botocore makes a loader for each session, and each loader parses the same large files. One loader is enough for all
# tests of a process: without it, a test that makes a client needs about 0.2 s more.
botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)

# For the user agent of each new client, Airflow's hook looks in the stack for the operator that makes it. inspect.stack
# also looks for the file and the source of each frame, which Airflow does not use. In the deep stack of a test, this
# takes as long as the rest of making a client.
inspect.stack = stack_without_sources

# Airflow checks the schema of each parameter of a DAG whenever it copies, compares or stores the parameter. All DAGs
# have the same few schemas, so each of them is checked once.
Draft202012Validator.check_schema = once_for_each_schema(Draft202012Validator.check_schema)

# On a busy machine, an example can take long. So Hypothesis must not limit the time of an example.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")


@pytest.fixture
def clock() -> Clock:
    """A clock that moves only when the test moves it."""
    return Clock()


def pytest_unconfigure() -> None:
    """Remove the Airflow home of this process."""
    airflow_home.remove()
