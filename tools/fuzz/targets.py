"""List all targets. Importing this module imports the pipeline's readers, Airflow's hooks and botocore."""

from __future__ import annotations

from tools.fuzz import answer_targets, api_target, csv_targets, job_targets, use_case_target
from tools.fuzz.contract import Target

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (csv_targets, answer_targets, job_targets, use_case_target, api_target)
    for target in module.TARGETS
}


def divide(inputs: int, targets: list[Target]) -> dict[str, int]:
    """Divide a number of inputs among targets by their shares. Each target gets at least one."""
    shares = sum(target.share for target in targets)
    return {target.name: max(1, inputs * target.share // shares) for target in targets}
