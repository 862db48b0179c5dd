from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.aws_simulator.stacks.yaml_files import StackError
from tools.aws_simulator.testing import RunningSimulator, start_simulator

TEMPLATE = """
Parameters:
  Action: {Type: String, Default: "s3:GetObject"}
Resources:
  Jobs:
    Type: AWS::IAM::Role
    Properties:
      RoleName: jobs
      MaxSessionDuration: 7200
      PermissionsBoundary: !Ref Boundary
      Tags: [{Key: Owner, Value: team}]
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Principal: {Service: bedrock.amazonaws.com}, Action: "sts:AssumeRole"}]
      Policies:
        - PolicyName: objects
          PolicyDocument: &objects
            Version: 2012-10-17
            Statement: [{Effect: Allow, Action: !Ref Action, Resource: !Sub "${Data.Arn}/*"}]
  Boundary:
    Type: AWS::IAM::ManagedPolicy
    Properties: {ManagedPolicyName: boundary, PolicyDocument: *objects}
  Run:
    Type: AWS::IAM::ManagedPolicy
    Properties: {ManagedPolicyName: run, PolicyDocument: *objects, Roles: [airflow, !Ref Jobs]}
  More:
    Type: AWS::IAM::RolePolicy
    Properties: {PolicyName: more, RoleName: !Ref Jobs, PolicyDocument: *objects}
  Key: {Type: "AWS::KMS::Key", Properties: {KeyPolicy: {}}}
  Data:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: stack-data
      BucketEncryption: {ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: {SSEAlgorithm: AES256}}]}
      PublicAccessBlockConfiguration: {BlockPublicAcls: true, BlockPublicPolicy: true}
      LifecycleConfiguration: {Rules: [{Id: runs, Status: Enabled, ExpirationInDays: 3, Prefix: runs/}]}
  DataPolicy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Data
      PolicyDocument:
        Version: 2012-10-17
        Statement:
          - {Effect: Deny, Principal: "*", Action: "s3:*", Resource: !Sub "${Data.Arn}/*",
             Condition: {Bool: {"aws:SecureTransport": false}}}
"""
BOUNDARY, RUN = (f"arn:aws:iam::123456789012:policy/{name}" for name in ("boundary", "run"))


@pytest.fixture
def template(tmp_path: Path) -> Path:
    return written(tmp_path, TEMPLATE)


def written(folder: Path, text: str) -> Path:
    path = folder / "stack.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def simulator(tmp_path: Path, template: Path) -> Iterator[RunningSimulator]:
    with start_simulator(tmp_path / "state", policies=[template], callers={"run": "airflow"}) as running:
        yield running


def test_the_account_has_the_roles_and_policies_of_the_template(simulator: RunningSimulator) -> None:
    iam = simulator.boto("iam")
    role = iam.get_role(RoleName="jobs")["Role"]
    assert role["MaxSessionDuration"] == 7200
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    assert role["Tags"] == [{"Key": "Owner", "Value": "team"}]
    assert iam.list_role_policies(RoleName="jobs")["PolicyNames"] == ["more", "objects"]
    attached = iam.list_attached_role_policies(RoleName="airflow")["AttachedPolicies"]
    assert attached == [{"PolicyName": "run", "PolicyArn": RUN}]
    document = iam.get_policy_version(PolicyArn=RUN, VersionId="v1")["PolicyVersion"]["Document"]
    assert document["Statement"][0]["Resource"] == "arn:aws:s3:::stack-data/*"


def test_the_account_has_the_buckets_of_the_template(simulator: RunningSimulator) -> None:
    s3 = simulator.boto("s3")
    rules = s3.get_bucket_lifecycle_configuration(Bucket="stack-data")["Rules"]
    assert rules[0]["Filter"] == {"Prefix": "runs/"}
    assert s3.get_public_access_block(Bucket="stack-data")["PublicAccessBlockConfiguration"]["BlockPublicPolicy"]
    encryption = s3.get_bucket_encryption(Bucket="stack-data")["ServerSideEncryptionConfiguration"]
    assert encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    policy = json.loads(s3.get_bucket_policy(Bucket="stack-data")["Policy"])
    assert policy["Statement"][0]["Effect"] == "Deny"


def test_a_restart_updates_the_stack_and_keeps_everything_else(tmp_path: Path) -> None:
    callers = {"run": "airflow"}
    with start_simulator(tmp_path / "state", policies=[written(tmp_path, TEMPLATE)], callers=callers) as first:
        iam = first.boto("iam")
        first.boto("s3").put_object(Bucket="stack-data", Key="kept", Body=b"x")
        iam.attach_role_policy(RoleName="jobs", PolicyArn=BOUNDARY)
        iam.put_role_policy(RoleName="airflow", PolicyName="by-hand", PolicyDocument=json.dumps(policy("s3:PutObject")))
        iam.put_role_policy(RoleName="jobs", PolicyName="extra", PolicyDocument=json.dumps(policy("s3:PutObject")))
        role_id = iam.get_role(RoleName="jobs")["Role"]["RoleId"]
    changed = written(tmp_path, TEMPLATE.replace('Default: "s3:GetObject"', 'Default: "s3:PutObject"'))
    for _ in range(2):  # nothing changes at the second restart
        with start_simulator(tmp_path / "state", policies=[changed], callers=callers) as again:
            iam = again.boto("iam")
            assert iam.get_role(RoleName="jobs")["Role"]["RoleId"] == role_id
            # The template names all inline policies of its role, so the added one is gone.
            assert iam.list_role_policies(RoleName="jobs")["PolicyNames"] == ["more", "objects"]
            inline = iam.get_role_policy(RoleName="jobs", PolicyName="objects")["PolicyDocument"]
            assert inline["Statement"][0]["Action"] == "s3:PutObject"
            assert iam.list_role_policies(RoleName="airflow")["PolicyNames"] == ["by-hand"]
            arns = [one["PolicyArn"] for one in iam.list_attached_role_policies(RoleName="jobs")["AttachedPolicies"]]
            assert arns == [BOUNDARY, RUN]
            versions = iam.list_policy_versions(PolicyArn=RUN)["Versions"]
            assert [(one["VersionId"], one["IsDefaultVersion"]) for one in versions] == [("v1", False), ("v2", True)]
            assert again.boto("s3").get_object(Bucket="stack-data", Key="kept")["Body"].read() == b"x"


def policy(action: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_a_bucket_is_created_in_the_region_of_the_stack(tmp_path: Path, template: Path) -> None:
    deployment = tmp_path / "west.yaml"
    deployment.write_text(f"template-file-path: {template.name}\nregion: us-west-2\ntags: {{Cost: '1'}}")
    with start_simulator(tmp_path / "state", policies=[deployment], callers={"run": "airflow"}) as running:
        s3 = running.boto("s3", region="us-west-2")
        assert s3.get_bucket_location(Bucket="stack-data")["LocationConstraint"] == "us-west-2"
        assert s3.get_bucket_tagging(Bucket="stack-data")["TagSet"] == [{"Key": "Cost", "Value": "1"}]
        tags = running.boto("iam").get_role(RoleName="jobs")["Role"]["Tags"]
        assert {tag["Key"] for tag in tags} == {"Cost", "Owner"}


def test_an_aws_policy_can_be_attached(tmp_path: Path) -> None:
    arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    text = TEMPLATE.replace("MaxSessionDuration: 7200", f'ManagedPolicyArns: ["{arn}"]')
    with start_simulator(tmp_path / "s", policies=[written(tmp_path, text)], callers={"run": "airflow"}) as running:
        attached = running.boto("iam").list_attached_role_policies(RoleName="jobs")["AttachedPolicies"]
        assert arn in [one["PolicyArn"] for one in attached]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"AWS::KMS::Key"', '"AWS::SQS::Queue"', r"Resources\.Key: .* does not have the type AWS::SQS::Queue"),
        ("[airflow, !Ref Jobs]", "[absent]", r"Run\.Properties\.Roles: The role with name absent cannot be found"),
        ("!Ref Boundary", "arn:aws:iam::aws:policy/Absent", r"Policy arn:.*Absent does not exist"),
        ("bedrock.amazonaws.com", "bedrock", r"AssumeRolePolicyDocument\.Statement\[0\]: Invalid principal"),
        ("Action: !Ref Action, Resource", "Resource", r"PolicyDocument\.Statement\[0\]: "),
        ("MaxSessionDuration", "SessionDuration", r"Jobs\.Properties\.SessionDuration: .* does not have"),
        ("BucketName: stack-data", "BucketName: Stack_Data", r"Data\.Properties\.BucketName: InvalidBucketName"),
        ('Action: "s3:*"', 'Action: "s3:Get"', r"DataPolicy\..*Statement\[0\]: MalformedPolicy: .*action"),
    ],
)
def test_an_error_names_the_file_and_the_property(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = written(tmp_path, TEMPLATE.replace(old, new))
    with pytest.raises(StackError, match=message) as caught:
        start(tmp_path, path)
    assert str(caught.value).startswith(f"{path}: Resources.")


def test_two_stacks_cannot_have_the_same_name(tmp_path: Path, template: Path) -> None:
    other = tmp_path / "folder" / template.name
    other.parent.mkdir()
    other.write_text(TEMPLATE)
    with pytest.raises(StackError, match="another file has the name stack too"):
        start(tmp_path, template, other)


def test_a_refused_stack_leaves_a_state_that_can_be_used(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="does not have this property"):
        start(tmp_path, written(tmp_path, TEMPLATE.replace("BucketName:", "Name:")))
    start(tmp_path, written(tmp_path, TEMPLATE))


def start(folder: Path, *policies: Path) -> None:
    with start_simulator(folder / "state", policies=policies, callers={"run": "airflow"}):
        pass
