"""The template's role, buckets, key, parameters and outputs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.config.loader import load_use_cases
from include.distill.config.use_case import UseCase
from tests.deploy.stack_under_test import EVERYTHING, REQUIRED, TEMPLATE, actions, documents, largest_stack, stack
from tests.fakes.variables import VARIABLES
from tools.aws_simulator.access.policies import AccessRequest, decide
from tools.aws_simulator.stacks.yaml_files import StackError, read_yaml

KEY = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-0000-4000-8000-000000000000"
PARAMETERS: dict[str, dict[str, Any]] = read_yaml(TEMPLATE)["Parameters"]
BUCKETS = ["TrainingBucket", "OutputBucket"]
SWITCHES = {
    "AllowBucketCreation": {"s3:CreateBucket", "s3:DeleteBucket", "s3:PutBucketTagging"},
    "AllowMarketplaceSubscriptions": {"aws-marketplace:Subscribe", "aws-marketplace:ViewSubscriptions"},
    "CreateKmsKey": {"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"},
    "HumanWorkers": {"sagemaker:StartHumanLoop"},
    "UseVpc": {"ec2:CreateNetworkInterface", "ec2:CreateTags"},
}


def shipped() -> tuple[UseCase, ...]:
    use_cases = load_use_cases(environment=VARIABLES)
    assert len(use_cases.valid) >= 5
    return tuple(use_cases.valid)


def defaults(parameter: str) -> set[str]:
    return set(PARAMETERS[parameter]["Default"].split(","))


def test_only_three_parameters_have_no_default() -> None:
    assert {name for name, parameter in PARAMETERS.items() if "Default" not in parameter} == REQUIRED.keys()


def test_every_parameter_is_explained_and_tested() -> None:
    assert [name for name, parameter in PARAMETERS.items() if not parameter.get("Description")] == []
    tested = {*EVERYTHING, "CreateBuckets", "KmsKeyArn", "FoundationModels", "InferenceProfiles"}
    assert tested == PARAMETERS.keys()


def test_the_listed_models_are_those_of_the_shipped_use_cases() -> None:
    catalog = load_catalog()
    keys = {key for use_case in shipped() for key in use_case.all_models}
    models = [catalog.model(key) for key in keys]
    assert defaults("FoundationModels") == {model.foundation_id for model in models}
    assert defaults("InferenceProfiles") == {
        model.inference_id for model in models if model.inference_id != model.foundation_id
    }


def test_the_lines_for_the_environment_make_the_shipped_use_cases_valid() -> None:
    lines = stack().outputs["EnvFile"].splitlines()
    variables = dict(line.split("=", 1) for line in lines)
    use_cases = load_use_cases(environment=variables)
    assert {one.name for one in use_cases.valid} == {one.name for one in shipped()}
    (sample,) = (one for one in use_cases.valid if one.name == "aws_docs_qa")
    assert sample.environment == "prod"
    assert sample.storage.training_bucket == REQUIRED["TrainingBucketName"]
    assert sample.storage.output_bucket == REQUIRED["OutputBucketName"]
    assert sample.aws.role_arn == stack().outputs["JobsRoleArn"]


def test_the_lines_for_the_environment_name_the_key_if_there_is_one() -> None:
    assert f"DISTILL_KMS_KEY_ARN={KEY}" in stack(KmsKeyArn=KEY).outputs["EnvFile"].splitlines()
    assert "DISTILL_KMS_KEY_ARN" not in stack().outputs["EnvFile"]


@pytest.mark.parametrize("name", SWITCHES)
def test_optional_permissions_are_granted_only_if_they_are_wanted(name: str) -> None:
    more = {"SubnetIds": "subnet-1", "SecurityGroupIds": "sg-1"} if name == "UseVpc" else {}
    without, granted = actions(stack()), actions(stack(**{name: "true"}, **more))
    assert SWITCHES[name] <= granted - without


def test_an_existing_key_gives_the_same_permissions_as_a_new_one() -> None:
    assert actions(stack(KmsKeyArn=KEY)) == actions(stack(CreateKmsKey="true"))
    assert "KmsKey" not in stack(KmsKeyArn=KEY).resources
    assert KEY in json.dumps(documents(stack(KmsKeyArn=KEY))["JobsRole"])


@pytest.mark.parametrize("kind", ["model-customization-job", "model-invocation-job", "evaluation-job"])
@pytest.mark.parametrize("account", ["123456789012", "210987654321"])
def test_the_role_of_jobs_trusts_bedrock_only_for_jobs_of_the_account(kind: str, account: str) -> None:
    trust = stack().resources["JobsRole"].properties["AssumeRolePolicyDocument"]
    source = f"arn:aws:bedrock:us-east-1:{account}:{kind}/abc"
    context = {"aws:SourceAccount": account, "aws:SourceArn": source}
    principal = frozenset({("Service", "bedrock.amazonaws.com")})
    decision = decide([trust], AccessRequest("sts:AssumeRole", "", principal, context))
    assert decision == ("allowed" if account == "123456789012" else "not allowed")


def test_the_role_of_jobs_does_not_trust_other_services_or_resources() -> None:
    trust = stack().resources["JobsRole"].properties["AssumeRolePolicyDocument"]
    context = {"aws:SourceAccount": "123456789012", "aws:SourceArn": "arn:aws:bedrock:us-east-1:123456789012:agent/abc"}
    bedrock = frozenset({("Service", "bedrock.amazonaws.com")})
    assert decide([trust], AccessRequest("sts:AssumeRole", "", bedrock, context)) == "not allowed"


def test_the_names_of_the_policies_are_those_of_the_article() -> None:
    (inline,) = stack().resources["JobsRole"].properties["Policies"]
    assert inline["PolicyName"] == "bedrock-customization"
    name = stack().resources["PassRolePolicy"].properties["ManagedPolicyName"]
    assert name == "bedrock-distill-prod-iam-pass-role"


def test_the_roles_of_airflow_get_the_policies() -> None:
    attached = {
        name: resource.properties.get("Roles")
        for name, resource in largest_stack().resources.items()
        if resource.type == "AWS::IAM::ManagedPolicy"
    }
    assert attached == {
        "RunPolicy": ["distill-run"],
        "RunModelsPolicy": ["distill-run"],
        "RunStoragePolicy": ["distill-run"],
        "PassRolePolicy": ["distill-run"],
        "PromotionPolicy": ["distill-promotion"],
        "CleanUpPolicy": ["distill-clean-up"],
        "CheckPolicy": ["distill-check"],
    }
    assert "Roles" not in stack().resources["RunPolicy"].properties


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_private_and_encrypted_and_keeps_no_parts_of_failed_uploads(name: str) -> None:
    bucket = stack().resources[name].properties
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert "VersioningConfiguration" not in bucket
    # distill_clean_up deletes buckets that have this tag.
    assert "project" not in {tag["Key"] for tag in bucket["Tags"]}


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_encrypted_with_the_key(name: str) -> None:
    (encryption,) = (
        stack(CreateKmsKey="true").resources[name].properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    )
    by_default = encryption["ServerSideEncryptionByDefault"]
    assert by_default["SSEAlgorithm"] == "aws:kms"
    assert by_default["KMSMasterKeyID"] == stack(CreateKmsKey="true").outputs["KmsKeyArn"]


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_refuses_requests_without_tls(name: str) -> None:
    policy = stack().resources[f"{name}Policy"].properties["PolicyDocument"]
    bucket = REQUIRED[f"{name}Name"]
    for resource in (f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/distill/x"):
        anyone = frozenset({("AWS", "123456789012")})
        plain = AccessRequest("s3:GetObject", resource, anyone, {"aws:SecureTransport": "false"})
        encrypted = AccessRequest("s3:GetObject", resource, anyone, {"aws:SecureTransport": "true"})
        assert decide([policy], plain) == "denied"
        assert decide([policy], encrypted) == "not allowed"


def test_buckets_that_exist_are_left_alone() -> None:
    kinds = {resource.type for resource in stack(CreateBuckets="false").resources.values()}
    assert kinds == {"AWS::IAM::Role", "AWS::IAM::ManagedPolicy"}
    assert documents(stack(CreateBuckets="false")) == documents(stack())


def test_nothing_that_holds_data_is_deleted_with_the_stack() -> None:
    resources = read_yaml(TEMPLATE)["Resources"]
    for name in (*BUCKETS, "KmsKey"):
        assert resources[name]["DeletionPolicy"] == resources[name]["UpdateReplacePolicy"] == "Retain"


def test_runs_and_answers_are_deleted_after_the_wanted_time() -> None:
    rules = largest_stack().resources["TrainingBucket"].properties["LifecycleConfiguration"]["Rules"]
    expiring = {rule["Prefix"]: int(rule["ExpirationInDays"]) for rule in rules if "ExpirationInDays" in rule}
    prefix = EVERYTHING["Prefix"]
    assert expiring == {f"{prefix}/runs/": 30, f"{prefix}/responses/": 90}


def test_company_tags_and_the_boundary_are_on_the_role() -> None:
    role = largest_stack().resources["JobsRole"].properties
    named = {tag["Key"]: tag["Value"] for tag in role["Tags"]}
    assert (named["cost-center"], named["owner"]) == ("4711", "answers-team")
    assert role["PermissionsBoundary"] == EVERYTHING["PermissionsBoundaryArn"]
    assert {tag["Key"] for tag in stack().resources["JobsRole"].properties["Tags"]} == {"project", "environment"}
    assert "PermissionsBoundary" not in stack().resources["JobsRole"].properties


def test_the_page_of_human_workers_may_read_the_output_bucket() -> None:
    (rule,) = largest_stack().resources["OutputBucket"].properties["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedMethods"] == ["GET"]
    assert "CorsConfiguration" not in stack().resources["OutputBucket"].properties


def test_two_stacks_of_one_environment_have_different_names_for_global_resources() -> None:
    def names(suffix: str) -> set[str]:
        resources = stack(NameSuffix=suffix).resources.values()
        return {resource.name for resource in resources if resource.type.startswith("AWS::IAM")}

    assert names("").isdisjoint(names("-us-west-2"))


@pytest.mark.parametrize("lacking", ["SubnetIds", "SecurityGroupIds"])
def test_a_vpc_needs_subnets_and_security_groups(lacking: str) -> None:
    given = {"UseVpc": "true", "SubnetIds": "subnet-1,subnet-2", "SecurityGroupIds": "sg-1"}
    assert stack(**given).resources
    del given[lacking]
    with pytest.raises(StackError, match=rf"UseVpc=true needs {lacking}"):
        stack(**given)
