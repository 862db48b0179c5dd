"""
Build the environment variables of the local processes, without any setting that belongs to a real AWS account.

Exported credentials, profiles and Airflow settings for real work are dropped. All AWS endpoints are on loopback, and
boto3 reads no configuration file. So a local run cannot reach a real account.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tools.local_airflow.callers import CONNECTION_VARIABLES, OWNER_KEY, RUN, SECRET_KEY, connection_variables
from tools.local_airflow.metrics import metrics_settings
from tools.local_airflow.ports import LOOPBACK
from tools.local_airflow.process_table import MARKER
from tools.local_airflow.settings import LOCAL_INSTALLATION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tools.local_airflow.ports import Ports
    from tools.local_airflow.settings import Layout

DROPPED_PREFIXES = ("AWS_", "AIRFLOW_", "AIRFLOW__", "_AIRFLOW", "BOTO", "DISTILL_", "PYTHON")
DROPPED = ("CSV", "USE_CASE", "DOCUMENTS", "EVALUATION", "APPROVE", "AS_OF", "MAKEFLAGS", "MFLAGS", "MAKELEVEL")
POLL_SECONDS = 3  # the AWS simulator's jobs end within seconds
PARALLELISM = 8  # with Airflow's default of 32, SQLite fails with "database is locked"
IMPORT_SECONDS = 300
REGION = "us-east-1"


def build_environment(
    inherited: Mapping[str, str],
    *,
    layout: Layout,
    ports: Ports,
    keys: Mapping[str, str],
    schedules: Literal["off", "housekeeping"],
    input_roots: Sequence[Path] = (),
) -> dict[str, str]:
    """
    Build all environment variables of Airflow, its tasks and the AWS simulator.

    :param schedules: ``off`` disables every schedule, so that only the triggered run starts; ``housekeeping``
        disables only the schedules of use cases.
    :param input_roots: folders outside the project that the pipeline may read CSV files from.
    """
    kept = {name: value for name, value in inherited.items() if not _is_dropped(name)}
    return {
        **kept,
        **_process_settings(kept, layout),
        **_airflow_settings(layout, ports, keys),
        **metrics_settings(inherited),
        **aws_settings(ports, access_key=RUN),  # the owner's key is only for the tools
        **LOCAL_INSTALLATION,
        **CONNECTION_VARIABLES,
        "DISTILL_SCHEDULES": schedules,
        "DISTILL_ALLOWED_HOSTS": "localhost",  # Airflow has no login here, so it refuses requests to other host names
        **({"DISTILL_INPUT_ROOTS": os.pathsep.join(map(str, input_roots))} if input_roots else {}),
    }


def load_keys(path: Path) -> dict[str, str]:
    """Read this checkout's generated secrets from their file, or create the file, which only its owner can read."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        keys = {
            "jwt_secret": secrets.token_urlsafe(72),  # HS512 needs at least 64 bytes
            "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "api_secret": secrets.token_urlsafe(32),
        }
        draft = path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(keys, file)
        draft.replace(path)
    loaded: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def aws_settings(ports: Ports, *, access_key: str = OWNER_KEY) -> dict[str, str]:
    """Return settings that send every AWS client to the AWS simulator, with an access key that is valid only there."""
    endpoints = (
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL_BEDROCK",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
    )
    return {
        **dict.fromkeys(endpoints, ports.simulator_url),
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": f"{LOOPBACK},localhost",
        "no_proxy": f"{LOOPBACK},localhost",
    }


def _is_dropped(name: str) -> bool:
    return name in DROPPED or name.startswith(DROPPED_PREFIXES)


def _process_settings(kept: Mapping[str, str], layout: Layout) -> dict[str, str]:
    return {
        MARKER: str(layout.state),
        "SPT_NOENV": "1",  # otherwise Airflow overwrites the marker when it renames its processes
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]),
        "PYTHONPATH": str(layout.project),
        "PYTHONUNBUFFERED": "1",
        "DISTILL_POLL_SECONDS": str(POLL_SECONDS),
        "NO_COLOR": "1",  # the output goes to log files
    }


def _airflow_settings(layout: Layout, ports: Ports, keys: Mapping[str, str]) -> dict[str, str]:
    settings = {
        "CORE__DAGS_FOLDER": layout.dags,
        "CORE__PLUGINS_FOLDER": layout.project / "plugins",
        "CORE__LOAD_EXAMPLES": False,
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": PARALLELISM,
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": False,
        "CORE__FERNET_KEY": keys["fernet_key"],
        # On a busy machine, importing Airflow's providers alone can take longer than the defaults of 30 and 50 seconds.
        "CORE__DAGBAG_IMPORT_TIMEOUT": IMPORT_SECONDS,
        "DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": 2 * IMPORT_SECONDS,
        "CORE__HOSTNAME_CALLABLE": "socket.gethostname",  # the default needs DNS
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": True,  # no login: the server listens on loopback only
        "CORE__EXECUTION_API_SERVER_URL": f"{ports.ui_url}/execution/",
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{layout.database}?timeout=30",
        "DATABASE__LOAD_DEFAULT_CONNECTIONS": False,
        "API__HOST": LOOPBACK,
        "API__PORT": ports.api,
        "API__BASE_URL": ports.ui_url,
        "API__WORKERS": 1,
        "API__MAXIMUM_PAGE_LIMIT": 1000,
        "API__DEFAULT_WRAP": True,  # otherwise the log page cuts off long lines, such as the end of an error
        "API__SECRET_KEY": keys["api_secret"],
        "API_AUTH__JWT_SECRET": keys["jwt_secret"],
        "WORKERS__EXECUTION_API_TIMEOUT": 30,
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": 0.5,
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": 30,  # so that a restarted scheduler soon starts lost tasks again
        "DAG_PROCESSOR__REFRESH_INTERVAL": 10,
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": 10,
        "LOGGING__BASE_LOG_FOLDER": layout.task_logs,
        "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": layout.logs / "dag_processor",
        "LOGGING__COLORED_CONSOLE_LOG": False,
        "USAGE_DATA_COLLECTION__ENABLED": False,
    }
    return {
        "AIRFLOW_HOME": str(layout.airflow_home),
        **connection_variables(REGION),
        **{f"AIRFLOW__{name}": str(value) for name, value in settings.items()},
    }
