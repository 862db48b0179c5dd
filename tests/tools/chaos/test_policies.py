"""The stack of the simulated accounts has the template's policies, and they cover every case."""

from __future__ import annotations

from pathlib import Path

from include.distill.config.loader import load_use_cases
from tools.aws_simulator.stacks.deployments import render_deployment
from tools.chaos.fixtures import ROLE, write_use_case
from tools.chaos.policies import write_stack


def test_every_case_is_in_the_buckets_and_below_a_prefix_of_the_stack(tmp_path: Path) -> None:
    stack, _ = render_deployment(write_stack(tmp_path / "policies"))
    outputs = stack.outputs
    (tmp_path / "use_cases").mkdir()
    write_use_case(tmp_path / "use_cases", "c01", {})
    environment = {"DISTILL_ENVIRONMENT": outputs["EnvironmentName"]}
    (use_case,) = load_use_cases(tmp_path / "use_cases", environment).valid
    storage = use_case.storage
    assert (storage.training_bucket, storage.output_bucket) == (outputs["TrainingBucket"], outputs["OutputBucket"])
    assert storage.prefix.startswith(outputs["Prefix"].removesuffix("*"))
    assert outputs["Prefix"].endswith("*")
    assert use_case.aws.role_arn == outputs["JobsRoleArn"] == ROLE
