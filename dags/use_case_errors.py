"""Shows broken use cases as an Airflow DAG import error, and takes no DAG of a good one down."""

from __future__ import annotations

from include.distill.config.loader import load_use_cases
from include.distill.core.errors import UseCaseError

if problems := load_use_cases().problems:
    raise UseCaseError("Broken use cases (the others run):\n" + "\n".join(problems))
