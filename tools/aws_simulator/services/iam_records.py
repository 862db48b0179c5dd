"""Turn moto's roles and managed policies into the records of the state and back, and make records of new roles."""

from __future__ import annotations

import datetime
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, PolicyVersion
from moto.iam.models import ManagedPolicy as _AbstractPolicy
from moto.iam.models import Role as _AbstractRole

from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.account.records import PolicyRecord, PolicyVersionRecord, RoleRecord

Role: Any = _AbstractRole  # mypy takes moto's classes for abstract, but they can be instantiated
ManagedPolicy: Any = _AbstractPolicy
OF_AWS = "arn:aws:iam::aws:policy/"


def load_aws_policies() -> dict[str, Any]:
    """Return the managed policies of AWS by ARN, as moto has them."""
    entries = json.loads(aws_managed_policies_data)
    policies = [AWSManagedPolicy.from_data(name, ACCOUNT_ID, "us-east-1", entry) for name, entry in entries.items()]
    return {policy.arn: policy for policy in policies}


def role_record(role: Any) -> RoleRecord:
    """Return the record of one of moto's roles."""
    return RoleRecord(
        id=role.id,
        name=role.name,
        path=role.path,
        created=_seconds(role.create_date),
        trust=role.assume_role_policy_document,
        description=role.description,
        tags=list(role.tags),
        max_session_seconds=None if role.max_session_duration is None else int(role.max_session_duration),
        boundary=role.permissions_boundary_arn,
        policies=dict(role.policies),
        attached=list(role.managed_policies),
    )


def policy_record(policy: Any) -> PolicyRecord:
    """Return the record of one of moto's managed policies."""
    versions = [
        PolicyVersionRecord(
            id=version.version_id,
            document=version.document,
            created=_seconds(version.create_date),
            default=version.is_default,
        )
        for version in policy.versions
    ]
    return PolicyRecord(
        id=policy.id,
        name=policy.name,
        path=policy.path,
        created=_seconds(policy.create_date),
        updated=_seconds(policy.update_date),
        description=policy.description,
        tags=dict(policy.tags),
        versions=versions,
        next_version=policy.next_version_num,
    )


def new_role(
    name: str, *, path: str = "/", trust: Mapping[str, Any], description: str, policies: Mapping[str, Any] | None = None
) -> RoleRecord:
    """Return the record of a role that the simulator itself creates.

    :param trust: the only statement of its trust policy.
    :param policies: its inline policies by name.
    """
    return RoleRecord(
        id=new_id("AROA"),
        name=name,
        path=path,
        created=time.time(),
        trust=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        description=description,
        tags=[],
        max_session_seconds=3600,
        boundary=None,
        policies={key: json.dumps(document) for key, document in (policies or {}).items()},
        attached=[],
    )


def new_id(prefix: str) -> str:
    """Return a new id of a role (prefix ``AROA``) or of a managed policy (``ANPA``)."""
    return f"{prefix}{secrets.token_hex(8).upper()}0"


def restore_role(record: RoleRecord) -> Any:
    """Return moto's role for a record, without its managed policies."""
    role = Role(
        account_id=ACCOUNT_ID,
        partition="aws",
        role_id=record["id"],
        name=record["name"],
        assume_role_policy_document=record["trust"],
        path=record["path"],
        permissions_boundary=record["boundary"],
        description=record["description"],
        tags=record["tags"],
        max_session_duration=record["max_session_seconds"],
    )
    role.create_date = _moment(record["created"])
    role.policies = dict(record["policies"])
    return role


def restore_policy(record: PolicyRecord) -> Any:
    """Return moto's managed policy for a record."""
    policy = ManagedPolicy(
        record["name"],
        account_id=ACCOUNT_ID,
        region="us-east-1",
        description=record["description"],
        path=record["path"],
        create_date=_moment(record["created"]),
        update_date=_moment(record["updated"]),
        tags=record["tags"],
    )
    policy.id = record["id"]
    policy.next_version_num = record["next_version"]
    policy.versions = [
        PolicyVersion(policy.arn, version["document"], version["default"], version["id"], _moment(version["created"]))
        for version in record["versions"]
    ]
    policy.default_version_id = next(version["id"] for version in record["versions"] if version["default"])
    return policy


def _seconds(moment: datetime.datetime) -> float:
    return moment.replace(tzinfo=datetime.UTC).timestamp()


def _moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC).replace(tzinfo=None)
