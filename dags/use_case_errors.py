"""Shows broken use cases as an Airflow DAG import error, and takes no DAG of a good one down."""

from __future__ import annotations

from include.distill.errors import UseCaseError
from include.distill.use_case_files import load_use_cases

if problems := load_use_cases().problems:
    raise UseCaseError("Broken use cases (the others run):\n" + "\n".join(problems))
