"""
Decide what the roles of the account may do.

A role's permissions are its inline and managed policies, limited by its permissions boundary. The policy of a bucket
can deny a request, or allow the role to make it. Key policies, session policies and organization policies are not
evaluated.
"""

from __future__ import annotations

import json
from collections.abc import Collection

from tools.aws_simulator.access.conditions import Context, PolicyError
from tools.aws_simulator.access.policies import AccessRequest, decide
from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.account.records import RoleRecord
from tools.aws_simulator.account.state import State
from tools.aws_simulator.protocol.errors import AccessDeniedException, ValidationException
from tools.aws_simulator.services.iam import Iam
from tools.aws_simulator.services.iam_records import new_role
from tools.aws_simulator.services.permissions import PermissionsOfRoles, described

ROLE_PREFIX = f"arn:aws:iam::{ACCOUNT_ID}:role/"
BEDROCK = frozenset({("Service", "bedrock.amazonaws.com")})
# https://github.com/aws-samples/amazon-bedrock-workshop/issues/367
NOT_ASSUMABLE = "Could not assume provided IAM role."
# Observed as the answer of PutModelInvocationLoggingConfiguration.
OTHER_ACCOUNT = "Cross-account pass role is not allowed."


class Roles:
    """The permissions of the account's roles."""

    def __init__(self, iam: Iam) -> None:
        self._iam = iam
        self._permissions = PermissionsOfRoles(iam)

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
        context: Context,
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
        request = AccessRequest(action, role_arn, principals, {**described(region), **context})
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
        context: Context | None = None,
        *,
        resource_policy: str | None = None,
    ) -> bool:
        """
        Return whether a role may do an action on a resource of the account. A role that does not exist may do nothing.

        :param role_arn: the ARN of the role, or of the account's root user. Only the policy of a resource can keep the
            root user from doing an action.
        :param resource_policy: the policy of the resource. It may deny the action, or allow the role to do it.
        """
        return self.refusal(role_arn, action, resource, region, context, resource_policy=resource_policy) is None

    def refusal(
        self,
        role_arn: str,
        action: str,
        resource: str,
        region: str,
        context: Context | None = None,
        *,
        resource_policy: str | None = None,
    ) -> str | None:
        """Return why a role may not do an action, as AWS's message says it; None if :meth:`allows` is true."""
        request = AccessRequest(action, resource, context=context or {})
        return self._permissions.refusal(role_arn, request, region, resource_policy)


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
    return new_role(
        name,
        path=f"/{path}/" if path else "/",
        trust=trust,
        description="Created by the AWS simulator at its start",
        policies={"jobs": {"Version": "2012-10-17", "Statement": statements}},
    )
