"""
Decide whether a caller may do an action, and write AWS's message if it may not.

The messages are those that AWS documents and that users report:
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html,
https://github.com/pytorch/test-infra/issues/5721 and https://github.com/aws-samples/dify-self-hosted-on-aws/issues/74
"""

from __future__ import annotations

from tools.aws_simulator.access.conditions import Context
from tools.aws_simulator.account.access_log import AccessLog
from tools.aws_simulator.services.permissions import ROOT
from tools.aws_simulator.services.roles import Roles
from tools.aws_simulator.services.sts import Sts

_NO_ROLE = ""  # a role that does not exist may do nothing


class Authorizer:
    """
    The permissions of the clients of the simulator.

    If ``enforced`` is False, every caller may do everything, and nothing is logged.
    """

    def __init__(self, sts: Sts, roles: Roles, access_log: AccessLog) -> None:
        self._sts = sts
        self._roles = roles
        self._log = access_log
        self.enforced = sts.enforced

    def knows(self, access_key: str) -> bool:
        """Return whether an access key belongs to a caller, or requests are not authorised."""
        return not self._sts.is_refused(access_key)

    def refusal(
        self,
        access_key: str,
        action: str,
        resource_arn: str,
        region: str,
        context: Context | None = None,
        *,
        resource_policy: str | None = None,
    ) -> str | None:
        """
        Return AWS's message if the caller may not do an action on a resource; None if it may.

        :param resource_arn: the ARN of the resource, or ``*`` for an action that has no resource.
        :param context: keys for the conditions of policies. Their names are compared without regard to case.
        :param resource_policy: the policy of the resource, as JSON. Only such a policy can refuse the account's owner.
        """
        if not self.enforced:
            return None
        session = self._sts.session(access_key)
        caller, role = (session["arn"], session["role"]) if session else (ROOT, ROOT)
        if session is None and not self.knows(access_key):
            role = _NO_ROLE
        reason = self._roles.refusal(role, action, resource_arn, region, context, resource_policy=resource_policy)
        self._log.add(caller, action, resource_arn, allowed=reason is None)
        if reason is None:
            return None
        resource = "" if resource_arn == "*" else f" on resource: {resource_arn}"
        return f"User: {caller} is not authorized to perform: {action}{resource} {reason}"
