"""
Say which policy of the CloudFormation template has an action, for errors about a missing permission.

The template is ``deploy/cloudformation/bedrock-distill.yaml``. The pipeline does not read it, because an installation
need not have the folder ``deploy``.
"""

from __future__ import annotations

import re

_NAME = "bedrock-distill-<environment>"
_OTHERS = f"; promotions have {_NAME}-promote instead, and distill_clean_up has {_NAME}-clean-up"
# The first pattern that matches an action applies.
_POLICIES = (
    (r"iam:PassRole", f"{_NAME}-iam-pass-role, for aws.role_arn only"),
    (r"(iam|servicequotas):.+", f"{_NAME}-check"),
    (r"bedrock:GetInferenceProfile", f"{_NAME}-check"),
    (r"s3:(GetBucketP(olicy|ublicAccessBlock)|Get(Encryption|Lifecycle)Configuration)", f"{_NAME}-check"),
    (r"bedrock:(BatchDelete.+|DeleteCustomModel|ListCustomModels)", f"{_NAME}-clean-up"),
    (r"s3:(DeleteBucket|GetBucket(Tagging|Versioning))", f"{_NAME}-clean-up"),
    (r"bedrock:Update.+", f"{_NAME}-promote"),
    (
        r"bedrock:(InvokeModel.*|CountTokens|CreateModelInvocationJob|GetFoundationModel)",
        f"{_NAME}-run-models{_OTHERS}",
    ),
    (r"bedrock:.+", f"{_NAME}-run{_OTHERS}"),
    (r"s3:.+", f"{_NAME}-run-storage{_OTHERS}"),
)


def policy_with(action: str) -> str:
    """Return the name of the policy that has an action, as the end of a sentence; empty if no policy has it."""
    return next((policy for pattern, policy in _POLICIES if re.fullmatch(pattern, action)), "")
