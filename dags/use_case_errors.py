"""Show broken use cases as a DAG import error in Airflow. The DAGs of all other use cases still load."""

from __future__ import annotations

from include.distill.config.loader import load_use_cases
from include.distill.core.errors import UseCaseError

if problems := load_use_cases().problems:
    raise UseCaseError("Broken use cases (the DAGs of all other use cases still load):\n" + "\n".join(problems))
