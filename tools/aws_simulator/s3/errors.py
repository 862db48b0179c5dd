"""
Write the error responses of S3.

The codes and texts are those of S3: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, tostring

from starlette.responses import Response


class S3Error(Exception):
    """An error response of S3. ``details`` are additional elements of the response."""

    def __init__(self, code: str, message: str, status: int = 400, *, details: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.details = details or {}
        self.code = code
        self.status = status


MALFORMED_XML = (
    "MalformedXML",
    "The XML you provided was not well-formed or did not validate against our published schema",
)


def s3_error(error: S3Error, method: str) -> Response:
    """Return the response for ``error``. The response to a HEAD request has no body."""
    root = Element("Error")
    SubElement(root, "Code").text, SubElement(root, "Message").text = error.code, str(error)
    for name, value in error.details.items():
        SubElement(root, name).text = value
    content = b"" if method == "HEAD" else tostring(root, encoding="utf-8", xml_declaration=True)
    return Response(content, status_code=error.status, headers={"x-simulated": "true"}, media_type="application/xml")
