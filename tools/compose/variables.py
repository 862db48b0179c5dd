"""Create the ``.env`` variables for ``make celery``: new secrets, and the address of the AWS simulator."""

from __future__ import annotations

import base64
import secrets

from tools.local_airflow.callers import CONNECTION_VARIABLES, RUN, SECRET_KEY, connection_variables
from tools.local_airflow.settings import LOCAL_INSTALLATION

SIMULATOR_URL = "http://aws-simulator:8090"
REGION = "us-east-1"
POLL_SECONDS = 3  # the AWS simulator's jobs end within seconds
TASKS_PER_WORKER = 4  # two workers then run as many tasks at the same time as `make run`
ADMIN = "admin"


def new_variables() -> dict[str, str]:
    """Return the variables that ``docker-compose.yaml`` needs, with secrets created as ``.env.example`` recommends."""
    return {
        "FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "JWT_SECRET": secrets.token_hex(64),
        "API_SECRET_KEY": secrets.token_hex(32),
        "POSTGRES_PASSWORD": secrets.token_hex(24),
        "REDIS_PASSWORD": secrets.token_hex(24),
        "ADMIN_USER": ADMIN,
        "ADMIN_PASSWORD": secrets.token_urlsafe(18),
        "WORKER_CONCURRENCY": str(TASKS_PER_WORKER),
        "AWS_ENDPOINT_URL": SIMULATOR_URL,
        "AWS_ACCESS_KEY_ID": RUN,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        **connection_variables(REGION),
        **LOCAL_INSTALLATION,
        **CONNECTION_VARIABLES,
        "DISTILL_POLL_SECONDS": str(POLL_SECONDS),
        "DISTILL_SCHEDULES": "off",  # only the triggered run should start
    }
