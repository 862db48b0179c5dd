"""Create the stack of the template in the account of the AWS simulator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.deploy.stack_under_test import EVERYTHING, REQUIRED, write_deployment
from tools.aws_simulator.testing import RunningSimulator, start_simulator

ROLES = ("distill-run", "distill-promotion", "distill-clean-up", "distill-check")
LIMITS = {
    "Resources": {
        "Limits": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "ManagedPolicyName": "limits",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": ["s3:*", "bedrock:*"], "Resource": "*"}],
                },
            },
        }
    }
}


def files(folder: Path, parameters: dict[str, str]) -> list[Path]:
    """Write the stack deployment file of the template, and the template of the permissions boundary."""
    limits = folder / "limits.json"
    limits.write_text(json.dumps(LIMITS))
    return [limits, write_deployment(folder / "prod.json", parameters)]


def attached(simulator: RunningSimulator, role: str) -> list[str]:
    answer = simulator.boto("iam").list_attached_role_policies(RoleName=role)
    return [policy["PolicyName"] for policy in answer["AttachedPolicies"]]


@pytest.mark.parametrize("parameters", [REQUIRED, EVERYTHING], ids=["required parameters", "every option"])
def test_the_stack_can_be_created_and_updated(tmp_path: Path, parameters: dict[str, str]) -> None:
    policies = files(tmp_path, parameters)
    role = f"bedrock-distill-{parameters['Environment']}{parameters.get('NameSuffix', '')}-jobs"
    for _ in range(2):
        with start_simulator(
            tmp_path / "state", policies=policies, callers={name: name for name in ROLES}
        ) as simulator:
            assert simulator.boto("iam").list_role_policies(RoleName=role)["PolicyNames"][0] == "bedrock-customization"
            s3 = simulator.boto("s3")
            for bucket in (parameters["TrainingBucketName"], parameters["OutputBucketName"]):
                assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicAcls"]
                policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
                assert {statement["Effect"] for statement in policy["Statement"]} == {"Deny"}


def test_each_role_gets_its_policies(tmp_path: Path) -> None:
    policies = files(tmp_path, EVERYTHING)
    with start_simulator(tmp_path / "state", policies=policies, callers={name: name for name in ROLES}) as simulator:
        names = {role: [name.rpartition("us-west-2-")[2] for name in attached(simulator, role)] for role in ROLES}
    assert names == {
        "distill-run": ["iam-pass-role", "run", "run-models", "run-storage"],
        "distill-promotion": ["promote"],
        "distill-clean-up": ["clean-up"],
        "distill-check": ["check"],
    }
