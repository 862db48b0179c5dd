"""The bytes of an S3 object as a stream that outlives its connection."""

from __future__ import annotations

import time
from io import RawIOBase
from typing import Any

from bedrock_distill.hooks.aws import AwsClients
from bedrock_distill.hooks.aws_errors import named_errors
from include.distill.core.errors import TransientError
from include.distill.core.storage import split_uri

RECONNECT_PAUSE_SECONDS = (0.2, 1.0, 5.0)  # before each new connection; a byte that arrives starts the count anew


class ResumingBody(RawIOBase):
    """
    An object's bytes; where the connection breaks, a new one goes on behind the last byte read.

    botocore retries a request, not the reading of its answer. The entity tag is held on to, so that an object that was
    replaced meanwhile is never read half and half.

    :raises NotFoundError: nothing lies under ``uri``.
    :raises TransientError: while reading, the connection broke and stayed broken, or the object was replaced.
    """

    def __init__(self, clients: AwsClients, uri: str) -> None:
        self._clients = clients
        self._uri = uri
        self._read = 0
        answer = self._get()
        self._size = int(answer["ContentLength"])
        self._tag = answer["ETag"]
        self._body: Any = answer["Body"]

    def readable(self) -> bool:
        """Tell that this stream can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer`` as far as bytes are there, and return how many; 0 at the end."""
        for pause_seconds in (*RECONNECT_PAUSE_SECONDS, None):
            try:
                return self._read_on(buffer)
            except TransientError:
                self._drop()
                if pause_seconds is None:
                    raise
                time.sleep(pause_seconds)
        raise AssertionError  # the last pass returns or raises

    def close(self) -> None:
        """Let go of the connection."""
        if not self.closed:
            self._drop()
        super().close()

    def _read_on(self, buffer: Any) -> int:
        if self._read == self._size:
            return 0
        if self._body is None:
            self._body = self._get(Range=f"bytes={self._read}-", IfMatch=self._tag)["Body"]
        with named_errors(f"get_object {self._uri}"):
            count = int(self._body.readinto(buffer))
        self._read += count
        return count

    def _get(self, **parameters: str) -> dict[str, Any]:
        bucket, key = split_uri(self._uri)
        answer: dict[str, Any] = self._clients.call("s3", "get_object", self._uri, Bucket=bucket, Key=key, **parameters)
        return answer

    def _drop(self) -> None:
        body, self._body = getattr(self, "_body", None), None
        if body is not None:
            body.close()
