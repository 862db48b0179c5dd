"""The statements of the template's policies, and a policy in which one action is missing."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.deploy.stack_under_test import documents, texts
from tests.policies.policed_account import STACKS, PolicedAccount
from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.stacks.deployments import render_deployment

JOBS_POLICY = "bedrock-customization"


@dataclass(frozen=True)
class Permission:
    """
    One action in one statement.

    :param policy: logical id of the managed policy or, for the role of jobs, of the role.
    :param name: name of the policy or the role in the account.
    """

    policy: str
    name: str
    sid: str
    action: str

    def __str__(self) -> str:
        """Return the id of the test."""
        return f"{self.policy}-{self.sid}-{self.action}"


@cache
def permissions(name: str) -> tuple[Permission, ...]:
    """Return all permissions that a stack of this folder grants."""
    stack, _ = render_deployment(STACKS / f"{name}.yaml")
    return tuple(
        Permission(logical_id, stack.resources[logical_id].name, statement["Sid"], action)
        for logical_id, document in documents(stack).items()
        for statement in document["Statement"]
        for action in texts(statement["Action"])
    )


def without(document: Mapping[str, Any], permission: Permission) -> dict[str, Any]:
    """Return a policy in which one statement lacks one action."""
    left = copy.deepcopy(dict(document))
    for statement in left["Statement"]:
        if statement["Sid"] == permission.sid:
            statement["Action"] = [action for action in texts(statement["Action"]) if action != permission.action]
    left["Statement"] = [statement for statement in left["Statement"] if statement["Action"]]
    # A policy needs a statement. This one allows nothing that the pipeline does.
    left["Statement"] = left["Statement"] or [{"Effect": "Allow", "Action": "s3:GetBucketAcl", "Resource": "*"}]
    assert left != document
    return left


@contextmanager
def removed(account: PolicedAccount, permission: Permission) -> Iterator[None]:
    """Take a permission away for the block."""
    iam = account.iam
    if permission.policy == "JobsRole":
        named = {"RoleName": permission.name, "PolicyName": JOBS_POLICY}
        whole = iam.get_role_policy(**named)["PolicyDocument"]
        iam.put_role_policy(**named, PolicyDocument=json.dumps(without(whole, permission)))
        try:
            yield
        finally:
            iam.put_role_policy(**named, PolicyDocument=json.dumps(whole))
        return
    arn = f"arn:aws:iam::{ACCOUNT_ID}:policy/{permission.name}"
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    whole = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    document = json.dumps(without(whole, permission))
    lacking = iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
    try:
        yield
    finally:
        iam.set_default_policy_version(PolicyArn=arn, VersionId=version)
        iam.delete_policy_version(PolicyArn=arn, VersionId=lacking["PolicyVersion"]["VersionId"])
