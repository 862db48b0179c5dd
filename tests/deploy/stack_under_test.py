"""Render the CloudFormation template with some or all of its options, and list the statements of its policies."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from include.distill.core.paths import PROJECT_ROOT
from tools.aws_simulator.stacks.template import RenderedStack, render

TEMPLATE = PROJECT_ROOT / "deploy" / "cloudformation" / "bedrock-distill.yaml"
# The parameters that have no default.
REQUIRED = {
    "Environment": "prod",
    "TrainingBucketName": "company-training",
    "OutputBucketName": "company-output",
}
# Every option, and the longest names, so that the policies have their largest size.
EVERYTHING = {
    "Environment": "production-12345",
    "Prefix": "teams/customer-support-answers/distill",
    "NameSuffix": "-us-west-2",
    "TrainingBucketName": "t" * 63,
    "OutputBucketName": "o" * 63,
    "AllowBucketCreation": "true",
    "BucketOwner": "123456789012",
    "RunsRetentionDays": "30",
    "ResponsesRetentionDays": "90",
    "InputObjectArns": "arn:aws:s3:::company-data/questions/*",
    "InputBucketArns": "arn:aws:s3:::company-data",
    "NotificationArns": "arn:aws:sns:us-west-2:123456789012:alerts,arn:aws:sqs:us-west-2:123456789012:alerts",
    "RunRoles": "distill-run",
    "PromotionRoles": "distill-promotion",
    "CleanUpRoles": "distill-clean-up",
    "CheckRoles": "distill-check",
    "AllowMarketplaceSubscriptions": "true",
    "HumanWorkers": "true",
    "CreateKmsKey": "true",
    "UseVpc": "true",
    "SubnetIds": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    "SecurityGroupIds": "sg-0123456789abcdef0",
    "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/limits",
    "CostCenter": "4711",
    "Owner": "answers-team",
}
# The policies that each identity has: the roles of Airflow, and the role of Bedrock's jobs.
POLICIES_OF = {
    "run": ("RunPolicy", "RunModelsPolicy", "RunStoragePolicy", "PassRolePolicy"),
    "promotion": ("PromotionPolicy",),
    "clean_up": ("CleanUpPolicy",),
    "check": ("CheckPolicy",),
    "jobs": ("JobsRole",),
}

Document = Mapping[str, Any]


@cache
def _rendered(options: tuple[tuple[str, str], ...]) -> RenderedStack:
    return render(TEMPLATE, dict(options))


def stack(**options: str) -> RenderedStack:
    """Return the stack with the required parameters and these options."""
    return _rendered(tuple(sorted({**REQUIRED, **options}.items())))


def largest_stack() -> RenderedStack:
    """Return the stack with every option."""
    return stack(**EVERYTHING)


def write_deployment(file: Path, parameters: Mapping[str, str]) -> Path:
    """Write the stack deployment file of an installation, from which the AWS simulator creates the stack."""
    file.write_text(json.dumps({"template-file-path": str(TEMPLATE), "parameters": parameters}), encoding="utf-8")
    return file


def documents(one: RenderedStack) -> dict[str, Document]:
    """Return the policies of roles, by logical id. The inline policy of a role has the id of the role."""
    found: dict[str, Document] = {}
    for name, resource in one.resources.items():
        if resource.type in ("AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"):
            found[name] = resource.properties["PolicyDocument"]
        if resource.type == "AWS::IAM::Role":
            (inline,) = resource.properties["Policies"]
            found[name] = inline["PolicyDocument"]
    return found


def statements(one: RenderedStack) -> Iterator[tuple[str, Document]]:
    """Yield each statement of the policies of roles, with the id ``<policy>.<Sid>``."""
    for name, document in documents(one).items():
        for statement in document["Statement"]:
            yield f"{name}.{statement['Sid']}", statement


def texts(value: str | list[str]) -> list[str]:
    """Return an Action or Resource as a list."""
    return [value] if isinstance(value, str) else value


def actions(one: RenderedStack, *policies: str) -> set[str]:
    """Return the actions that these policies allow, or that all policies allow if none is named."""
    chosen = [document for name, document in documents(one).items() if not policies or name in policies]
    return {action for document in chosen for part in document["Statement"] for action in texts(part["Action"])}
