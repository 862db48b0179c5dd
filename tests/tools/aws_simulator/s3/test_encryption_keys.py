from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools.aws_simulator.testing import RunningSimulator, start_simulator

KEY_ID = "0d990263-018e-4065-a703-eff731de951e"
KEY = f"arn:aws:kms:us-east-1:123456789012:key/{KEY_ID}"
OTHER = KEY.replace("951e", "951f")
SSE = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY}
OBJECTS = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"]


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    folder: Path = tmp_path_factory.mktemp("state")
    with start_simulator(folder, policies=[], callers={"run": "airflow"}) as running:
        s3 = running.boto("s3")
        for bucket in ("plain", "encrypted"):
            s3.create_bucket(Bucket=bucket)
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY_ID}}
        s3.put_bucket_encryption(Bucket="encrypted", ServerSideEncryptionConfiguration={"Rules": [rule]})
        s3.put_object(Bucket="plain", Key="open", Body=b"x")
        s3.put_object(Bucket="plain", Key="secret", Body=b"x", **SSE)
        s3.put_object(Bucket="encrypted", Key="default", Body=b"x")
        yield running


@pytest.fixture
def caller(simulator: RunningSimulator) -> Any:
    return simulator.boto("s3", access_key="run")


def allow(simulator: RunningSimulator, *kms: str, key: str = KEY, via: str = "s3.us-east-1.amazonaws.com") -> None:
    """Give the role all objects, and actions of KMS on one key."""
    statements: list[dict[str, Any]] = [{"Effect": "Allow", "Action": OBJECTS, "Resource": "*"}]
    if kms:
        condition = {"StringEquals": {"kms:ViaService": via}}
        statements.append({"Effect": "Allow", "Action": list(kms), "Resource": key, "Condition": condition})
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    simulator.boto("iam").put_role_policy(RoleName="airflow", PolicyName="test", PolicyDocument=document)


def refused(action: str, call: Any, **arguments: Any) -> None:
    """Check that a request is refused because an action on the key is missing."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == "AccessDenied"
    assert caught.value.response["Error"]["Message"] == (
        "User: arn:aws:sts::123456789012:assumed-role/airflow/run is not authorized to perform: "
        f"{action} on resource: {KEY} because no identity-based policy allows the {action} action"
    )


def test_to_write_with_a_key_a_caller_needs_a_data_key(simulator: RunningSimulator, caller: Any) -> None:
    new = {"Bucket": "plain", "Key": "new", "Body": b"x"}
    allow(simulator)
    refused("kms:GenerateDataKey", caller.put_object, **new, **SSE)
    refused("kms:GenerateDataKey", caller.put_object, **{**new, "Bucket": "encrypted"})
    caller.put_object(**new)
    caller.put_object(**new, ServerSideEncryption="AES256")
    allow(simulator, "kms:GenerateDataKey")
    caller.put_object(**new, **SSE)
    caller.put_object(**{**new, "Bucket": "encrypted"})


def test_to_read_with_a_key_a_caller_needs_to_decrypt(simulator: RunningSimulator, caller: Any) -> None:
    allow(simulator, "kms:GenerateDataKey")
    refused("kms:Decrypt", caller.get_object, Bucket="plain", Key="secret")
    refused("kms:Decrypt", caller.get_object, Bucket="encrypted", Key="default")
    assert caller.get_object(Bucket="plain", Key="open")["Body"].read() == b"x"
    assert caller.head_object(Bucket="plain", Key="secret")["SSEKMSKeyId"] == KEY
    allow(simulator, "kms:Decrypt")
    assert caller.get_object(Bucket="plain", Key="secret")["Body"].read() == b"x"
    assert caller.get_object(Bucket="encrypted", Key="default")["Body"].read() == b"x"


def test_a_checksum_of_an_encrypted_object_must_be_decrypted(simulator: RunningSimulator, caller: Any) -> None:
    allow(simulator)
    with pytest.raises(ClientError, match="403"):
        caller.head_object(Bucket="plain", Key="secret", ChecksumMode="ENABLED")


def test_the_policy_must_name_the_key_and_the_service(simulator: RunningSimulator, caller: Any) -> None:
    allow(simulator, "kms:Decrypt", key=OTHER)
    refused("kms:Decrypt", caller.get_object, Bucket="plain", Key="secret")
    allow(simulator, "kms:Decrypt", via="bedrock.us-east-1.amazonaws.com")
    refused("kms:Decrypt", caller.get_object, Bucket="plain", Key="secret")


def test_a_copy_decrypts_its_source_and_encrypts_its_target(simulator: RunningSimulator, caller: Any) -> None:
    copy = {"CopySource": {"Bucket": "plain", "Key": "secret"}, "Bucket": "encrypted", "Key": "copy"}
    allow(simulator, "kms:GenerateDataKey")
    refused("kms:Decrypt", caller.copy_object, **copy)
    allow(simulator, "kms:Decrypt")
    refused("kms:GenerateDataKey", caller.copy_object, **copy)
    allow(simulator, "kms:Decrypt", "kms:GenerateDataKey")
    caller.copy_object(**copy)


@pytest.mark.parametrize(("bucket", "encryption"), [("plain", SSE), ("encrypted", {})])
def test_an_upload_in_parts_encrypts_and_decrypts(
    simulator: RunningSimulator, caller: Any, bucket: str, encryption: dict[str, str]
) -> None:
    key = {"Bucket": bucket, "Key": "parts"}
    allow(simulator, "kms:Decrypt")
    refused("kms:GenerateDataKey", caller.create_multipart_upload, **key, **encryption)
    allow(simulator, "kms:GenerateDataKey")
    upload = {**key, "UploadId": caller.create_multipart_upload(**key, **encryption)["UploadId"]}
    refused("kms:Decrypt", caller.upload_part, **upload, PartNumber=1, Body=b"x")
    caller.abort_multipart_upload(**upload)


def test_aws_own_key_and_aliases_need_no_permission(simulator: RunningSimulator, caller: Any) -> None:
    allow(simulator)
    new = {"Bucket": "plain", "Key": "new", "Body": b"x", "ServerSideEncryption": "aws:kms"}
    caller.put_object(**new)
    caller.put_object(**new, SSEKMSKeyId="alias/mine")
    assert caller.get_object(Bucket="plain", Key="new")["Body"].read() == b"x"
