"""
Name the callers of the simulated account, and the stacks whose policies say what they may do.

Airflow has an access key for each kind of work, as an installation on AWS has roles. The tools act as the account's
owner, because they do what a person does in the AWS console.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from include.distill.core.paths import PROJECT_ROOT

_FOLDER = PROJECT_ROOT / "tools" / "local_airflow"
STACKS = (_FOLDER / "stack_deployment.yaml", _FOLDER / "stack_deployment_us_west_2.yaml")
OWNER_KEY = "testing"
SECRET_KEY = "testing"  # noqa: S105 the simulator accepts any
# An access key of a role has the role's name. The stack gives each role its policies.
RUN, PROMOTION, CLEAN_UP, CHECK = ROLES = ("distill-run", "distill-promotion", "distill-clean-up", "distill-check")
PROMOTION_CONNECTION, CLEAN_UP_CONNECTION, CHECK_CONNECTION = "aws_promotion", "aws_clean_up", "aws_check"
CONNECTIONS = {
    "aws_default": RUN,
    PROMOTION_CONNECTION: PROMOTION,
    CLEAN_UP_CONNECTION: CLEAN_UP,
    CHECK_CONNECTION: CHECK,
}
# The shipped use cases and the check of the account read the names of their connections from these variables.
CONNECTION_VARIABLES = {
    "DISTILL_PROMOTION_CONN_ID": PROMOTION_CONNECTION,
    "DISTILL_CLEAN_UP_CONN_ID": CLEAN_UP_CONNECTION,
    "DISTILL_CHECK_CONN_ID": CHECK_CONNECTION,
}


def account_options(stacks: Sequence[Path] = STACKS) -> list[str]:
    """Return the options with which the AWS simulator enforces the policies of stacks."""
    callers = [f"{OWNER_KEY}=root", *(f"{role}={role}" for role in ROLES)]
    return [
        *(part for stack in stacks for part in ("--policies", str(stack))),
        *(part for caller in callers for part in ("--caller", caller)),
    ]


def connection_uri(access_key: str, region: str, endpoint_url: str = "") -> str:
    """Return an Airflow connection with an access key of the simulated account, in Airflow's URI format."""
    endpoint = f"&endpoint_url={quote(endpoint_url, safe='')}" if endpoint_url else ""
    return f"aws://{access_key}:{SECRET_KEY}@?region_name={region}{endpoint}"


def connection_variables(region: str) -> dict[str, str]:
    """Return the environment variables that define Airflow's connections."""
    return {f"AIRFLOW_CONN_{name.upper()}": connection_uri(key, region) for name, key in CONNECTIONS.items()}
