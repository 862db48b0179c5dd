"""
Find the ARN and the tags of the resources that requests to Bedrock name, before the requests are carried out.

A request can name a resource by its name. AWS authorises requests before it looks for the resource, so a resource that
does not exist has an ARN too. It is made from the name and has no tags (UNVERIFIED).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.aws_simulator.access.conditions import Context
from tools.aws_simulator.account.calls import ACCOUNT_ID, foundation_model_arn
from tools.aws_simulator.account.state import ResourceTable, State
from tools.aws_simulator.resources.inference_profiles import InferenceProfiles

# Foundation models belong to AWS, not to the account. aws:ResourceAccount is left out for them, because its value on
# AWS is UNVERIFIED.
_OF_AWS: Context = {"aws:ResourceAccount": ()}
# https://docs.aws.amazon.com/bedrock/latest/userguide/global-cross-region-inference.html
_ANY_REGION = "unspecified"


@dataclass(frozen=True)
class Named:
    """A resource that a request names, and the keys for the conditions of policies that describe it."""

    arn: str
    context: Context = field(default_factory=dict)


class BedrockArns:
    """The resources of the account and the foundation models, by the identifiers that requests use."""

    def __init__(self, state: State, profiles: InferenceProfiles) -> None:
        self._state = state
        self._profiles = profiles
        self._tables: Mapping[str, ResourceTable[Any]] = {
            "model-customization-job": state.jobs,
            "custom-model": state.custom_models,
            "provisioned-model": state.throughputs,
            "custom-model-deployment": state.deployments,
            "model-invocation-job": state.batch_jobs,
            "evaluation-job": state.evaluation_jobs,
            "advanced-prompt-optimization-job": state.optimization_jobs,
        }

    def existing(self, region: str, kind: str, identifier: str) -> Named:
        """Return the resource of this kind with this name, id or ARN."""
        found = self._tables[kind].find(region, identifier)
        return self.tagged(found.arn if found else own_arn(region, kind, identifier))

    def tagged(self, arn: str) -> Named:
        """Return the resource with this ARN and its tags, of whatever kind it is. A deleted resource has no tags."""
        tags = self._state.tags(arn)
        if tags and not self._state.exists(arn, arn.split(":")[3]):
            tags = {}
        return Named(arn, {f"aws:ResourceTag/{key}": value for key, value in tags.items()})

    def profile(self, region: str, identifier: str) -> Named:
        """Return the inference profile with this id or ARN. If it does not exist, it counts as system-defined."""
        found = self._profiles.routes(region, identifier)
        return self.tagged(found[0] if found else own_arn(region, "inference-profile", identifier))

    def model(self, region: str, identifier: str) -> Named:
        """Return the custom model or the foundation model with this id, name or ARN."""
        if ":custom-model/" in identifier:
            return self.existing(region, "custom-model", identifier)
        custom = self._tables["custom-model"].find(region, identifier)
        return self.tagged(custom.arn) if custom else foundation_model(region, identifier)

    def sources(self, region: str, identifier: str) -> Sequence[Named]:
        """
        Return what a new job needs of the model or profile that it is to use.

        A profile needs a permission on the model in the Region of the job too. The documentation says this of the
        roles of jobs only, so for callers it is UNVERIFIED.
        """
        if endpoint := self._endpoint(region, identifier):
            return [endpoint]
        found = self._profiles.routes(region, identifier)
        if found is None:
            return [self.model(region, identifier)]
        model_id = found[1][0].rpartition("/")[2]
        return [self.tagged(found[0]), foundation_model(region, model_id)]

    def invoked(self, region: str, identifier: str) -> Iterator[Named]:
        """
        Yield everything that a caller must be allowed to invoke to ask a model under this id or ARN.

        To use an inference profile, a caller needs the profile, and the model in each Region to which the profile may
        send the request: https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-prereq.html. Which
        Regions AWS checks in one request depends on where it sends the request. Here, all are checked every time.
        """
        if endpoint := self._endpoint(region, identifier):
            yield endpoint
            return
        found = self._profiles.routes(region, identifier)
        if found is None:
            yield foundation_model(region, identifier)
            return
        profile, models = found
        yield self.tagged(profile)
        for arn in models:
            through = {"bedrock:InferenceProfileArn": profile, "aws:RequestedRegion": arn.split(":")[3] or _ANY_REGION}
            yield Named(arn, {**_OF_AWS, **through})

    def _endpoint(self, region: str, identifier: str) -> Named | None:
        """Return the throughput or the deployment with this ARN; None if it is not the ARN of one of them."""
        for kind in ("provisioned-model", "custom-model-deployment"):
            if f":{kind}/" in identifier:
                return self.existing(region, kind, identifier)
        return None


def own_arn(region: str, kind: str, identifier: str) -> str:
    """Return the ARN of a resource of the account. ``identifier`` may be the ARN already."""
    return identifier if identifier.startswith("arn:") else f"arn:aws:bedrock:{region}:{ACCOUNT_ID}:{kind}/{identifier}"


def foundation_model(region: str, identifier: str) -> Named:
    """Return the foundation model with this id or ARN, whether it exists or not."""
    return Named(identifier if identifier.startswith("arn:") else foundation_model_arn(region, identifier), _OF_AWS)
