"""Make every object that an S3 client writes encrypted with a KMS key."""

from __future__ import annotations

from collections.abc import MutableMapping
from functools import partial
from typing import Any

from botocore.client import BaseClient
from botocore.model import OperationModel


def encrypt_objects(client: BaseClient, kms_key_arn: str) -> None:
    """
    Add the key to all requests of an S3 client that create an object, including those of a managed transfer.

    The parts of an upload name no key. S3 encrypts them with the key of the request that began the upload.

    :param kms_key_arn: ARN of the key or of its alias.
    """
    # Not "provide-client-params", as for the owner of the bucket: botocore uses only the first answer to that event.
    client.meta.events.register("before-parameter-build.s3", partial(_add_key, kms_key_arn=kms_key_arn))


def _add_key(params: MutableMapping[str, Any], model: OperationModel, *, kms_key_arn: str, **_: Any) -> None:
    if model.input_shape is not None and "SSEKMSKeyId" in model.input_shape.members:
        params.update(ServerSideEncryption="aws:kms", SSEKMSKeyId=kms_key_arn)
