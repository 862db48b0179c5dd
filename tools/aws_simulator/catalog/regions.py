"""
List the Regions of Bedrock, and say which of them belong to the scope of an inference profile.

The list of Regions is botocore's. Regions of other partitions (GovCloud, China) are not in it, because their ARNs do
not begin with ``arn:aws:``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from botocore.loaders import Loader

# https://docs.aws.amazon.com/bedrock/latest/userguide/count-tokens.html
COUNT_TOKENS_REGIONS = frozenset(
    {
        "us-east-1",
        "us-east-2",
        "us-west-2",
        "ap-northeast-1",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "eu-central-1",
        "eu-central-2",
        "eu-west-1",
        "eu-west-2",
        "sa-east-1",
    }
)

# https://docs.aws.amazon.com/bedrock/latest/userguide/advanced-prompt-optimization-quotas.html
PROMPT_OPTIMIZATION_REGIONS = frozenset(
    {
        "us-east-1",
        "us-east-2",
        "us-west-2",
        "ca-central-1",
        "sa-east-1",
        "eu-west-1",
        "eu-west-2",
        "eu-central-1",
        "eu-central-2",
        "ap-south-1",
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-southeast-1",
        "ap-southeast-2",
    }
)


@dataclass(frozen=True)
class Scope:
    """
    A geography that some inference profiles cover, such as the EU.

    :param name: the first word of the profiles' names.
    :param sources: a Region has the profiles if its name begins with one of these texts, such as ``eu-``.
    :param destinations: the Regions to which the profiles send requests; empty if AWS does not list them.
    """

    name: str
    sources: tuple[str, ...]
    destinations: tuple[str, ...]


# Source: the responses of ListInferenceProfiles in 17 Regions on 2026-10-07, in data/profiles.json of
# github.com/YutaOkoshi/aws-bedrock-quick-reference. On AWS, the Regions differ slightly from model to model:
# https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
# Here, all profiles of a scope have the same Regions.
SCOPES: Mapping[str, Scope] = {
    "us": Scope("US", ("us-", "ca-central-1"), ("us-east-1", "us-east-2", "us-west-2")),
    "ca": Scope("CA", ("ca-",), ("ca-central-1", "ca-west-1")),
    "eu": Scope("EU", ("eu-",), ("eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3")),
    "apac": Scope(
        "APAC",
        ("ap-",),
        ("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
    ),
    "jp": Scope("JP", ("ap-northeast-1", "ap-northeast-3"), ("ap-northeast-1", "ap-northeast-3")),
    "au": Scope("AU", ("ap-southeast-2", "ap-southeast-4"), ("ap-southeast-2", "ap-southeast-4")),
    "in": Scope("IN", ("ap-south-",), ("ap-south-1", "ap-south-2")),
    "global": Scope("Global", ("",), ()),
}


@functools.cache
def regions() -> frozenset[str]:
    """Return the names of the Regions that have Bedrock."""
    partitions = Loader().load_data("endpoints")["partitions"]
    partition = next(partition for partition in partitions if partition["partition"] == "aws")
    endpoints = partition["services"]["bedrock"]["endpoints"]
    return frozenset(name for name in endpoints if name in partition["regions"])


@functools.cache
def all_regions() -> frozenset[str]:
    """Return the names of the Regions of all partitions."""
    return frozenset(name for one in Loader().load_data("endpoints")["partitions"] for name in one["regions"])


def has_scope(region: str, scope: str) -> bool:
    """Return whether a Region has the inference profiles of a scope."""
    return scope in SCOPES and region.startswith(SCOPES[scope].sources)


def destinations(region: str, scope: str) -> tuple[str, ...]:
    """
    Return the Regions to which a profile of ``scope`` sends requests from ``region``, as AWS lists them.

    The Region of the request is one of them. For a global profile, the result is this Region and one empty name, which
    stands for all other Regions.
    """
    return tuple(sorted({*(SCOPES[scope].destinations or ("",)), region}))
