"""Find resources that two parts of the stacks describe, as CloudFormation does before it creates a resource."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tools.aws_simulator.stacks.template import RenderedStack
from tools.aws_simulator.stacks.yaml_files import StackError

# The types whose names can exist once in an account, and what to call them in a message.
_UNIQUE = {
    "AWS::IAM::ManagedPolicy": "managed policy",
    "AWS::IAM::Role": "role",
    "AWS::S3::Bucket": "bucket",
    "AWS::S3::BucketPolicy": "bucket policy for",
}


def check_clashes(stacks: Iterable[tuple[Path, RenderedStack]]) -> None:
    """Check that no two resources of the stacks are the same thing in the account.

    :raises StackError: two resources are the same. The message names both places.
    """
    owners: dict[tuple[str, str], str] = {}
    for path, stack in stacks:
        for logical_id, resource in stack.resources.items():
            if resource.type not in _UNIQUE:
                continue
            # IAM does not distinguish names by case, and names of buckets have small letters only.
            key = (resource.type, resource.name.lower())
            if key in owners:
                raise StackError(
                    f"{path}: Resources.{logical_id}: the {_UNIQUE[resource.type]} {resource.name} already exists in"
                    f" {owners[key]}. CloudFormation refuses the second one. Give each of them its own name."
                )
            owners[key] = f"Resources.{logical_id} of the stack {stack.name}"
