"""Read and write the objects of the simulated account. ``tools`` runs without the plugins, which have a store too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import IO, Any

from include.distill.core.errors import NotFoundError
from include.distill.core.storage import split_uri
from tools.local_airflow.account import list_objects

_NO_OBJECT = ("404", "NoSuchKey", "NoSuchBucket")
_CONDITION_FAILED = ("412", "PreconditionFailed")


class SimulatedBuckets:
    """An :class:`include.distill.core.storage.ObjectStore`. Call ``enter_account`` before it is created."""

    def __init__(self) -> None:
        import boto3

        self._client: Any = boto3.client("s3")

    def read(self, uri: str) -> bytes:
        """Return the bytes of an object."""
        return self.read_versioned(uri)[0]

    def read_versioned(self, uri: str) -> tuple[bytes, str]:
        """Return the bytes of an object and its entity tag."""
        answer = self._call("get_object", uri)
        return answer["Body"].read(), answer["ETag"]

    def write(self, uri: str, body: bytes) -> None:
        """Store an object."""
        self._call("put_object", uri, Body=body)

    def write_if_absent(self, uri: str, body: bytes) -> bool:
        """Store an object, unless there is one. Return whether it was stored."""
        return self._write_if(uri, body, IfNoneMatch="*")

    def write_if_unchanged(self, uri: str, body: bytes, version: str) -> bool:
        """Replace an object, unless it has changed. Return whether it was replaced."""
        return self._write_if(uri, body, IfMatch=version)

    @contextmanager
    def reader(self, uri: str) -> Iterator[IO[bytes]]:
        """Open an object for reading."""
        yield BytesIO(self.read(uri))

    @contextmanager
    def writer(self, uri: str) -> Iterator[IO[bytes]]:
        """Open an object for writing. It is stored when the block ends without an error."""
        body = BytesIO()
        yield body
        self.write(uri, body.getvalue())

    def copy(self, source: str, target: str) -> None:
        """Copy an object."""
        self.write(target, self.read(source))

    def exists(self, uri: str) -> bool:
        """Return whether there is an object."""
        try:
            self._call("head_object", uri)
        except NotFoundError:
            return False
        return True

    def list(self, prefix_uri: str) -> list[str]:
        """Return the URIs of all objects whose URI starts with ``prefix_uri``, sorted."""
        return list_objects(prefix_uri)

    def delete(self, uri: str) -> None:
        """Delete an object; do nothing if there is none."""
        self._call("delete_object", uri)

    def _write_if(self, uri: str, body: bytes, **condition: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            self._call("put_object", uri, Body=body, **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] in _CONDITION_FAILED:
                return False
            raise
        return True

    def _call(self, operation: str, uri: str, **arguments: object) -> Any:
        from botocore.exceptions import ClientError

        bucket, key = split_uri(uri)
        try:
            return getattr(self._client, operation)(Bucket=bucket, Key=key, **arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] in _NO_OBJECT:
                raise NotFoundError(f"There is no object {uri} in the simulated account.") from error
            raise
