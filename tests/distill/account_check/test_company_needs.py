from __future__ import annotations

from typing import Any

import pytest

from include.distill.account_check.company_needs import key_needs, network_needs
from include.distill.account_check.needed_actions import needed_actions
from include.distill.account_check.needs import Arns
from include.distill.config.use_case import UseCase
from tests.distill.conftest import make_use_case

ROLE = "arn:aws:iam::123456789012:role/r"
KEY = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
ALIAS = "arn:aws:kms:us-east-1:123456789012:alias/objects"
VPC = {"subnet_ids": ["subnet-01234567"], "security_group_ids": ["sg-01234567"]}


def company(*, objects: str | None = None, **aws: Any) -> UseCase:
    storage = {"training_bucket": "training", "output_bucket": "output", "kms_key_arn": objects}
    return make_use_case(aws={"role_arn": ROLE, **aws}, storage=storage)


def test_a_use_case_without_keys_and_network_needs_nothing_for_them() -> None:
    use_case = company()
    assert not {need.action for need in needed_actions(use_case) if need.action.startswith(("kms:", "ec2:"))}


def test_the_key_of_objects_is_used_through_s3_by_everyone_who_reads_objects() -> None:
    needs = list(key_needs(company(objects=KEY), has_jobs=True))
    assert {need.who for need in needs} == {"run", "promotion", "clean_up", "jobs"}
    assert {need.action for need in needs} == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert {need.conditions for need in needs} == {(("kms:ViaService", "s3.us-east-1.amazonaws.com"),)}


def test_the_key_of_models_is_used_through_bedrock_by_the_buyer_and_the_role_of_jobs() -> None:
    needs = list(key_needs(company(kms_key_arn=KEY), has_jobs=True))
    assert {need.who for need in needs} == {"run", "jobs"}
    assert {need.action for need in needs} > {"kms:CreateGrant", "kms:DescribeKey"}
    assert {need.conditions for need in needs} == {(("kms:ViaService", "bedrock.us-east-1.amazonaws.com"),)}


def test_without_jobs_no_role_of_jobs_needs_the_key() -> None:
    assert {need.who for need in key_needs(company(kms_key_arn=KEY), has_jobs=False)} == {"run"}


def test_the_key_behind_an_alias_is_not_known() -> None:
    use_case = company(objects=ALIAS)
    assert list(key_needs(use_case, has_jobs=True)) == []


@pytest.mark.parametrize("resource", ["network-interface/*", "subnet/subnet-01234567", "security-group/sg-01234567"])
def test_jobs_in_a_network_need_an_interface_in_each_part_of_it(resource: str) -> None:
    use_case = company(vpc=VPC)
    needs = list(network_needs(use_case, Arns.of(use_case)))
    assert {need.who for need in needs} == {"jobs"}
    created = {need.resource for need in needs if need.action == "ec2:CreateNetworkInterface"}
    assert f"arn:aws:ec2:us-east-1:123456789012:{resource}" in created
    assert {need.resource for need in needs if need.action.startswith("ec2:Describe")} == {"*"}
