"""Read and write S3 objects. This is the object store that ``include/`` uses."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BufferedReader
from tempfile import SpooledTemporaryFile
from types import MappingProxyType
from typing import IO, Any, cast

from bedrock_distill.hooks.aws import AwsClients
from bedrock_distill.hooks.s3_owner import owner_of
from bedrock_distill.hooks.s3_stream import ResumingBody
from include.distill.cleanup.expiry import PROJECT_TAG
from include.distill.cleanup.plan import StoredObject
from include.distill.core.errors import FAILED_TASK, NotFoundError, OutcomeError, RefusedError, TransientError
from include.distill.core.storage import split_uri

_ACCESS_DENIED = ("403", "AccessDenied")  # the response to a refused HEAD request has only the status
DELETE_BATCH_SIZE = 1000  # the limit of DeleteObjects
READ_AHEAD_BYTES = 2**20
_CONDITION_FAILED = ("PreconditionFailed", "412")  # S3's codes if the condition of a write does not hold
_NO_KEY = "NoSuchKey"  # S3's code if the object of a conditional write was deleted
UPLOAD_SPOOL_BYTES = 8 * 2**20  # a larger object is kept in a temporary file and uploaded in parts
# The older values that GetBucketLocation still returns for two Regions.
_OLD_LOCATIONS: dict[str, str] = {"": "us-east-1", "EU": "eu-west-1"}


class S3ObjectStore:
    """An object store on S3. It implements :class:`include.distill.core.storage.ObjectStore`."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def read(self, uri: str) -> bytes:
        """Return the bytes of the object at ``uri``."""
        with self.reader(uri) as body:
            return body.read()

    def write(self, uri: str, body: bytes) -> None:
        """Store ``body`` at ``uri``."""
        bucket, key = split_uri(uri)
        self._clients.call("s3", "put_object", uri, Bucket=bucket, Key=key, Body=body)

    def write_if_absent(self, uri: str, body: bytes) -> bool:
        """Store ``body`` at ``uri`` unless an object is stored there. Return whether ``body`` was stored."""
        bucket, key = split_uri(uri)
        try:
            self._clients.call("s3", "put_object", uri, Bucket=bucket, Key=key, Body=body, IfNoneMatch="*")
        except TransientError as error:
            if error.code in _CONDITION_FAILED:
                return False
            raise
        return True

    def read_versioned(self, uri: str) -> tuple[bytes, str]:
        """Return the bytes of the object at ``uri`` and its entity tag."""
        stream = ResumingBody(self._clients, uri)
        with BufferedReader(stream, READ_AHEAD_BYTES) as body:
            return body.read(), stream.entity_tag

    def write_if_unchanged(self, uri: str, body: bytes, version: str) -> bool:
        """Store ``body`` at ``uri`` unless the object's entity tag has changed. Return whether ``body`` was stored."""
        bucket, key = split_uri(uri)
        try:
            self._clients.call("s3", "put_object", uri, Bucket=bucket, Key=key, Body=body, IfMatch=version)
        except TransientError as error:
            if error.code in _CONDITION_FAILED:
                return False
            raise
        except NotFoundError as error:
            if error.code == _NO_KEY:
                return False
            raise
        return True

    @contextmanager
    def reader(self, uri: str) -> Iterator[IO[bytes]]:
        """Open an object for reading. If the connection breaks, reading resumes where it stopped."""
        with BufferedReader(ResumingBody(self._clients, uri), READ_AHEAD_BYTES) as body:
            yield body

    @contextmanager
    def writer(self, uri: str) -> Iterator[IO[bytes]]:
        """Open an object for writing. It is stored when the block ends, or not at all if the block raises an error."""
        bucket, key = split_uri(uri)
        with SpooledTemporaryFile(max_size=UPLOAD_SPOOL_BYTES) as spool:
            yield cast(IO[bytes], spool)
            size = spool.seek(0, os.SEEK_END)
            spool.seek(0)
            if size <= UPLOAD_SPOOL_BYTES:
                self.write(uri, spool.read())
            else:
                self._clients.call("s3", "upload_fileobj", uri, Fileobj=spool, Bucket=bucket, Key=key)

    def copy(self, source: str, target: str) -> None:
        """Copy the object at ``source`` to ``target`` inside S3, in parts if it is large."""
        (bucket, key), (to_bucket, to_key) = split_uri(source), split_uri(target)
        origin = {"Bucket": bucket, "Key": key}
        self._clients.call("s3", "copy", f"{source} to {target}", CopySource=origin, Bucket=to_bucket, Key=to_key)

    def exists(self, uri: str) -> bool:
        """Return whether an object exists at ``uri``."""
        bucket, key = split_uri(uri)
        try:
            self._clients.call("s3", "head_object", uri, Bucket=bucket, Key=key)
        except NotFoundError:
            return False
        return True

    def list(self, prefix_uri: str) -> list[str]:
        """Return the sorted URIs of all objects whose URI starts with ``prefix_uri``."""
        return [stored.uri for stored in self.describe(prefix_uri)]

    def describe(self, prefix_uri: str) -> Sequence[StoredObject]:
        """Return all objects whose URI starts with ``prefix_uri``, with size and last write time, sorted by URI."""
        bucket, prefix = split_uri(prefix_uri)
        objects: list[StoredObject] = []
        token: dict[str, Any] = {}
        while True:
            page = self._clients.call("s3", "list_objects_v2", prefix_uri, Bucket=bucket, Prefix=prefix, **token)
            objects += [
                StoredObject(f"s3://{bucket}/{entry['Key']}", entry["Size"], entry["LastModified"])
                for entry in page.get("Contents", [])
            ]
            if not page.get("IsTruncated"):
                return sorted(objects, key=lambda entry: entry.uri)
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def delete(self, uri: str) -> None:
        """Delete an object; do nothing if it does not exist."""
        bucket, key = split_uri(uri)
        self._clients.call("s3", "delete_object", uri, Bucket=bucket, Key=key)

    def delete_all(self, uris: Sequence[str]) -> None:
        """Delete several objects in one bucket; skip objects that do not exist.

        :raises OutcomeError: S3 did not delete some objects; the message names the first one and the reason.
        """
        for start in range(0, len(uris), DELETE_BATCH_SIZE):
            parts = [split_uri(uri) for uri in uris[start : start + DELETE_BATCH_SIZE]]
            bucket = parts[0][0]
            keys = [{"Key": key} for _, key in parts]
            answer = self._clients.call(
                "s3", "delete_objects", uris[start], Bucket=bucket, Delete={"Objects": keys, "Quiet": True}
            )
            if kept := answer.get("Errors"):
                raise OutcomeError(
                    f"S3 did not delete {len(kept)} of {len(keys)} objects. The first one is"
                    f" s3://{bucket}/{kept[0]['Key']}: {kept[0].get('Code')} {kept[0].get('Message')}.",
                    left=f"S3 deleted the other {len(keys) - len(kept)} objects.",
                    to_do="Correct what S3's message names.",
                    then_clear=FAILED_TASK,
                )

    def bucket_tags(self, bucket: str) -> dict[str, str] | None:
        """Return the tags of a bucket, or ``None`` if the bucket does not exist."""
        try:
            answer = self._clients.call("s3", "get_bucket_tagging", bucket, Bucket=bucket)
        except NotFoundError as error:
            return {} if error.code == "NoSuchTagSet" else None  # S3's code for a bucket without tags
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def cors_methods(self, bucket: str) -> set[str]:
        """Return the HTTP methods that the rules in the CORS configuration of a bucket allow."""
        try:
            answer = self._clients.call("s3", "get_bucket_cors", bucket, Bucket=bucket)
        except NotFoundError as error:
            if error.code != "NoSuchCORSConfiguration":  # S3's code for a bucket without a CORS configuration
                raise
            return set()
        return {method for rule in answer.get("CORSRules", ()) for method in rule.get("AllowedMethods", ())}

    def has_versions(self, bucket: str) -> bool:
        """Return whether versioning is or was enabled. If so, the bucket may contain older versions of objects."""
        return "Status" in self._clients.call("s3", "get_bucket_versioning", bucket, Bucket=bucket)

    def delete_bucket(self, bucket: str) -> None:
        """Delete an empty bucket; do nothing if it does not exist."""
        try:
            self._clients.call("s3", "delete_bucket", bucket, Bucket=bucket)
        except NotFoundError:
            return

    def ensure_bucket(
        self, bucket: str, *, region: str, create: bool, tags: Mapping[str, str] = MappingProxyType({})
    ) -> str | None:
        """Check that a bucket is in ``region``. Return a message if it is not; otherwise ``None``.

        :param create: create and tag the bucket if it does not exist.
        :param tags: tags of the new bucket, in addition to the tag ``project``.
        :raises NotFoundError: the bucket does not exist, and is not to be created.
        :raises RefusedError: S3 refuses access to the bucket.
        """
        refused = ""
        try:
            bucket_region = self._bucket_region(bucket)
        except NotFoundError as error:
            if not create:
                to_do = f"create it in {region} or set storage.create_buckets to true"
                raise NotFoundError(f"bucket {bucket} does not exist; {to_do}") from error
            # S3 rejects us-east-1 as a LocationConstraint.
            location: dict[str, Any] = (
                {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            )
            self._clients.call("s3", "create_bucket", bucket, Bucket=bucket, **location)
            tag_set = [{"Key": key, "Value": value} for key, value in {"project": PROJECT_TAG, **tags}.items()]
            self._clients.call("s3", "put_bucket_tagging", bucket, Bucket=bucket, Tagging={"TagSet": tag_set})
            return None
        except RefusedError as error:
            if error.bucket_region in ("", region):
                raise self._with_owner(error, bucket) from error
            bucket_region = error.bucket_region
            refused = ", and S3 refuses access to it" if error.code == "403" else ""
        if bucket_region in (None, region):
            return None
        return (
            f"bucket {bucket} is in {bucket_region}{refused}, but aws.region is {region}, and Bedrock's jobs read and"
            f" write only buckets in their own Region; use a bucket in {region}, or set aws.region to {bucket_region}"
            " if the student can be trained there"
        )

    def _with_owner(self, error: RefusedError, bucket: str) -> RefusedError:
        """Return the error; if access was denied, it also says that another account may own the bucket.

        S3 returns the same error code for a missing permission and for a bucket of another account.
        """
        owner = owner_of(bucket, self._clients.bucket_owners)
        if owner is None or error.code not in _ACCESS_DENIED:
            return error
        refused = RefusedError(
            f"{error.happened} S3 also refuses access if an account other than {owner} owns the bucket.",
            to_do="If the bucket is meant to belong to another account, name that account in storage.bucket_owners; if"
            f" it is not, use another bucket. If {owner} owns the bucket: {error.to_do}",
            then_clear=error.then_clear,
        )
        refused.code, refused.bucket_region = error.code, error.bucket_region
        return refused

    def _bucket_region(self, bucket: str) -> str | None:
        """Return the Region of an existing bucket; ``None`` if S3 does not report it."""
        answer = self._clients.call("s3", "head_bucket", bucket, Bucket=bucket)
        headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        if region := answer.get("BucketRegion") or headers.get("x-amz-bucket-region"):
            return str(region)
        try:
            answer = self._clients.call("s3", "get_bucket_location", bucket, Bucket=bucket)
        except RefusedError:  # the policy may lack s3:GetBucketLocation
            return None
        location = str(answer.get("LocationConstraint") or "")
        return _OLD_LOCATIONS.get(location, location)
