"""Describe one action that an identity needs, for IAM's policy simulator and as the statement that allows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from include.distill.cleanup.expiry import PROJECT_TAG
from include.distill.config.catalog import Model
from include.distill.config.company import OWN_TAGS
from include.distill.config.use_case import UseCase

# Who needs an action: the tasks of a run, those of a promotion, distill_clean_up, or the role that Bedrock assumes.
Who = Literal["run", "promotion", "clean_up", "jobs"]
# Which tags AWS knows when it decides: those of the request, those of the resource, or both.
Tags = Literal["request", "resource", "both"]
_EXAMPLE = "check-account"  # takes the place of * in the resource of a simulated request


@dataclass(frozen=True)
class Need:
    """
    An action that an identity needs on a resource.

    :param resource: the resource as an IAM statement names it.
    :param reason: what the action is needed for, as the end of a sentence.
    :param tags: the tags by which AWS may decide; ``None`` if the action does not support them on the resource.
    :param conditions: other condition keys of the request and their values.
    :param is_required: whether a run fails without the action.
    """

    who: Who
    action: str
    resource: str
    reason: str
    tags: Tags | None = None
    conditions: tuple[tuple[str, str], ...] = ()
    is_required: bool = True

    def example(self, region: str) -> str:
        """Return a resource that a request could name."""
        return self.resource.replace(":bedrock:*:", f":bedrock:{region}:").replace("/*", f"/{_EXAMPLE}")

    def own_tags(self, use_case: UseCase) -> dict[str, str]:
        """Return the condition keys of the tags by which AWS may decide, with the values of the use case."""
        scopes = [scope for scope in ("Request", "Resource") if self.tags in (scope.lower(), "both")]
        values = {"project": PROJECT_TAG, "environment": use_case.environment}
        return {f"aws:{scope}Tag/{key}": value for scope in scopes for key, value in values.items()}

    def context(self, use_case: UseCase) -> dict[str, list[str]]:
        """Return the condition keys of a request, with their values."""
        context = {key: [value] for key, value in (*self.conditions, *self.own_tags(use_case).items())}
        if self.tags in ("request", "both"):
            context["aws:TagKeys"] = sorted({*OWN_TAGS, *use_case.aws.tags})
        account = use_case.aws.account
        if self.resource.startswith("arn:") and ":s3:::" in self.resource:
            bucket = self.resource.split(":::", 1)[1].split("/", 1)[0]
            owners = use_case.bucket_owners
            account = owners.get(bucket, owners["*"])
        return {
            **context,
            "aws:ResourceAccount": [account],
            "aws:PrincipalAccount": [use_case.aws.account],
            "aws:RequestedRegion": [use_case.aws.region],
            "aws:SecureTransport": ["true"],
        }


@dataclass(frozen=True)
class Arns:
    """The ARNs of the resources that a use case names or creates."""

    partition: str
    region: str
    account: str

    @classmethod
    def of(cls, use_case: UseCase) -> Arns:
        """Return the ARNs for the account and the Region of a use case."""
        return cls(use_case.aws.role_arn.split(":")[1], use_case.aws.region, use_case.aws.account)

    def any(self, kind: str) -> str:
        """Return the pattern of all resources of a kind, such as ``custom-model``."""
        return f"arn:{self.partition}:bedrock:{self.region}:{self.account}:{kind}/*"

    def foundation_model(self, model_id: str, region: str = "") -> str:
        """Return the ARN of a foundation model."""
        return f"arn:{self.partition}:bedrock:{region or self.region}::foundation-model/{model_id}"

    def profile(self, model: Model) -> str | None:
        """Return the ARN of the inference profile through which a model is called; ``None`` if there is no profile."""
        if model.inference_id == model.foundation_id:
            return None
        return f"arn:{self.partition}:bedrock:{self.region}:{self.account}:inference-profile/{model.inference_id}"

    def bucket(self, name: str) -> str:
        """Return the ARN of a bucket."""
        return f"arn:{self.partition}:s3:::{name}"


def invocations(who: Who, action: str, arns: Arns, models: Iterable[Model], reason: str) -> Iterator[Need]:
    """
    Yield what an identity needs to call models.

    A call by an inference profile is a call of the profile and of the foundation model in the Region that the profile
    chooses. The statement for the foundation model therefore names no Region, but the profile.
    """
    for model in models:
        profile = arns.profile(model)
        if profile is None:
            yield Need(who, action, arns.foundation_model(model.foundation_id), reason)
            continue
        yield Need(who, action, profile, reason)
        behind = arns.foundation_model(model.foundation_id, "*")
        yield Need(who, action, behind, reason, conditions=(("bedrock:InferenceProfileArn", profile),))


def statement(needs: Sequence[Need], use_case: UseCase) -> dict[str, object]:
    """
    Return the IAM statement that allows actions on resources.

    :param needs: needs with the same tags and conditions, and the same actions for each resource.
    """
    first = needs[0]
    equals = first.own_tags(use_case)
    patterns: dict[str, dict[str, str]] = {}
    for key, value in first.conditions:
        if key == "bedrock:InferenceProfileArn":
            patterns["ArnLike"] = {key: value}
        elif key == "s3:prefix":
            patterns["StringLikeIfExists"] = {key: f"{value}*"}
        else:
            equals[key] = value
    condition = {**({"StringEquals": equals} if equals else {}), **patterns}
    return {
        "Effect": "Allow",
        "Action": _one_or_all({need.action for need in needs}),
        "Resource": _one_or_all({need.resource for need in needs}),
        **({"Condition": condition} if condition else {}),
    }


def _one_or_all(values: Iterable[str]) -> str | list[str]:
    listed = sorted(values)
    return listed[0] if len(listed) == 1 else listed
