"""Define the environment variables that the shipped use cases need."""

from __future__ import annotations

VARIABLES = {"DISTILL_ENVIRONMENT": "test"}
