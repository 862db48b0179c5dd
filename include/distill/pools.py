"""
Print the Airflow pools that the use cases need, as JSON for ``airflow pools import``.

Usage: ``python -m include.distill.pools``
"""

from __future__ import annotations

import json
import sys

from include.distill.config.check import load_with_placeholders
from include.distill.config.environment import environment_name
from include.distill.config.loader import load_use_cases
from include.distill.core.errors import UseCaseError
from include.distill.inference.pools import required_pools


def main() -> int:
    """
    Print the pools. Return 2 if the environment has no name, because then no use case is valid.

    A broken use case is reported. The pools of the other use cases are still printed, because docker-compose.yaml
    imports them before Airflow starts.
    """
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
    json.dump(required_pools(use_cases.valid), sys.stdout, indent=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
