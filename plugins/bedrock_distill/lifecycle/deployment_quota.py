"""Say which quota of custom model deployments is used up, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bedrock_distill.lifecycle.endpoints import DEPLOYMENT
from include.distill.core.errors import FAILED_TASK, ConcurrencyLimitError, DeploymentsInProgressError, RefusedError
from include.distill.core.naming import is_standing_endpoint_name

if TYPE_CHECKING:
    from bedrock_distill.hooks.bedrock import BedrockDistillHook
    from bedrock_distill.hooks.deployments import Deployment

QUOTA_CODE = "ServiceQuotaExceededException"
# The wording of the quotas' names is UNVERIFIED. In one account in August 2026, AWS's defaults were 10 and 2.
_TOTAL_QUOTA = "the quota of custom model deployments (10 by default)"
_IN_PROGRESS_QUOTA = "the quota of custom model deployments in progress (2 by default)"
_NAMED_DEPLOYMENTS = 10


def quota_error(
    hook: BedrockDistillHook, name: str, error: RefusedError | ConcurrencyLimitError, *, left: str
) -> RefusedError | DeploymentsInProgressError:
    """
    Return an error that says which quota is used up: all deployments, or deployments in progress.

    Bedrock reports both quotas with the same code, and the text of its message is not documented. So this function
    lists the account's deployments. If one of them is being created, the error says that waiting may help.

    :param name: name of the deployment that Bedrock refused to create.
    :param error: Bedrock's refusal, with the code :data:`QUOTA_CODE`.
    :param left: what state is left, as sentences.
    """
    existing = hook.list_deployments()
    creating = [one.name for one in existing if one.status == "Creating"]
    happened = f"Bedrock refused to create deployment {name}: {error.happened}"
    if creating or isinstance(error, ConcurrencyLimitError):
        return DeploymentsInProgressError(
            f"{happened} Deployments that are being created: {', '.join(creating) or 'none at this moment'}.",
            left=left,
            billed="Nothing was created.",
            to_do=(
                "Wait until they are active, which takes a few minutes, or ask for a higher value of"
                f" {_IN_PROGRESS_QUOTA} in the Service Quotas console."
            ),
            then_clear=FAILED_TASK,
        )
    standing = [one.name for one in existing if is_standing_endpoint_name(one.name)]
    kept = f" Keep the standing endpoints, which applications call: {', '.join(standing)}." if standing else ""
    return RefusedError(
        f"{happened} The account has {len(existing)} deployments in this Region.",
        left=left,
        billed="Nothing was created.",
        to_do=(
            f"Delete a deployment that no application and no run uses {DEPLOYMENT.by_hand.ways('<name>')}, or ask"
            f" for a higher value of {_TOTAL_QUOTA} in the Service Quotas console.{kept} The oldest other deployments:"
            f" {_described([one for one in existing if one.name not in standing])}."
        ),
        then_clear=FAILED_TASK,
    )


def _described(deployments: Sequence[Deployment]) -> str:
    oldest = sorted(deployments, key=lambda one: one.created)[:_NAMED_DEPLOYMENTS]
    return "; ".join(f"{one.name} ({one.status}, created {one.created:%Y-%m-%d %H:%M} UTC)" for one in oldest) or "none"
