"""
Describe Airflow's pools for MWAA, where no command of Airflow can be run on a file.

One request to Airflow's REST API creates all pools, and applies the settings to those that exist. MWAA passes the
request on (``aws mwaa invoke-rest-api``), so a person needs no password of Airflow.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypedDict

from include.distill.config.use_case import UseCase
from include.distill.inference.pools import required_pools


class Pool(TypedDict):
    """A pool in a request to Airflow's REST API."""

    name: str
    slots: int
    description: str
    include_deferred: bool


class CreatePools(TypedDict):
    """One action of the request: create pools, and overwrite those that exist."""

    action: Literal["create"]
    action_on_existence: Literal["overwrite"]
    entities: list[Pool]


class PoolsRequest(TypedDict):
    """The body of a request that changes several pools."""

    actions: list[CreatePools]


PATH = "/pools"
FILE = "pools.json"
SCRIPT = f"""\
#!/bin/sh
# Create the Airflow pools of the pipeline in an MWAA environment, and apply their sizes to those that exist.
#   ./create_pools.sh ENVIRONMENT
# The AWS CLI's credentials need the action airflow:InvokeRestApi on the environment's role Op or Admin.
set -eu
if [ "$#" -ne 1 ]; then
  echo "Usage: $0 ENVIRONMENT (the name of the MWAA environment). No pool was created." >&2
  exit 2
fi
aws mwaa invoke-rest-api --name "$1" --method PATCH --path {PATH} --body "file://$(dirname "$0")/{FILE}"
"""


def pools_request(use_cases: Iterable[UseCase]) -> PoolsRequest:
    """Return the body of the request that creates the pools of the use cases."""
    pools: list[Pool] = [{"name": name, **pool} for name, pool in required_pools(use_cases).items()]
    return {"actions": [{"action": "create", "action_on_existence": "overwrite", "entities": pools}]}
