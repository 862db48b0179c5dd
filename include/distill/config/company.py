"""
Define the settings by which a use case meets the rules of a company: custom tags, KMS keys and the network of jobs.

The limits on names, texts and numbers are those of botocore's service model ``bedrock/2023-04-20``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from include.distill.config.key_problems import KeyProblem, refuse
from include.distill.config.partitions import partition_of
from include.distill.config.section import Section
from include.distill.core.shown_values import shown

# The keys of the tags by which the pipeline knows its own resources. The second part of a long value has a key such as
# `run-id-2`.
OWN_TAGS = frozenset(
    {
        *("project", "environment", "use-case", "run-key", "dag-id", "run-id", "expires-at"),
        *("arm", "step", "evaluator", "fingerprint", "role"),
    }
)
# A resource may have 50 tags: https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html. The pipeline's own
# tags need up to 15, because a long id of a DAG or of a run needs several.
MOST_TAGS = 30
_OWN_KEY = re.compile(rf"({'|'.join(sorted(OWN_TAGS))})(-\d+)?", re.IGNORECASE)
_TAG_TEXT = re.compile(r"[a-zA-Z0-9 ._:/=+@-]*")
_TEXT_RULE = "letters from A to Z, digits, spaces and . _ : / = + @ -, without spaces at the ends"


def _check_text(text: str, what: str, most: int) -> str:
    if len(text) > most or not _TAG_TEXT.fullmatch(text) or text != text.strip():
        message = f"found {shown(text)}, expected {what} of at most {most} characters: {_TEXT_RULE}"
        raise ValueError(message)
    return text


def _check_tag_key(key: str) -> str:
    if not key or key.lower().startswith("aws:"):
        message = f"found {shown(key)}, expected the key of a tag that does not begin with aws:, such as cost-center"
        raise ValueError(message)
    if _OWN_KEY.fullmatch(key):
        message = (
            f"found {shown(key)}, expected a key that the pipeline does not set itself, in capital or small letters. It"
            f" sets {', '.join(sorted(OWN_TAGS))}"
        )
        raise ValueError(message)
    return _check_text(key, "the key of a tag", 128)


def _check_tag_value(value: str) -> str:
    return _check_text(value, "the value of a tag", 256)


def _none_if_empty(value: object) -> object:
    """Return ``None`` for an empty text, so that a use case can take a setting from a variable that may be unset."""
    return None if value == "" else value


TagKey = Annotated[str, AfterValidator(_check_tag_key)]
TagValue = Annotated[str, AfterValidator(_check_tag_value)]
# Prompt optimization jobs accept no alias. The ARN of a key also stays true if somebody moves the alias to another key.
KeyArn = Annotated[str, Field(pattern=r"^arn:aws(-[^:]+)?:kms:[a-z0-9-]{1,32}:[0-9]{12}:key/[a-zA-Z0-9-]{36}$")]
KeyOrAliasArn = Annotated[
    str,
    Field(
        pattern=r"^arn:aws(-[^:]+)?:kms:[a-z0-9-]{1,32}:[0-9]{12}:(key/[a-zA-Z0-9-]{36}|alias/[a-zA-Z0-9/_-]+)$",
        max_length=2_048,
    ),
]
JobKey = Annotated[KeyArn | None, BeforeValidator(_none_if_empty)]
ObjectKey = Annotated[KeyOrAliasArn | None, BeforeValidator(_none_if_empty)]
SubnetId = Annotated[str, Field(pattern=r"^subnet-([0-9a-f]{8}|[0-9a-f]{17})$")]
SecurityGroupId = Annotated[str, Field(pattern=r"^sg-([0-9a-f]{8}|[0-9a-f]{17})$")]


class Vpc(Section):
    """The network in which Bedrock runs customization jobs and batch jobs."""

    subnet_ids: tuple[SubnetId, ...] = Field(min_length=1, max_length=16)
    security_group_ids: tuple[SecurityGroupId, ...] = Field(min_length=1, max_length=5)

    @field_validator("subnet_ids", "security_group_ids")
    @classmethod
    def _ids_are_listed_once(cls, ids: tuple[str, ...]) -> tuple[str, ...]:
        refuse(
            KeyProblem((index,), f"found {shown(one)} a second time; expected each id once")
            for index, one in enumerate(ids)
            if one in ids[:index]
        )
        return ids

    @property
    def config(self) -> dict[str, list[str]]:
        """The value of ``vpcConfig`` in requests to Bedrock."""
        return {"subnetIds": [*self.subnet_ids], "securityGroupIds": [*self.security_group_ids]}


def key_problem(arn: str | None, region: str) -> str | None:
    """Return why a KMS key cannot be used in a Region; ``None`` if it can be, or if there is no key."""
    if arn is None:
        return None
    found = arn.split(":")[3]
    if found == region:
        return _partition_problem(arn, region, f"kms:{region}:", "key")
    return (
        f"found {arn!r}, a key in {found}, but aws.region is {region}, and AWS encrypts only with keys in the Region of"
        f" the data; expected an ARN that begins with arn:{partition_of(region)}:kms:{region}:. Name a key in {region}"
    )


def role_problem(arn: str, region: str) -> str | None:
    """Return why a role cannot be used in a Region; ``None`` if it can be."""
    return _partition_problem(arn, region, "iam::", "role")


def _partition_problem(arn: str, region: str, beginning: str, kind: str) -> str | None:
    """
    Return a message if a resource is in another partition than a Region. Otherwise, return ``None``.

    :param beginning: how the ARN of a resource of this kind begins after the partition.
    """
    found, partition = arn.split(":")[1], partition_of(region)
    if found == partition:
        return None
    return (
        f"found {arn!r}, a {kind} in the partition {found}, but aws.region is {region}, a Region of the partition"
        f" {partition}, and AWS shares nothing between partitions; expected an ARN that begins with"
        f" arn:{partition}:{beginning}. Copy the ARN of a {kind} of your account in this partition, or correct"
        " aws.region"
    )


def key_warnings(keys: dict[str, str | None], account: str) -> Iterator[str]:
    """
    Yield a warning for each KMS key that belongs to another account than the jobs.

    :param keys: the ARNs of the keys, by the names of their settings.
    :param account: the account of the jobs.
    """
    for setting, arn in keys.items():
        if arn is not None and (owner := arn.split(":")[4]) != account:
            yield (
                f"{setting} is a KMS key of account {owner}, but the jobs run in account {account}. The key's policy"
                f" must allow the roles of account {account} to use the key. AWS does not document whether Bedrock"
                " accepts keys of other accounts for models."
            )
