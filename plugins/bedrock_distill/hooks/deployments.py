"""
Find, create, update and delete custom model deployments, which serve a custom model on demand.

A deployment costs nothing to create and nothing while it is idle; its calls are billed by the token. It counts against
the account's quota of deployments. The fields and statuses are defined in botocore's service model
``bedrock/2023-04-20``. AWS's guide to deployments:
https://docs.aws.amazon.com/bedrock/latest/userguide/deploy-custom-model-on-demand.html
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bedrock_distill.hooks.aws import AwsClients, tag_list
from bedrock_distill.hooks.aws_errors import refused_only_if
from include.distill.core.errors import NotFoundError, UnknownOperationError


@dataclass(frozen=True)
class Deployment:
    """
    A custom model deployment as GetCustomModelDeployment describes it.

    :ivar update_status: status of the last update of the model; ``None`` if the deployment was never updated.
    :ivar update_model_arn: the model of the latest update. It becomes ``model_arn`` when that update is completed.
    """

    name: str
    arn: str
    status: str
    created: datetime.datetime
    model_arn: str
    failure_message: str | None = None
    update_status: str | None = None
    update_model_arn: str | None = None

    @classmethod
    def from_response(cls, answer: Mapping[str, Any]) -> Deployment:
        """Create the record from Bedrock's response.

        GetCustomModelDeployment returns the name in ``modelDeploymentName``, but ListCustomModelDeployments returns it
        in ``customModelDeploymentName``.
        """
        update = answer.get("updateDetails") or {}
        return cls(
            name=answer.get("modelDeploymentName") or answer["customModelDeploymentName"],
            arn=answer["customModelDeploymentArn"],
            status=answer["status"],
            created=answer["createdAt"],
            model_arn=answer["modelArn"],
            failure_message=answer.get("failureMessage"),
            update_status=update.get("updateStatus"),
            update_model_arn=update.get("modelArn"),
        )


class DeploymentCalls(AwsClients):
    """The hook's calls for custom model deployments."""

    def find_deployment(self, name_or_arn: str) -> Deployment | None:
        """Return a deployment by name or ARN; ``None`` if it does not exist, or if Bedrock has no deployments."""
        try:
            answer = self.call(
                "bedrock",
                "get_custom_model_deployment",
                name_or_arn,
                customModelDeploymentIdentifier=name_or_arn,
            )
        except (NotFoundError, UnknownOperationError):
            return None
        return Deployment.from_response(answer)

    def list_deployments(self) -> list[Deployment]:
        """
        Return every deployment of the account in this Region, without the details of updates.

        The list is empty if Bedrock has no deployments, as before July 2025.
        """
        summaries = self.paginate("list_custom_model_deployments", "modelDeploymentSummaries")
        try:
            return [Deployment.from_response(summary) for summary in summaries]
        except UnknownOperationError:
            return []

    def create_deployment(self, *, name: str, token: str, model_arn: str, tags: Mapping[str, str]) -> None:
        """Deploy a custom model. This returns nothing: to get the ARN, look the deployment up by its name."""
        self.call(
            "bedrock",
            "create_custom_model_deployment",
            name,
            modelDeploymentName=name,
            clientRequestToken=token,
            modelArn=model_arn,
            tags=tag_list(tags),
        )

    def update_deployment(self, name_or_arn: str, model_arn: str) -> None:
        """Put another custom model behind a deployment. Its ARN stays the same."""
        self.call(
            "bedrock",
            "update_custom_model_deployment",
            name_or_arn,
            customModelDeploymentIdentifier=name_or_arn,
            modelArn=model_arn,
        )

    def delete_deployment(self, name_or_arn: str) -> None:
        """
        Delete a deployment; do nothing if it does not exist.

        :raises ConflictError: the deployment is changing, so Bedrock does not delete it now.
        """
        with contextlib.suppress(NotFoundError), refused_only_if(lambda: self.find_deployment(name_or_arn) is not None):
            self.call(
                "bedrock",
                "delete_custom_model_deployment",
                name_or_arn,
                customModelDeploymentIdentifier=name_or_arn,
            )
