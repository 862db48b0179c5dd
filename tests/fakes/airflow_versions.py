"""What differs between the versions of Airflow on which the unit tests run: 3.2 and 3.3."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import exceptions

from bedrock_distill.policies.retry import HAS_POLICIES, RETRY_POLICY

needs_policies = pytest.mark.skipif(not HAS_POLICIES, reason="Airflow 3.2 has no retry policies")
# The argument of an operator. Airflow 3.2 refuses an operator with an unknown argument.
WITH_POLICY: dict[str, Any] = {"retry_policy": RETRY_POLICY} if HAS_POLICIES else {}
# How a task that asks a person ends its first part. On Airflow 3.2, it waits in the triggerer.
WAITS_FOR_PERSON: Any = getattr(exceptions, "TaskAwaitingInput", exceptions.TaskDeferred)
