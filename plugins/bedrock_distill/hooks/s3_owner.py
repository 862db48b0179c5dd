"""Make every request to S3 name the account that must own the bucket."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from botocore.client import BaseClient
from botocore.model import OperationModel

ANY_BUCKET = "*"


def owner_of(bucket: str, owners: Mapping[str, str]) -> str | None:
    """
    Return the account that must own a bucket, or ``None`` if the owner is not checked.

    :param owners: account ids of 12 digits, by the name of the bucket; :data:`ANY_BUCKET` is for all other buckets.
    """
    return owners.get(bucket, owners.get(ANY_BUCKET))


def expect_owner(client: BaseClient, owners: Mapping[str, str]) -> None:
    """
    Add the expected owner to all requests of an S3 client, including those that a managed transfer sends.

    S3 refuses a request with 403 if another account owns the bucket. Bucket names are shared by all AWS accounts, so
    another account may have created a bucket with the same name.

    :param owners: see :func:`owner_of`.
    """
    client.meta.events.register("provide-client-params.s3", partial(_with_owner, owners=owners))


def _with_owner(
    params: Mapping[str, Any], model: OperationModel, *, owners: Mapping[str, str], **_: Any
) -> dict[str, Any]:
    accepted = model.input_shape.members if model.input_shape else {}
    source = params.get("CopySource")
    buckets = {
        "ExpectedBucketOwner": params.get("Bucket"),
        # A managed copy passes the source as a mapping. A copy of one part of an object may pass it as "bucket/key".
        "ExpectedSourceBucketOwner": source["Bucket"] if isinstance(source, Mapping) else source and _bucket_in(source),
    }
    added = {
        name: owner
        for name, bucket in buckets.items()
        if name in accepted and bucket and (owner := owner_of(bucket, owners))
    }
    return {**added, **params}


def _bucket_in(copy_source: str) -> str:
    return copy_source.removeprefix("/").split("/", 1)[0]
