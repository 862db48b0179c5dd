"""A job's role: existence, trust and permissions, first alone and then with jobs."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from tests.deploy.stack_under_test import stack
from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator.builders import (
    BUCKET,
    batch_records,
    batch_request,
    conversation,
    create_batch,
    create_distillation,
    create_job,
    finished_batch,
    finished_job,
    fresh,
    job_request,
    jsonl,
    put,
    refused,
    teacher,
)
from tools.aws_simulator.services.permissions import ROOT
from tools.aws_simulator.services.roles import Roles, service_role

ACCOUNT = "123456789012"


def allow(*actions: str, resource: Any = "*", **changes: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **changes}


S3 = allow("s3:GetObject", "s3:PutObject", "s3:ListBucket")
MODELS = allow("bedrock:InvokeModel")


def new_role(simulator: RunningSimulator, *statements: Any, trust: Any = None, **condition: Any) -> str:
    """Create a role and return its ARN."""
    entry = {
        "Effect": "Allow",
        "Principal": {"Service": "bedrock.amazonaws.com"} if trust is None else trust,
        "Action": "sts:AssumeRole",
        **({"Condition": condition} if condition else {}),
    }
    iam, name = simulator.boto("iam"), fresh("role")
    document = json.dumps({"Version": "2012-10-17", "Statement": [entry]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
    return str(arn)


def test_the_role_of_the_template_is_enough(simulator: RunningSimulator) -> None:
    role = stack(TrainingBucketName=BUCKET, OutputBucketName=BUCKET).resources["JobsRole"].properties
    trust, (policy,) = json.dumps(role["AssumeRolePolicyDocument"]), role["Policies"]
    iam, name = simulator.boto("iam"), fresh("role")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    document = json.dumps(policy["PolicyDocument"])
    iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)
    output = f"s3://{BUCKET}/distill/output/"
    records = jsonl([conversation(f"How many rules are there, number {index}?") for index in range(10)])
    given = {
        "trainingDataConfig": {"s3Uri": put(simulator, f"distill/{name}/train.jsonl", records)},
        "outputDataConfig": {"s3Uri": output},
    }
    assert finished_job(simulator, create_job(simulator, roleArn=arn, **given))["status"] == "Completed"
    uri = put(simulator, f"distill/{name}/input.jsonl", jsonl(batch_records()))
    given = {
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": uri}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": output}},
    }
    batch = create_batch(simulator, roleArn=arn, modelId="amazon.nova-micro-v1:0", **given)
    assert finished_batch(simulator, batch)["status"] == "Completed"


@pytest.mark.parametrize(
    ("trust", "condition"),
    [
        ({"Service": "ec2.amazonaws.com"}, {}),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, {}),
        (None, {"StringEquals": {"aws:SourceAccount": "999999999999"}}),
        (None, {"ArnLike": {"aws:SourceArn": f"arn:aws:bedrock:us-west-2:{ACCOUNT}:*"}}),
        (None, {"ArnEquals": {"aws:SourceArn": f"arn:aws:bedrock:us-east-1:{ACCOUNT}:evaluation-job/*"}}),
    ],
)
def test_a_role_that_does_not_trust_bedrock(simulator: RunningSimulator, trust: Any, condition: Any) -> None:
    arn = new_role(simulator, S3, MODELS, trust=trust, **condition)
    with refused("ValidationException", "Could not assume provided IAM role."):
        create_job(simulator, roleArn=arn)
    with refused("ValidationException", "Could not assume provided IAM role."):
        create_batch(simulator, roleArn=arn)


def test_a_role_that_does_not_exist_or_is_of_another_account(simulator: RunningSimulator) -> None:
    jobs = simulator.boto("bedrock").list_model_customization_jobs()["modelCustomizationJobSummaries"]
    with refused("ValidationException", "Could not assume provided IAM role."):
        create_job(simulator, roleArn=f"arn:aws:iam::{ACCOUNT}:role/none")
    with refused("AccessDeniedException", "Cross-account pass role is not allowed."):
        create_job(simulator, roleArn="arn:aws:iam::999999999999:role/customization")
    after = simulator.boto("bedrock").list_model_customization_jobs()["modelCustomizationJobSummaries"]
    assert after == jobs


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        ([], "Amazon S3 perms missing (PutObject)"),
        ([allow("s3:GetObject", "s3:ListBucket")], "Amazon S3 perms missing (PutObject)"),
        ([allow("s3:PutObject")], "Could not validate GetObject permissions to access Amazon S3 bucket"),
        ([S3, allow("s3:Get*", Effect="Deny")], "Could not validate GetObject permissions"),
        ([S3, allow("s3:PutObject", resource=f"arn:aws:s3:::{BUCKET}/output/*", Effect="Deny")], "(PutObject)"),
        ([allow("s3:*", resource=f"arn:aws:s3:::{BUCKET}")], "(PutObject)"),
        ([allow("s3:*", Condition={"StringEquals": {"aws:ResourceAccount": "1"}})], "(PutObject)"),
    ],
)
def test_a_customization_job_needs_its_permissions(
    simulator: RunningSimulator, statements: list[Any], message: str
) -> None:
    job = finished_job(simulator, create_job(simulator, roleArn=new_role(simulator, *statements)))
    assert job["status"] == "Failed"
    assert message in job["failureMessage"]


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        ([MODELS, allow("s3:GetObject")], "Could not validate permissions to access Amazon S3 bucket"),
        ([MODELS, allow("s3:PutObject")], "Could not validate GetObject permissions to access Amazon S3 bucket"),
        ([S3], "is not authorized to perform: bedrock:InvokeModel"),
        ([S3, allow("bedrock:InvokeModel", resource="arn:aws:bedrock:*::foundation-model/*")], "bedrock:InvokeModel"),
    ],
)
def test_a_batch_job_needs_its_permissions(simulator: RunningSimulator, statements: list[Any], message: str) -> None:
    batch = finished_batch(simulator, create_batch(simulator, roleArn=new_role(simulator, *statements)))
    assert batch["status"] == "Failed"
    assert message in batch["message"]


def test_a_distillation_job_needs_a_permission_only_for_a_teacher_in_a_profile(simulator: RunningSimulator) -> None:
    profile = teacher("us.amazon.nova-pro-v1:0")
    only_s3, all_models = new_role(simulator, S3), new_role(simulator, S3, MODELS)
    failed = create_distillation(simulator, roleArn=only_s3, customizationConfig=profile)
    assert finished_job(simulator, failed)["failureMessage"] == (
        f"The role {only_s3} is not authorized to perform: bedrock:InvokeModel on us.amazon.nova-pro-v1:0"
    )
    for role, config in ((only_s3, teacher()), (all_models, profile)):
        arn = create_distillation(simulator, roleArn=role, customizationConfig=config)
        assert finished_job(simulator, arn)["status"] == "Completed"


def test_a_role_may_be_allowed_to_use_a_model_only_through_a_profile(simulator: RunningSimulator) -> None:
    profiles = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile"
    for through, status in ((f"{profiles}/us.amazon.nova-pro-v1:0", "Completed"), (f"{profiles}/us.other", "Failed")):
        condition = {"StringLike": {"bedrock:InferenceProfileArn": through}}
        model = allow("bedrock:InvokeModel", resource="arn:aws:bedrock:*::foundation-model/*", Condition=condition)
        role = new_role(simulator, S3, allow("bedrock:InvokeModel", resource=f"{profiles}/*"), model)
        arn = create_distillation(simulator, roleArn=role, customizationConfig=teacher("us.amazon.nova-pro-v1:0"))
        assert finished_job(simulator, arn)["status"] == status


def test_managed_policies_and_boundaries_count(simulator: RunningSimulator) -> None:
    iam, arn = simulator.boto("iam"), new_role(simulator)
    name = arn.rpartition("/")[2]
    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    assert finished_job(simulator, create_job(simulator, roleArn=arn))["status"] == "Completed"
    reader = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=reader)
    assert "(PutObject)" in finished_job(simulator, create_job(simulator, roleArn=arn))["failureMessage"]


def test_requests_with_the_token_of_an_existing_job_are_not_checked_again(simulator: RunningSimulator) -> None:
    arn = new_role(simulator, S3)
    request = job_request(simulator, roleArn=arn, clientRequestToken=fresh("token"))
    job = simulator.boto("bedrock").create_model_customization_job(**request)["jobArn"]
    name = arn.rpartition("/")[2]
    simulator.boto("iam").delete_role_policy(RoleName=name, PolicyName="p")
    simulator.boto("iam").delete_role(RoleName=name)
    assert simulator.boto("bedrock").create_model_customization_job(**request)["jobArn"] == job


def test_a_role_with_a_path() -> None:
    record = service_role(f"arn:aws:iam::{ACCOUNT}:role/service-role/jobs")
    assert (record["path"], record["name"]) == ("/service-role/", "jobs")


@pytest.mark.parametrize("arn", ["", "jobs", f"arn:aws:iam::{ACCOUNT}:role/", "arn:aws:iam::999999999999:role/jobs"])
def test_a_role_of_another_account_cannot_be_created(arn: str) -> None:
    with pytest.raises(ValueError, match="is not the ARN of a role of the account 123456789012"):
        service_role(arn)


def test_batch_input_is_read_with_the_role(simulator: RunningSimulator) -> None:
    request = batch_request(simulator)
    key = request["inputDataConfig"]["s3InputDataConfig"]["s3Uri"].partition(f"{BUCKET}/")[2]
    writable = allow("s3:PutObject", resource=f"arn:aws:s3:::{BUCKET}/output/*")
    role = new_role(simulator, MODELS, allow("s3:GetObject", resource=f"arn:aws:s3:::{BUCKET}/{key}"), writable)
    batch = simulator.boto("bedrock").create_model_invocation_job(**{**request, "roleArn": role})["jobArn"]
    assert finished_batch(simulator, batch)["status"] == "Completed"


@pytest.mark.parametrize(
    ("effect", "principal", "expected"),
    [
        ("Deny", "*", False),
        ("Deny", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, False),
        ("Deny", {"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}, True),
        ("Allow", {"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}, True),
    ],
)
def test_only_the_policy_of_a_resource_can_keep_the_root_user_from_an_action(
    effect: str, principal: Any, expected: bool
) -> None:
    unused: Any = SimpleNamespace(changes=0)
    statement = {"Effect": effect, "Principal": principal, "Action": "s3:*", "Resource": "arn:aws:s3:::data/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    asked = (ROOT, "s3:GetObject", "arn:aws:s3:::data/a", "us-east-1")
    assert Roles(unused).allows(*asked)
    assert Roles(unused).allows(*asked, resource_policy=policy) is expected
