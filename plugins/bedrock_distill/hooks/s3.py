"""S3 as the domain's object store."""

from __future__ import annotations

from bedrock_distill.hooks.aws import AwsClients
from include.distill.errors import NotFoundError
from include.distill.storage import split_uri


class S3ObjectStore:
    """Whole objects under ``s3://`` URIs; see :class:`include.distill.storage.ObjectStore`."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def read(self, uri: str) -> bytes:
        """Return the object's bytes."""
        bucket, key = split_uri(uri)
        answer = self._clients.call("s3", "get_object", uri, Bucket=bucket, Key=key)
        body: bytes = answer["Body"].read()
        return body

    def write(self, uri: str, body: bytes) -> None:
        """Put ``body`` under ``uri``."""
        bucket, key = split_uri(uri)
        self._clients.call("s3", "put_object", uri, Bucket=bucket, Key=key, Body=body)

    def exists(self, uri: str) -> bool:
        """Tell whether an object lies under ``uri``."""
        bucket, key = split_uri(uri)
        try:
            self._clients.call("s3", "head_object", uri, Bucket=bucket, Key=key)
        except NotFoundError:
            return False
        return True

    def list(self, prefix_uri: str) -> list[str]:
        """Return the URIs of all objects that start with ``prefix_uri``, sorted."""
        bucket, prefix = split_uri(prefix_uri)
        uris: list[str] = []
        token: dict[str, str] = {}
        while True:
            page = self._clients.call("s3", "list_objects_v2", prefix_uri, Bucket=bucket, Prefix=prefix, **token)
            uris += [f"s3://{bucket}/{entry['Key']}" for entry in page.get("Contents", [])]
            if not page.get("IsTruncated"):
                return sorted(uris)
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def delete(self, uri: str) -> None:
        """Remove the object; absent is as good as removed."""
        bucket, key = split_uri(uri)
        self._clients.call("s3", "delete_object", uri, Bucket=bucket, Key=key)

    def ensure_bucket(self, bucket: str, *, region: str, create: bool) -> str | None:
        """Return ``None`` when the bucket is there (made when ``create``), else what is wrong with it."""
        try:
            self._clients.call("s3", "head_bucket", bucket, Bucket=bucket)
        except NotFoundError:
            if not create:
                return f"bucket {bucket} does not exist; create it in {region} or set storage.create_buckets"
            # us-east-1 is the one Region that may not be named here.
            where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            self._clients.call("s3", "create_bucket", bucket, Bucket=bucket, **where)
        return None
