"""
Print the Airflow pools that the use cases need, as JSON for ``airflow pools import``.

Usage: ``python -m include.distill.pools``. With ``--airflow-settings``, the pools are printed as the file
``airflow_settings.yaml`` of the Astro CLI.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import TypedDict

import yaml

from include.distill.config.check import load_with_placeholders
from include.distill.config.environment import environment_name
from include.distill.config.loader import load_use_cases
from include.distill.core.errors import UseCaseError
from include.distill.inference.pools import PoolSettings, required_pools


class AstroPool(TypedDict):
    """A pool in ``airflow_settings.yaml``."""

    pool_name: str
    pool_slot: int
    pool_description: str


def main(arguments: Sequence[str] = ()) -> int:
    """
    Print the pools. Return 2 if the environment has no name, because then no use case is valid.

    A broken use case is reported. The pools of the other use cases are still printed, because docker-compose.yaml
    imports them before Airflow starts.
    """
    parser = argparse.ArgumentParser(prog="python -m include.distill.pools", description="Print the Airflow pools.")
    parser.add_argument("--airflow-settings", action="store_true", help="print airflow_settings.yaml of the Astro CLI")
    options = parser.parse_args(list(arguments))
    try:
        environment_name()
    except UseCaseError as error:
        problem = next(iter(load_use_cases().problems), error)  # also names the other variables that are not set
        sys.stderr.write(f"No pool was printed: {problem}\n")
        for problem in load_with_placeholders().problems:
            sys.stderr.write(f"There is another problem: {problem}\n")
        return 2
    use_cases = load_use_cases()
    for problem in use_cases.problems:
        sys.stderr.write(f"The pools of a broken use case are left out: {problem}\n")
    pools = required_pools(use_cases.valid)
    if options.airflow_settings:
        yaml.safe_dump(airflow_settings(pools), sys.stdout, sort_keys=False, width=1000)
    else:
        json.dump(pools, sys.stdout, indent=2)
    return 0


def airflow_settings(pools: Mapping[str, PoolSettings]) -> dict[str, dict[str, list[AstroPool]]]:
    """Return the content of ``airflow_settings.yaml`` with these pools."""
    entries: list[AstroPool] = [
        {"pool_name": name, "pool_slot": settings["slots"], "pool_description": settings["description"]}
        for name, settings in pools.items()
    ]
    return {"airflow": {"pools": entries}}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
