"""
Say which policy of the CloudFormation template has an action, for errors about a missing permission.

The template is ``deploy/cloudformation/bedrock-distill.yaml``. The pipeline does not read it, because an installation
need not have the folder ``deploy``.
"""

from __future__ import annotations

import os
import re

from include.distill.account_check.findings import ENVIRONMENT
from include.distill.config.environment import ENVIRONMENT_VARIABLE

_NAME = f"bedrock-distill-{ENVIRONMENT}"
# The first pattern that matches an action applies.
_POLICIES = (
    (r"iam:PassRole", f"{_NAME}-iam-pass-role, for aws.role_arn only"),
    (r"(iam|servicequotas):.+", f"{_NAME}-check"),
    (r"bedrock:GetInferenceProfile", f"{_NAME}-check"),
    (r"s3:(GetBucketP(olicy|ublicAccessBlock)|Get(Encryption|Lifecycle)Configuration)", f"{_NAME}-check"),
    (r"bedrock:(BatchDelete.+|DeleteCustomModel|ListCustomModels)", f"{_NAME}-clean-up"),
    (r"s3:(DeleteBucket|GetBucket(Tagging|Versioning))", f"{_NAME}-clean-up"),
    (r"bedrock:Update.+", f"{_NAME}-promote"),
    (r"bedrock:(InvokeModel.*|CountTokens|CreateModelInvocationJob|GetFoundationModel)", f"{_NAME}-run-models"),
    (r"bedrock:.+", f"{_NAME}-run"),
    (r"s3:.+", f"{_NAME}-run-storage"),
)
# Other callers whose policies have some of these actions too.
_ENDPOINTS = "(CustomModelDeployment|ProvisionedModelThroughput)"
_OTHER_CALLERS = (
    (
        "promotions have",
        f"{_NAME}-promote",
        rf"bedrock:((Create|Delete|Get|Update){_ENDPOINTS}|(Delete|Get)CustomModel|ListCustomModelDeployments"
        r"|ListTagsForResource|TagResource|InvokeModel)|s3:(GetObject|PutObject|ListBucket)",
    ),
    (
        "distill_clean_up has",
        f"{_NAME}-clean-up",
        rf"bedrock:((Delete|Get){_ENDPOINTS}|(Delete|Get)CustomModel|List{_ENDPOINTS}s|ListTagsForResource"
        r"|(Get|List)(AdvancedPromptOptimization|Evaluation)Jobs?)|s3:(GetObject|PutObject|DeleteObject|ListBucket)",
    ),
    (
        "distill_check_account has",
        f"{_NAME}-check",
        r"bedrock:(GetFoundationModel(Availability)?|ListCustomModelDeployments)"
        r"|s3:(GetObject|ListBucket|GetBucketLocation)",
    ),
)


def policy_with(action: str) -> str:
    """Return the name of the policy that has an action, as the end of a sentence; empty if no policy has it.

    The end of the sentence also names the callers whose own policies have the action.
    """
    first = next((policy for pattern, policy in _POLICIES if re.fullmatch(pattern, action)), "")
    others = [
        f"{caller} it in {policy}"
        for caller, policy, pattern in _OTHER_CALLERS
        if first and policy != first and re.fullmatch(pattern, action)
    ]
    return "; ".join([first, *others])


def with_environment(text: str) -> str:
    """Return a text with the name of this installation in the names of policies; unchanged if the name is not set."""
    return text.replace(ENVIRONMENT, os.environ.get(ENVIRONMENT_VARIABLE) or ENVIRONMENT)
