"""
Cut the lists of IAM into pages.

moto has three faults. It cuts only some lists into pages. It fails on a marker that it did not give out. Its markers
are counts of items, so a client that deletes items between two pages misses some items. In the simulator, a marker
names the last item of its page.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html
"""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.etree.ElementTree import Element, SubElement, fromstring, register_namespace, tostring

from tools.aws_simulator.protocol.errors import ServiceError

PAGE_SIZE = 100
_ALL = "1000000"
_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
# The names of the elements that identify an item. An item without them is a text.
_KEYS = ("Arn", "PolicyArn", "VersionId", "Key", "InstanceProfileId")


def without_page(form: bytes) -> bytes:
    """Remove Marker from the form of a request and set a very high MaxItems, so that moto returns the whole list."""
    pairs = [(name, value) for name, value in parse_qsl(form.decode(), keep_blank_values=True) if name != "Marker"]
    return urlencode([*(pair for pair in pairs if pair[0] != "MaxItems"), ("MaxItems", _ALL)]).encode()


def cut_list(answer: bytes | str, arguments: dict[str, Any]) -> bytes:
    """Return the page that the request asks for.

    :param answer: moto's answer, which has all items of the list.
    :raises ServiceError: the marker is malformed.
    """
    register_namespace("", _NAMESPACE)
    root = fromstring(answer)  # noqa: S314 - moto has written the document
    space = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
    result = next(child for child in root if child.tag.endswith("Result"))
    shown = next((child for child in result if child.find(f"{space}member") is not None), None)
    for name in ("IsTruncated", "Marker"):
        for element in result.findall(space + name):
            result.remove(element)
    marker = _read_marker(arguments.get("Marker"))
    truncated = shown is not None and _cut(shown, space, marker, int(arguments.get("MaxItems", PAGE_SIZE)))
    SubElement(result, f"{space}IsTruncated").text = "true" if truncated else "false"
    if truncated and shown is not None:
        last = base64.b64encode(_key(shown[-1], space).encode()).decode()
        SubElement(result, f"{space}Marker").text = last
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _cut(shown: Element, space: str, marker: str, most: int) -> bool:
    """Keep the items of one page, in the order of their keys, and return whether others follow."""
    items = sorted(shown, key=lambda item: _key(item, space))
    rest = [item for item in items if _key(item, space) > marker]
    for item in items:
        shown.remove(item)
    shown.extend(rest[:most])
    return len(rest) > most


def _key(item: Element, space: str) -> str:
    return next((text for name in _KEYS if (text := item.findtext(space + name))), item.text or "")


def _read_marker(marker: str | None) -> str:
    try:
        return base64.b64decode(marker or "", validate=True).decode()
    except (binascii.Error, ValueError):
        raise ServiceError("ValidationError", "Invalid Marker.") from None
