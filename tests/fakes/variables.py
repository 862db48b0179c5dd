"""Define the environment variables that the shipped use cases need."""

from __future__ import annotations

from tools.local_airflow.settings import SIMULATED_DEPLOYMENT

VARIABLES = {**SIMULATED_DEPLOYMENT, "DISTILL_ENVIRONMENT": "test"}
