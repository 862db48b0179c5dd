"""Cut lists into pages, for services whose tokens are opaque."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, TypeVar

from tools.aws_simulator.protocol.errors import ServiceError

T = TypeVar("T")
PAGE_SIZE = 100


def cut_page(
    items: Sequence[T], arguments: dict[str, Any], invalid_token: str, default: int = PAGE_SIZE
) -> tuple[list[T], dict[str, str]]:
    """Return the page that a request asks for, and the member with the next page's token if there is one.

    :param invalid_token: the code of the error for a token that this list did not give out.
    """
    start = _position(arguments.get("NextToken"), len(items), invalid_token)
    end = start + int(arguments.get("MaxResults", default))
    token = base64.b64encode(str(end).encode()).decode()
    return list(items[start:end]), {"NextToken": token} if end < len(items) else {}


def _position(token: str | None, length: int, invalid_token: str) -> int:
    if not token:
        return 0
    try:
        position = int(base64.b64decode(token, validate=True))
    except ValueError:
        position = -1
    if not 0 < position < length:
        raise ServiceError(invalid_token, "The pagination token is invalid.")
    return position
