"""
Serve objects from memory for the benchmark that runs through Airflow's scheduler.

The server implements only the part of S3 that the synthesis step uses.

The AWS simulator uses moto's S3, which handles only 50 to 100 small puts a second and would be the bottleneck.
"""

from __future__ import annotations

import asyncio
from hashlib import md5
from xml.sax.saxutils import escape

from tools.benchmarks.wire import Answer, Request, serve

XML = (("Content-Type", "application/xml"),)
MODIFIED = ("Last-Modified", "Sun, 22 Nov 2026 00:00:00 GMT")


class ObjectServer:
    """A server that stores each object under its full path. Buckets need not be created."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}

    async def answer(self, request: Request) -> Answer:
        """Answer GET, HEAD, PUT and DELETE requests for objects, and GET requests that list objects."""
        if request.method == "GET" and "list-type" in request.query:
            return self._list(request)
        if request.method == "PUT":
            self._objects[request.path] = request.body
            return Answer(headers=(("ETag", _tag(request.body)),))
        if request.method == "DELETE":
            self._objects.pop(request.path, None)
            return Answer(status=204)
        return self._get(request)

    def _get(self, request: Request) -> Answer:
        if request.method == "HEAD" and request.path.count("/") == 1:  # a bucket
            return Answer()
        body = self._objects.get(request.path)
        if body is None:
            missing = f"<Error><Code>NoSuchKey</Code><Message>{escape(request.path)}</Message></Error>"
            return Answer(b"" if request.method == "HEAD" else missing.encode(), 404, XML)
        headers = (("ETag", _tag(body)), MODIFIED, ("Content-Type", "application/octet-stream"))
        if request.method == "HEAD":
            return Answer(headers=headers, length=len(body))
        return Answer(body, headers=headers)

    def _list(self, request: Request) -> Answer:
        bucket = request.path.rstrip("/")
        start = f"{bucket}/{request.query.get('prefix', '')}"
        entries = "".join(
            f"<Contents><Key>{escape(path.removeprefix(f'{bucket}/'))}</Key><Size>{len(body)}</Size>"
            f"<LastModified>2026-11-22T00:00:00Z</LastModified><ETag>{_tag(body)}</ETag></Contents>"
            for path, body in sorted(self._objects.items())
            if path.startswith(start)
        )
        listed = f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"
        return Answer(listed.encode(), headers=XML)


def _tag(body: bytes) -> str:
    return f'"{md5(body, usedforsecurity=False).hexdigest()}"'


if __name__ == "__main__":
    asyncio.run(serve(ObjectServer().answer))
