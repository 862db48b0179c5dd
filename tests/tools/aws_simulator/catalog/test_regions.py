"""The Regions are botocore's, and every scope of the catalog has Regions."""

from __future__ import annotations

import boto3
import pytest

from tools.aws_simulator.catalog.catalog import load_catalog
from tools.aws_simulator.catalog.regions import (
    COUNT_TOKENS_REGIONS,
    PROMPT_OPTIMIZATION_REGIONS,
    SCOPES,
    all_regions,
    destinations,
    has_scope,
    regions,
)


def test_the_regions_are_those_in_which_boto3_finds_bedrock() -> None:
    assert regions() == set(boto3.Session().get_available_regions("bedrock"))
    assert {region for scope in SCOPES.values() for region in scope.destinations} | COUNT_TOKENS_REGIONS < regions()


def test_prompt_optimization_jobs_exist_in_fourteen_regions() -> None:
    assert len(PROMPT_OPTIMIZATION_REGIONS) == 14
    assert regions() > PROMPT_OPTIMIZATION_REGIONS


def test_every_scope_in_the_catalog_is_known() -> None:
    assert {scope for model in load_catalog().models.values() for scope in model.profiles} <= set(SCOPES)


@pytest.mark.parametrize(
    ("region", "scopes"),
    [
        ("us-east-1", {"us", "global"}),
        ("ca-central-1", {"us", "ca", "global"}),
        ("eu-west-3", {"eu", "global"}),
        ("ap-northeast-1", {"apac", "jp", "global"}),
        ("ap-southeast-2", {"apac", "au", "global"}),
        ("ap-south-1", {"apac", "in", "global"}),
        ("sa-east-1", {"global"}),
    ],
)
def test_a_region_has_the_profiles_of_its_geography(region: str, scopes: set[str]) -> None:
    assert {scope for scope in SCOPES if has_scope(region, scope)} == scopes
    assert not has_scope(region, "mars")


@pytest.mark.parametrize(
    ("region", "scope", "expected"),
    [
        ("us-east-1", "us", ("us-east-1", "us-east-2", "us-west-2")),
        ("ca-central-1", "us", ("ca-central-1", "us-east-1", "us-east-2", "us-west-2")),
        ("ap-northeast-3", "jp", ("ap-northeast-1", "ap-northeast-3")),
        ("eu-west-1", "global", ("", "eu-west-1")),
    ],
)
def test_the_region_of_the_request_is_a_destination(region: str, scope: str, expected: tuple[str, ...]) -> None:
    assert destinations(region, scope) == expected


def test_all_regions_are_those_of_all_partitions() -> None:
    assert regions() < all_regions()
    assert {"af-south-1", "cn-north-1", "us-gov-west-1"} < all_regions()
    assert not {"", "us_east_1", "mars-1", "us-east-9"} & all_regions()
