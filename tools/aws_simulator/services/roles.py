"""
Decide what the roles of the account may do.

A role's permissions are its inline and managed policies, limited by its permissions boundary. The policy of a bucket
can deny a request, or allow the role to make it. Key policies, session policies and organization policies are not
evaluated.
"""

from __future__ import annotations

import datetime
import json
import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tools.aws_simulator.access.conditions import PolicyError
from tools.aws_simulator.access.policies import AccessRequest, Policy, decide
from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.account.records import RoleRecord
from tools.aws_simulator.account.state import State
from tools.aws_simulator.protocol.errors import AccessDeniedException, ValidationException
from tools.aws_simulator.services.iam import Iam

ROLE_PREFIX = f"arn:aws:iam::{ACCOUNT_ID}:role/"
ROOT = f"arn:aws:iam::{ACCOUNT_ID}:root"
BEDROCK = frozenset({("Service", "bedrock.amazonaws.com")})
# https://github.com/aws-samples/amazon-bedrock-workshop/issues/367
NOT_ASSUMABLE = "Could not assume provided IAM role."
# Observed as the answer of PutModelInvocationLoggingConfiguration.
OTHER_ACCOUNT = "Cross-account pass role is not allowed."


class Roles:
    """The permissions of the account's roles."""

    def __init__(self, iam: Iam) -> None:
        self._iam = iam

    def check_assumable(self, role_arn: str, source_arn: str, region: str) -> None:
        """Check that Bedrock may assume a role on behalf of the resource ``source_arn``.

        :raises AccessDeniedException: the role belongs to another account.
        :raises ValidationException: the role does not exist, or does not trust Bedrock.
        """
        if role_arn.split(":")[4:5] != [ACCOUNT_ID]:
            raise AccessDeniedException(OTHER_ACCOUNT)
        context = {"aws:SourceAccount": ACCOUNT_ID, "aws:SourceArn": source_arn}
        if not self.trusts(role_arn, BEDROCK, region, context):
            raise ValidationException(NOT_ASSUMABLE)

    def trusts(
        self,
        role_arn: str,
        principals: frozenset[tuple[str, str]],
        region: str,
        context: Mapping[str, str],
        *,
        action: str = "sts:AssumeRole",
    ) -> bool:
        """
        Return whether a role exists and its trust policy lets the caller (``principals``) do ``action``.

        The default action is to assume the role. Another such action is "sts:TagSession".
        """
        role = self._iam.roles.get(role_arn)
        if role is None:
            return False
        request = AccessRequest(action, role_arn, principals, {**_context(region), **context})
        try:
            return decide([json.loads(role["trust"])], request) == "allowed"
        except PolicyError:
            return False

    def allows(
        self,
        role_arn: str,
        action: str,
        resource: str,
        region: str,
        context: Mapping[str, str] | None = None,
        *,
        resource_policy: str | None = None,
    ) -> bool:
        """
        Return whether a role may do an action on a resource of the account. A role that does not exist may do nothing.

        :param role_arn: the ARN of the role, or of the account's root user. Only the policy of a resource can keep the
            root user from doing an action.
        :param resource_policy: the policy of the resource. It may deny the action, or allow the role to do it.
        """
        permissions = _permissions_of_root() if role_arn == ROOT else self._permissions(role_arn)
        if permissions is None:
            return False
        documents, boundary = permissions.documents, permissions.boundary
        everything = {
            **_context(region),
            "aws:PrincipalArn": role_arn,
            "aws:PrincipalAccount": ACCOUNT_ID,
            "aws:ResourceAccount": ACCOUNT_ID,
            **permissions.context,
            **(context or {}),
        }
        request = AccessRequest(action, resource, context=everything)
        try:
            if resource_policy is None:
                return decide(documents, request, boundary=boundary) == "allowed"
            attached = [json.loads(resource_policy)]
            account = {("AWS", ACCOUNT_ID), ("AWS", ROOT)}
            as_role = AccessRequest(action, resource, frozenset({("AWS", role_arn)}), everything)
            as_anyone = AccessRequest(action, resource, as_role.principals | account, everything)
            if decide(attached, as_anyone) == "denied":
                return False
            # If the resource's policy allows the whole account to do an action, the policies of the role decide.
            return decide([*documents, *attached], as_role, boundary=boundary) == "allowed"
        except PolicyError:
            return False

    def _permissions(self, role_arn: str) -> _Permissions | None:
        role = self._iam.roles.get(role_arn)
        if role is None:
            return None
        documents = [json.loads(text) for text in role["policies"].values()]
        documents += [document for arn in role["attached"] if (document := self._iam.document(arn))]
        boundary = self._iam.document(role["boundary"]) or {} if role["boundary"] else None
        tags = {f"aws:PrincipalTag/{tag['Key']}": tag["Value"] for tag in role["tags"]}
        return _Permissions(documents, boundary, {"aws:PrincipalType": "AssumedRole", **tags})


@dataclass(frozen=True)
class _Permissions:
    """
    What a role or the root user may do.

    :param documents: the policies that allow and deny actions.
    :param boundary: the permissions boundary; None if there is no boundary.
    :param context: the keys for the conditions of policies that describe the role or the root user.
    """

    documents: Sequence[Policy]
    boundary: Policy | None
    context: Mapping[str, str]


def _permissions_of_root() -> _Permissions:
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    return _Permissions([everything], None, {"aws:PrincipalType": "Account"})


def add_service_roles(state: State, iam: Iam, arns: Collection[str]) -> None:
    """Create the roles of ``arns`` that do not exist.

    If the state folder was written by a version of the simulator without IAM, also create the roles that the jobs in
    it name, so that these jobs can be resumed and repeated.

    :raises ValueError: one of ``arns`` is not the ARN of a role of the simulated account.
    """
    for arn in arns:
        iam.add_role(service_role(arn))
    if iam.is_new:
        jobs = [*state.jobs.all(), *state.batch_jobs.all()]
        for arn in sorted({job.body["roleArn"] for job in jobs}):
            if arn.startswith(ROLE_PREFIX):
                iam.add_role(service_role(arn))


def _context(region: str) -> dict[str, str]:
    now = datetime.datetime.now(datetime.UTC)
    return {
        "aws:CurrentTime": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:RequestedRegion": region,
        # Bedrock uses TLS, even if the clients of the simulator do not.
        "aws:SecureTransport": "true",
        "s3:TlsVersion": "1.3",
    }


def service_role(arn: str) -> RoleRecord:
    """
    Return a role that Bedrock may assume for jobs of the account, with permissions on all buckets and models.

    In a real account, such a role should name the buckets that it may use.

    :raises ValueError: ``arn`` is not the ARN of a role of the simulated account.
    """
    path, _, name = arn.removeprefix(ROLE_PREFIX).rpartition("/")
    if not arn.startswith(ROLE_PREFIX) or not name:
        raise ValueError(f"{arn!r} is not the ARN of a role of the account {ACCOUNT_ID}; expected {ROLE_PREFIX}<name>.")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "bedrock.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}},
    }
    objects = ["s3:GetObject", "s3:PutObject", "s3:ListBucket"]
    # Bedrock's documentation requires the other actions for evaluation jobs:
    # https://docs.aws.amazon.com/bedrock/latest/userguide/judge-service-roles.html
    objects += ["s3:GetBucketLocation", "s3:AbortMultipartUpload", "s3:ListBucketMultipartUploads"]
    models = ["bedrock:InvokeModel", "bedrock:CreateModelInvocationJob", "bedrock:StopModelInvocationJob"]
    statements = [
        {"Effect": "Allow", "Action": objects, "Resource": ["arn:aws:s3:::*"]},
        {"Effect": "Allow", "Action": models, "Resource": "*"},
    ]
    return RoleRecord(
        id=f"AROA{secrets.token_hex(8).upper()}0",
        name=name,
        path=f"/{path}/" if path else "/",
        created=time.time(),
        trust=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        description="Created by the AWS simulator at its start",
        tags=[],
        max_session_seconds=3600,
        boundary=None,
        policies={"jobs": json.dumps({"Version": "2012-10-17", "Statement": statements})},
        attached=[],
    )
