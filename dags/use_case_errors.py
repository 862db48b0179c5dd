"""Show broken use cases as a DAG import error in Airflow. The DAGs of all other use cases still load."""

from __future__ import annotations

import runpy
from pathlib import Path

from include.distill.config.loader import load_use_cases
from include.distill.core.errors import UseCaseError

# Some problems appear only when distill.py or label_sample.py creates a DAG. These two files cannot show such problems
# themselves, because a file with an import error loads no DAG. This file therefore runs them and collects the problems.
# Their DAGs are not registered a second time, because this file has no variable that contains the DAGs.
problems = list(load_use_cases().problems)
for name in ("distill.py", "label_sample.py"):
    problems += runpy.run_path(str(Path(__file__).with_name(name)))["PROBLEMS"]
if problems:
    raise UseCaseError("Broken use cases (the DAGs of all other use cases still load):\n" + "\n".join(problems))
