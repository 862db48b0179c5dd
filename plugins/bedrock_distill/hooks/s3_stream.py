"""Read an S3 object as a stream that reconnects when the connection breaks."""

from __future__ import annotations

import time
from io import RawIOBase
from typing import Any

from bedrock_distill.hooks.aws import AwsClients
from bedrock_distill.hooks.aws_errors import named_errors
from include.distill.core.errors import TransientError
from include.distill.core.storage import split_uri

# Seconds to wait before the first, second and third attempt to reconnect. Receiving data resets the count.
RECONNECT_PAUSE_SECONDS = (0.2, 1.0, 5.0)


class ResumingBody(RawIOBase):
    """
    A stream of an S3 object's bytes. If the connection breaks, a new one continues after the last byte received.

    botocore retries a failed request, but not a failed read of the response body. Every request after the first one
    contains the object's entity tag (ETag), so bytes from two versions of the object are never mixed.

    :raises NotFoundError: there is no object at ``uri``.
    :raises TransientError: every new connection failed, or the object was replaced while it was being read.
    """

    def __init__(self, clients: AwsClients, uri: str) -> None:
        self._clients = clients
        self._uri = uri
        self._position = 0
        answer = self._get()
        self._size = int(answer["ContentLength"])
        self._tag = answer["ETag"]
        self._body: Any = answer["Body"]

    @property
    def entity_tag(self) -> str:
        """The entity tag of the object. It changes when the object's bytes change."""
        return str(self._tag)

    def readable(self) -> bool:
        """Return ``True``, as ``io.RawIOBase`` requires."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read bytes into ``buffer`` and return how many were read. 0 means the end of the object."""
        for pause_seconds in (*RECONNECT_PAUSE_SECONDS, None):
            try:
                return self._read_some(buffer)
            except TransientError:
                self._disconnect()
                if pause_seconds is None:
                    raise
                time.sleep(pause_seconds)
        raise AssertionError  # the last iteration returns or raises

    def close(self) -> None:
        """Close the connection."""
        if not self.closed:
            self._disconnect()
        super().close()

    def _read_some(self, buffer: Any) -> int:
        if self._position == self._size:
            return 0
        if self._body is None:
            self._body = self._get(Range=f"bytes={self._position}-", IfMatch=self._tag)["Body"]
        with named_errors(f"get_object {self._uri}"):
            count = int(self._body.readinto(buffer))
        self._position += count
        return count

    def _get(self, **parameters: Any) -> dict[str, Any]:
        bucket, key = split_uri(self._uri)
        answer: dict[str, Any] = self._clients.call("s3", "get_object", self._uri, Bucket=bucket, Key=key, **parameters)
        return answer

    def _disconnect(self) -> None:
        body, self._body = getattr(self, "_body", None), None
        if body is not None:
            body.close()
