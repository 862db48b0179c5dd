"""Define the environment variables that the shipped use cases need."""

from __future__ import annotations

from tools.local_airflow.settings import LOCAL_INSTALLATION

VARIABLES = {**LOCAL_INSTALLATION, "DISTILL_ENVIRONMENT": "test"}
