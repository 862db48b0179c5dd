"""
Prepare the environment of the process. Import nothing of Airflow or of the plugins before :func:`prepare` has run.

The simulation needs no database, no scheduler and no network: the endpoint in the connection is a closed port.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from include.distill.core.paths import PROJECT_ROOT

ENDPOINT = "http://127.0.0.1:9"
ROLE = "arn:aws:iam::123456789012:role/simulated-jobs"
TRAINING_BUCKET, OUTPUT_BUCKET = "simulated-training", "simulated-output"
_CONNECTION = f"aws://any:any@?region_name=us-east-1&endpoint_url={ENDPOINT.replace(':', '%3A').replace('/', '%2F')}"


def prepare(folder: Path) -> None:
    """Set the variables that Airflow, botocore and the pipeline read, and make the plugins importable.

    :param folder: an empty folder, which becomes Airflow's home.
    """
    for name in [name for name in os.environ if name.startswith(("AWS_", "AIRFLOW_CONN_"))]:
        del os.environ[name]
    os.environ |= {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT_ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "CRITICAL",
        "DISTILL_SCHEDULES": "off",
        **variables(folder),
    }
    plugins = str(PROJECT_ROOT / "plugins")
    if plugins not in sys.path:
        sys.path.insert(0, plugins)
    logging.disable(logging.CRITICAL)


def variables(folder: Path) -> dict[str, str]:
    """Return the variables that connect the pipeline to the simulated account."""
    return {
        "AIRFLOW_CONN_AWS_DEFAULT": _CONNECTION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "DISTILL_ENVIRONMENT": "simulated",
        "DISTILL_INPUT_ROOTS": str(folder),
        "DISTILL_ROLE_ARN": ROLE,
        "DISTILL_TRAINING_BUCKET": TRAINING_BUCKET,
        "DISTILL_OUTPUT_BUCKET": OUTPUT_BUCKET,
    }
