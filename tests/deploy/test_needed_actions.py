"""The template's policies allow everything that the list of needed actions names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import pytest

from include.distill.account_check.needed_actions import needed_actions
from include.distill.account_check.needs import Need, Who, statement
from include.distill.config.loader import load_use_cases
from include.distill.config.use_case import UseCase
from tests.deploy.stack_under_test import POLICIES_OF, Document, documents, stack
from tests.fakes.variables import VARIABLES
from tools.aws_simulator.access.policies import AccessRequest, decide

USE_CASES = {use_case.name: use_case for use_case in load_use_cases(environment=VARIABLES).valid}
IDENTITIES = get_args(Who)


def policies(use_case: UseCase, **options: str) -> dict[str, Document]:
    """Render the policies for the environment, the buckets and the Region of a use case."""
    storage, aws = use_case.storage, use_case.aws
    rendered = stack(
        Environment=use_case.environment,
        Prefix=storage.prefix,
        TrainingBucketName=storage.training_bucket,
        OutputBucketName=storage.output_bucket,
        HumanWorkers="true",
        **options,
    )
    # The simulated stack is in us-east-1, and the role has a name of its own.
    role = rendered.outputs["JobsRoleArn"]
    return {
        name: _renamed(_renamed(document, role, aws.role_arn), "us-east-1", aws.region)
        for name, document in documents(rendered).items()
    }


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, Mapping):
        return {key: _renamed(part, old, new) for key, part in value.items()}
    return [_renamed(part, old, new) for part in value] if isinstance(value, list) else value


def request(use_case: UseCase, need: Need) -> AccessRequest:
    context = {key: values[0] if len(values) == 1 else values for key, values in need.context(use_case).items()}
    return AccessRequest(need.action, need.example(use_case.aws.region), context=context)


@pytest.mark.parametrize("who", IDENTITIES)
@pytest.mark.parametrize("name", sorted(USE_CASES))
def test_the_policies_of_each_identity_allow_what_it_needs(name: str, who: Who) -> None:
    use_case = USE_CASES[name]
    rendered = policies(use_case)
    own = [rendered[policy] for policy in POLICIES_OF[who]]
    needs = [need for need in needed_actions(use_case) if need.who == who]
    assert needs
    refused = [need for need in needs if decide(own, request(use_case, need)) != "allowed"]
    assert refused == []


@pytest.mark.parametrize("who", IDENTITIES)
def test_with_a_key_and_a_network_the_policies_allow_what_they_need(who: Who) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
    network = {"subnet_ids": ["subnet-01234567"], "security_group_ids": ["sg-01234567"]}
    raw = USE_CASES["aws_docs_qa"].model_dump(mode="json")
    raw["aws"] |= {"kms_key_arn": key, "vpc": network}
    raw["storage"]["kms_key_arn"] = key
    use_case = UseCase.model_validate(raw)
    options = {"KmsKeyArn": key, "UseVpc": "true", "SubnetIds": "subnet-01234567", "SecurityGroupIds": "sg-01234567"}
    rendered = policies(use_case, **options)
    names = [*POLICIES_OF[who], *(["JobsVpcPolicy"] if who == "jobs" else [])]
    needs = [need for need in needed_actions(use_case) if need.who == who]
    assert {need.action.partition(":")[0] for need in needs} >= {"kms", "s3"}
    own = [rendered[name] for name in names]
    assert [need for need in needs if decide(own, request(use_case, need)) != "allowed"] == []


@pytest.mark.parametrize("name", sorted(USE_CASES))
def test_the_line_to_add_allows_the_need_and_not_that_of_another_environment(name: str) -> None:
    use_case = USE_CASES[name]
    other = use_case.model_copy(update={"environment": "other"})
    for need in needed_actions(use_case):
        policy = {"Version": "2012-10-17", "Statement": [statement([need], use_case)]}
        assert decide([policy], request(use_case, need)) == "allowed", need
        if need.tags:
            assert decide([policy], request(other, need)) == "not allowed", need


def test_a_run_may_not_do_what_only_a_promotion_needs() -> None:
    use_case = USE_CASES["promote_demo"]
    rendered = policies(use_case)
    own = [rendered[policy] for policy in POLICIES_OF["run"]]
    needs = [need for need in needed_actions(use_case) if need.who == "promotion" and "/champions/" in need.resource]
    assert {decide(own, request(use_case, need)) for need in needs if need.action == "s3:PutObject"} == {"not allowed"}


@pytest.mark.parametrize("who", ["run", "promotion", "clean_up"])
@pytest.mark.parametrize("name", sorted(USE_CASES))
def test_a_stack_of_another_region_allows_nothing_that_a_use_case_buys_calls_or_lists(name: str, who: Who) -> None:
    use_case = USE_CASES[name]
    here = policies(use_case)
    # Only the Region differs, so that what the second stack allows is what it would hide.
    elsewhere = [_renamed(here[policy], use_case.aws.region, "eu-west-1") for policy in POLICIES_OF[who]]
    needs = [need for need in needed_actions(use_case) if need.who == who and need.action.startswith("bedrock:")]
    assert [need for need in needs if decide(elsewhere, request(use_case, need)) == "allowed"] == []
