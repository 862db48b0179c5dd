from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.aws_simulator.protocol.errors import ServiceError
from tools.aws_simulator.stacks.policy_faults import check_document
from tools.aws_simulator.stacks.yaml_files import StackError
from tools.aws_simulator.testing import start_simulator

GOOD = {"Sid": "Good", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
BAD = {**GOOD, "Sid": "Bad"}


def document(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def check(text: str) -> None:
    """Refuse statements with an element that does not exist, and more than two statements."""
    found = json.loads(text)["Statement"]
    if any("Foo" in statement for statement in found):
        raise ServiceError("MalformedPolicyDocument", "Syntax errors in policy.")
    if len(found) > 2:
        raise ServiceError("LimitExceeded", "Too many statements.")


def test_a_document_that_aws_accepts_is_accepted() -> None:
    check_document("here", document(GOOD, BAD), check)


def test_the_refused_statement_is_named_and_aws_s_error_gets_a_reason() -> None:
    with pytest.raises(StackError) as refused:
        check_document("here", document(GOOD, {**BAD, "Foo": 1}), check)
    assert str(refused.value) == "here.Statement[1] (Bad): Syntax errors in policy: Unknown field Foo"


def test_a_statement_without_an_id_has_its_number() -> None:
    with pytest.raises(StackError, match=r"^here\.Statement\[0\]: Syntax errors in policy: Unknown field Foo$"):
        check_document("here", document({"Foo": 1}), check)


def test_a_document_of_which_no_statement_alone_is_refused_is_named_as_a_whole() -> None:
    with pytest.raises(StackError, match=r"^here: Too many statements\.$"):
        check_document("here", document(GOOD, BAD, {}), check)


TEMPLATE = """
Resources:
  Jobs:
    Type: AWS::IAM::Role
    Properties:
      RoleName: jobs
      AssumeRolePolicyDocument: {trust}
      Policies: [{{PolicyName: own, PolicyDocument: {inline}}}]
  Run:
    Type: AWS::IAM::ManagedPolicy
    Properties: {{ManagedPolicyName: run, PolicyDocument: {managed}}}
  Data:
    Type: AWS::S3::Bucket
    Properties: {{BucketName: stack-data}}
  DataPolicy:
    Type: AWS::S3::BucketPolicy
    Properties: {{Bucket: stack-data, PolicyDocument: {bucket}}}
"""
TRUST = {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}
OPEN = {**GOOD, "Principal": "*", "Resource": "arn:aws:s3:::stack-data/*"}


@pytest.mark.parametrize(
    ("policy", "first", "second", "error"),
    [
        pytest.param(
            "managed",
            GOOD,
            {**BAD, "Condition": {"Strings": {"a": "b"}}},
            "Resources.Run.Properties.PolicyDocument.Statement[1] (Bad): Syntax errors in policy:"
            " Invalid Condition type : Strings.",
            id="condition of a managed policy",
        ),
        pytest.param(
            "managed",
            GOOD,
            {**BAD, "Effect": "allow"},
            "Resources.Run.Properties.PolicyDocument.Statement[1] (Bad): The policy failed legacy parsing:"
            " Invalid effect: allow.",
            id="effect of a managed policy",
        ),
        pytest.param(
            "managed",
            GOOD,
            GOOD,
            "Resources.Run.Properties.PolicyDocument: Statement IDs (SID) in a single policy must be unique.",
            id="two statements that do not fit together",
        ),
        pytest.param(
            "inline",
            GOOD,
            {**BAD, "Action": "GetObject"},
            "Resources.Jobs.Properties.Policies[0].PolicyDocument.Statement[1] (Bad): Actions/Conditions must be"
            " prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
            id="action of an inline policy",
        ),
        pytest.param(
            "trust",
            TRUST,
            {**TRUST, "Resource": "*"},
            "Resources.Jobs.Properties.AssumeRolePolicyDocument.Statement[1]: Has prohibited field Resource.",
            id="trust policy",
        ),
        pytest.param(
            "bucket",
            OPEN,
            {**OPEN, "Sid": "Bad", "Resource": "arn:aws:s3:::other/*"},
            "Resources.DataPolicy.Properties.PolicyDocument.Statement[1] (Bad): MalformedPolicy:"
            " Policy has invalid resource.",
            id="policy of a bucket",
        ),
    ],
)
def test_the_start_names_file_resource_and_statement(
    tmp_path: Path, policy: str, first: dict[str, Any], second: dict[str, Any], error: str
) -> None:
    good = {"trust": document(TRUST), "inline": document(GOOD), "managed": document(GOOD), "bucket": document(OPEN)}
    file = tmp_path / "stack.yaml"
    file.write_text(TEMPLATE.format(**{**good, policy: document(first, second)}))
    with pytest.raises(StackError) as refused, start_simulator(tmp_path / "state", policies=[file]):
        pass
    assert str(refused.value) == f"{file}: {error}"


def test_a_policy_that_a_client_sends_is_refused_with_aws_s_own_text(tmp_path: Path) -> None:
    with start_simulator(tmp_path / "state") as simulator:
        iam = simulator.boto("iam")
        with pytest.raises(iam.exceptions.MalformedPolicyDocumentException) as refused:
            iam.create_policy(PolicyName="p", PolicyDocument=document(GOOD, {**BAD, "Foo": 1}))
        assert refused.value.response["Error"]["Message"] == "Syntax errors in policy."
