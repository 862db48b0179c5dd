from __future__ import annotations

from pathlib import Path

import pytest

from tools.aws_simulator.stacks.template import render
from tools.aws_simulator.stacks.yaml_files import StackError

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Environment: {Type: String}
  BucketName: {Type: String, Default: ""}
  WithKey: {Type: String, Default: "false"}
Conditions:
  HasName: !Not [!Equals [!Ref BucketName, ""]]
  HasKey: !Equals [!Ref WithKey, "true"]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub "jobs-${Environment}"
      Policies:
        - PolicyName: objects
          PolicyDocument:
            Version: 2012-10-17
            Statement:
              - Effect: Allow
                Action: s3:GetObject
                Resource: !Sub "${Bucket.Arn}/*"
                Condition: {StringEquals: {"aws:ResourceAccount": !Ref "AWS::AccountId"}}
              - !If [HasKey, {Effect: Allow, Action: "kms:Decrypt", Resource: !GetAtt Key.Arn}, !Ref "AWS::NoValue"]
  Bucket:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    Properties:
      BucketName: !If [HasName, !Ref BucketName, !Ref "AWS::NoValue"]
  Key:
    Type: AWS::KMS::Key
    Condition: HasKey
    Properties: {Enabled: true}
  Policy:
    Type: AWS::IAM::ManagedPolicy
    Properties: {ManagedPolicyName: run, Path: /team/, PolicyDocument: {}}
Outputs:
  RoleArn: {Value: !GetAtt Role.Arn}
  Policy: {Value: !Ref Policy}
  Bucket: {Value: !Ref Bucket}
  Key: {Condition: HasKey, Value: !Ref Key}
  Env: {Value: !Sub "BUCKET=${Bucket}\\nREGION=${AWS::Region}\\n"}
"""
ACCOUNT = "123456789012"


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(TEMPLATE, encoding="utf-8")
    return path


def test_a_template_is_rendered_for_the_account(template: Path) -> None:
    stack = render(template, {"Environment": "test", "BucketName": "training"})
    assert stack.name == "small"
    assert list(stack.resources) == ["Role", "Bucket", "Policy"]
    role = stack.resources["Role"]
    assert (role.type, role.name, role.arn) == (
        "AWS::IAM::Role",
        "jobs-test",
        f"arn:aws:iam::{ACCOUNT}:role/jobs-test",
    )
    assert role.properties["Policies"][0]["PolicyDocument"] == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::training/*",
                "Condition": {"StringEquals": {"aws:ResourceAccount": ACCOUNT}},
            }
        ],
    }
    assert stack.outputs == {
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/jobs-test",
        "Policy": f"arn:aws:iam::{ACCOUNT}:policy/team/run",
        "Bucket": "training",
        "Env": "BUCKET=training\nREGION=us-east-1\n",
    }


def test_conditions_create_resources_and_outputs(template: Path) -> None:
    stack = render(template, {"Environment": "test", "WithKey": "true"}, region="us-west-2")
    key = stack.resources["Key"]
    assert key.arn == f"arn:aws:kms:us-west-2:{ACCOUNT}:key/{key.name}"
    assert stack.outputs["Key"] == key.name
    statements = stack.resources["Role"].properties["Policies"][0]["PolicyDocument"]["Statement"]
    assert statements[1]["Resource"] == key.arn


def test_a_name_that_is_not_given_is_the_same_at_each_start(template: Path) -> None:
    names = {render(template, {"Environment": "test"}).resources["Bucket"].name for _ in range(2)}
    other = render(template, {"Environment": "test"}, stack_name="Other").resources["Bucket"].name
    assert len(names) == 1
    assert names.pop().startswith("small-bucket-")
    assert other.startswith("other-bucket-")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Outputs:", "Transform: AWS::Serverless-2016-10-31\nOutputs:", "does not know the section Transform"),
        ("DeletionPolicy: Retain", "CreationPolicy: {}", r"Resources\.Bucket: .* the attribute CreationPolicy"),
        ("!GetAtt Role.Arn", "!GetAtt Role.RoleId", r"Outputs\.RoleArn: .* attribute Role\.RoleId"),
        ("{Value: !Ref Bucket}", "{Value: !Ref Key}", r"Outputs\.Bucket: Ref names 'Key'"),
        ("!Ref WithKey", "!Ref Absent", r"Conditions\.HasKey: Ref names 'Absent'"),
        ('"jobs-${Environment}"', '"jobs-${Role}"', r"Resources\.Role: its name depends on itself"),
        ('"${Bucket.Arn}/*"', '"${Bucket.Ran}/*"', r"Policies\[0\]\.PolicyDocument\.Statement\[0\]\.Resource"),
    ],
)
def test_an_error_names_the_file_and_the_place(template: Path, old: str, new: str, message: str) -> None:
    template.write_text(TEMPLATE.replace(old, new), encoding="utf-8")
    with pytest.raises(StackError, match=message) as caught:
        render(template, {"Environment": "test"})
    assert str(caught.value).startswith(f"{template}: ")


def test_the_rules_of_a_template_are_checked(template: Path) -> None:
    rule = 'Rules: {Named: {Assertions: [{Assert: !Not [!Equals [!Ref BucketName, ""]], AssertDescription: no name}]}}'
    template.write_text(f"{TEMPLATE}{rule}\n", encoding="utf-8")
    with pytest.raises(StackError, match=r"small\.yaml: Rules\.Named\.Assertions\[0\]: no name\."):
        render(template, {"Environment": "test"})
    assert render(template, {"Environment": "test", "BucketName": "a-bucket"}).resources


@pytest.mark.parametrize("text", ["{}", "Resources: {}"])
def test_a_template_without_resources_is_refused(template: Path, text: str) -> None:
    template.write_text(text, encoding="utf-8")
    with pytest.raises(StackError, match="At least one Resources member must be defined"):
        render(template, {})


def test_a_parameter_without_a_value_is_named(template: Path) -> None:
    with pytest.raises(StackError, match=r"small\.yaml: Parameters: \[Environment\] must have values\."):
        render(template, {})
