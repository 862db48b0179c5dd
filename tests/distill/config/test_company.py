"""Check which tags, KMS keys and networks a use case may name."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.company import MOST_TAGS, OWN_TAGS, key_problem, key_warnings, role_problem
from include.distill.config.parsing import parse_use_case
from include.distill.config.use_case import UseCase
from include.distill.core.errors import UseCaseError
from tests.distill.conftest import make_use_case

ROLE = "arn:aws:iam::123456789012:role/jobs"
KEY = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
ALIAS = "arn:aws:kms:us-east-1:123456789012:alias/team/models"
MULTI_REGION = f"arn:aws:kms:us-east-1:123456789012:key/mrk-{'0' * 32}"


def parsed(**aws: Any) -> UseCase:
    storage = aws.pop("storage", {})
    raw = make_use_case().model_dump(mode="json")
    return parse_use_case(
        {**raw, "aws": {"role_arn": ROLE, **aws}, "storage": {**raw["storage"], **storage}}, origin="test"
    )


def refusal(**aws: Any) -> str:
    with pytest.raises(UseCaseError) as refused:
        parsed(**aws)
    return refused.value.happened


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"cost-center": "4711", "Owner": "ml@example.com", "a b": "", "x" * 128: "y" * 256, "a._:/=+@-": "._:/=+@-"},
        {f"tag-{number}": "value" for number in range(MOST_TAGS)},
        {"projects": "a", "run": "b", "environment-a": "c"},
    ],
)
def test_tags_that_aws_accepts_on_every_resource_are_accepted(tags: dict[str, str]) -> None:
    assert parsed(tags=tags).aws.tags == tags


@pytest.mark.parametrize(
    ("tags", "text"),
    [
        ({"AWS:owner": "a"}, "aws.tags.AWS:owner: found 'AWS:owner', expected the key of a tag"),
        ({"": "a"}, "found '', expected the key of a tag"),
        ({"x" * 129: "a"}, "of at most 128 characters"),
        ({" team": "a"}, "found ' team', expected the key of a tag"),
        ({"équipe": "a"}, "letters from A to Z, digits, spaces"),
        ({"team": "é"}, "found 'é', expected the value of a tag of at most 256 characters"),
        ({"team": "a "}, "without spaces at the ends"),
        ({"team": "x" * 257}, "of at most 256 characters"),
        ({"team": "a\tb"}, "expected the value of a tag"),
        ({f"tag-{number}": "value" for number in range(MOST_TAGS + 1)}, "expected a mapping of at most 30 entries"),
        *(({key: "a"}, f"found {key!r}, expected a key that the pipeline does not set") for key in sorted(OWN_TAGS)),
        ({"Run-Id-2": "a"}, "found 'Run-Id-2', expected a key that the pipeline does not set"),
    ],
)
def test_tags_that_aws_or_the_pipeline_could_not_use_are_refused(tags: dict[str, str], text: str) -> None:
    assert text in refusal(tags=tags)


@pytest.mark.parametrize(
    ("key", "shown"),
    [("", "found ''"), (True, "found the key true"), (None, "found the key null"), (1, "found the key 1")],
)
def test_a_key_without_a_readable_name_is_reported_under_the_mapping(key: Any, shown: str) -> None:
    assert f"test: aws.tags: {shown}, expected " in refusal(tags={key: "a"})
    assert f"test: aws.tags: {shown}, expected " in refusal(tags={key: "a", "b": "c"})


def test_a_mapping_whose_entries_are_all_comments_is_empty() -> None:
    assert parsed(tags=None).aws.tags == {}
    assert parsed(storage={"bucket_owners": None}).storage.bucket_owners == {}


def test_a_key_is_the_arn_of_a_key_and_for_objects_also_of_an_alias() -> None:
    for key in (KEY, MULTI_REGION):
        assert parsed(kms_key_arn=key).aws.kms_key_arn == key
    assert parsed(storage={"kms_key_arn": ALIAS}).storage.kms_key_arn == ALIAS
    assert "expected the ARN of a KMS key, not of an alias" in refusal(kms_key_arn=ALIAS)
    assert "expected the ARN of a KMS key or of its alias" in refusal(storage={"kms_key_arn": "alias/models"})


def test_an_empty_key_is_no_key_so_that_a_variable_may_be_unset() -> None:
    use_case = parsed(kms_key_arn="", storage={"kms_key_arn": ""})
    assert (use_case.aws.kms_key_arn, use_case.storage.kms_key_arn) == (None, None)


def test_a_key_in_another_region_or_partition_is_refused() -> None:
    text = refusal(kms_key_arn=KEY.replace("us-east-1", "eu-west-1"))
    assert "aws.kms_key_arn: found" in text
    assert "a key in eu-west-1, but aws.region is us-east-1" in text
    text = refusal(storage={"kms_key_arn": ALIAS.replace("us-east-1", "eu-west-1")})
    assert "storage.kms_key_arn: found" in text
    assert "expected an ARN that begins with arn:aws-cn:kms:cn-north-1:" in str(key_problem(KEY, "cn-north-1"))
    assert key_problem(KEY, "us-east-1") is None
    assert key_problem(None, "us-east-1") is None


PARTITIONS = {
    "us-east-1": "aws",
    "cn-north-1": "aws-cn",
    "us-gov-west-1": "aws-us-gov",
    "us-iso-east-1": "aws-iso",
    "us-isob-east-1": "aws-iso-b",
    "eu-isoe-west-1": "aws-iso-e",
    "us-isof-south-1": "aws-iso-f",
    "eusc-de-east-1": "aws-eusc",
}


@pytest.mark.parametrize("region", PARTITIONS)
@pytest.mark.parametrize("found", PARTITIONS.values())
def test_keys_and_roles_must_be_in_the_partition_of_the_region(region: str, found: str) -> None:
    partition, mark = PARTITIONS[region], f":{found}:"
    key, role = KEY.replace(":aws:", mark).replace("us-east-1", region), ROLE.replace(":aws:", mark)
    problems = {"key": key_problem(key, region), "role": role_problem(role, region)}
    if found == partition:
        assert problems == {"key": None, "role": None}
        return
    for (kind, problem), begin in zip(problems.items(), (f"kms:{region}:", "iam::"), strict=True):
        assert f"a {kind} in the partition {found}, but aws.region is {region}, a Region of" in str(problem)
        assert f"begins with arn:{partition}:{begin}. Copy" in str(problem)


def test_a_use_case_with_a_role_in_another_partition_is_refused() -> None:
    for region, role in (("us-east-1", ROLE.replace(":aws:", ":aws-us-gov:")), ("cn-north-1", ROLE)):
        assert "aws.role_arn: found" in refusal(region=region, role_arn=role)


def test_a_key_of_another_account_gets_a_warning() -> None:
    keys = {"aws.kms_key_arn": KEY, "storage.kms_key_arn": ALIAS.replace("1234", "9999"), "other": None}
    (warning,) = key_warnings(keys, "123456789012")
    assert warning.startswith("storage.kms_key_arn is a KMS key of account 999956789012, but the jobs run in account 1")


def subnets(count: int) -> list[str]:
    return [f"subnet-{number:017x}" for number in range(count)]


@pytest.mark.parametrize(
    ("subnet_count", "group_count", "fits"),
    [(1, 1, True), (16, 5, True), (17, 1, False), (1, 6, False), (0, 1, False), (1, 0, False)],
)
def test_a_network_has_as_many_subnets_and_groups_as_bedrock_accepts(
    subnet_count: int, group_count: int, fits: bool
) -> None:
    vpc = {"subnet_ids": subnets(subnet_count), "security_group_ids": [f"sg-{n:08x}" for n in range(group_count)]}
    if fits:
        found = parsed(vpc=vpc).aws.vpc
        assert found is not None
        assert found.config == {"subnetIds": vpc["subnet_ids"], "securityGroupIds": vpc["security_group_ids"]}
    else:
        assert "expected a list of 1 to" in refusal(vpc=vpc)


@pytest.mark.parametrize(
    ("vpc", "text"),
    [
        ({"subnet_ids": ["sg-01234567"]}, "aws.vpc.subnet_ids.0: found 'sg-01234567', expected the id of a subnet"),
        ({"security_group_ids": ["sg-xyz"]}, "security_group_ids.0: found 'sg-xyz', expected the id of a security"),
        ({"subnet_ids": [*subnets(1), *subnets(1)]}, "aws.vpc.subnet_ids.1: found 'subnet-00000000000000000' a second"),
    ],
)
def test_ids_that_are_none_or_occur_twice_are_refused(vpc: dict[str, Any], text: str) -> None:
    assert text in refusal(vpc={"subnet_ids": subnets(1), "security_group_ids": ["sg-01234567"], **vpc})
