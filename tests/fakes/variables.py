"""Define the environment variables that the shipped use cases need."""

from __future__ import annotations

from tools.local_airflow.settings import LOCAL_INSTALLATION

VARIABLES = {
    **LOCAL_INSTALLATION,
    "DISTILL_ENVIRONMENT": "test",
    "DISTILL_ROLE_ARN": "arn:aws:iam::123456789012:role/bedrock-distill-customization",
}
