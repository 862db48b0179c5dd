"""
Let a job use S3 and models with the permissions of the caller that created it.

Bedrock passes the caller's credentials on to the other services (a forward access session), so the job has no role of
its own: https://docs.aws.amazon.com/bedrock/latest/userguide/advanced-prompt-optimization-prereqs.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tools.aws_simulator.jobs.role_access import RoleAccess

STREAM = "bedrock:InvokeModelWithResponseStream"


@dataclass(frozen=True)
class CallerAccess(RoleAccess):
    """
    S3 as the caller of one job sees it. ``role_arn`` is the role of the caller's session, or the root user.

    Session policies are not evaluated.
    """

    @property
    def _source(self) -> Mapping[str, str]:
        """The keys for the conditions of policies that a forward access session has.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html
        """
        return {"aws:ViaAWSService": "true", "aws:CalledVia": "bedrock.amazonaws.com"}

    def may_stream(self, identifier: str, base_id: str) -> bool:
        """Return whether the caller may ask the model ``base_id`` under this identifier, through ConverseStream."""
        return self.may_use_model(identifier, base_id, STREAM)
