"""
Recognize HTTP requests that a web page of another site makes a browser send to a server on this machine.

A server that needs no login trusts whoever can reach it. A web page can reach it through the user's browser in two
ways:

- The page uses a host name that resolves to 127.0.0.1 (DNS rebinding). The Host header shows this name.
- The page sends a request to the server's own address. The Origin and Sec-Fetch-Site headers show that the request
  comes from another site.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable

_AUTHORITY = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?")
_FRAMES = frozenset({"iframe", "frame", "fencedframe", "object", "embed"})


def refusal(headers: Iterable[tuple[bytes, bytes]], hosts: Collection[str]) -> str | None:
    """
    Return why a request must be refused; ``None`` if it is allowed.

    Requests from this server's own pages and from programs are allowed. A link on another site is allowed too, but not
    in a frame.

    :param headers: the request's headers, with names in lower case.
    :param hosts: host names of the server, in lower case. Addresses of the loopback interface are always allowed.
    """
    values: dict[bytes, list[str]] = {}
    for name, value in headers:
        values.setdefault(name, []).append(value.decode("latin-1").strip().lower())
    host = values.get(b"host", [])
    if len(host) != 1 or not _is_allowed(host[0], hosts):
        return f"the Host header is {', '.join(host)[:200]!r}; expected a loopback address or one of {sorted(hosts)}"
    own = (f"http://{host[0]}", f"https://{host[0]}")
    foreign = next((origin for origin in values.get(b"origin", []) if origin not in own), None)
    if foreign is not None:
        return f"the Origin header is {foreign[:200]!r}; expected no Origin header, or {own[0]}"
    # A link on another site may lead here, because the other site cannot read what the browser then shows. In a frame,
    # the other site could make the reader click on this server's buttons.
    in_frame = not _FRAMES.isdisjoint(values.get(b"sec-fetch-dest", []))
    is_link = "navigate" in values.get(b"sec-fetch-mode", []) and not in_frame
    site = next((site for site in values.get(b"sec-fetch-site", []) if site in ("cross-site", "same-site")), None)
    if site is not None and not is_link:
        expected = "a request from one of this server's own pages, or from a person who follows a link to it"
        return f"the Sec-Fetch-Site header is {site!r}; expected {expected}"
    return None


def _is_allowed(host: str, hosts: Collection[str]) -> bool:
    match = _AUTHORITY.fullmatch(host)
    if not match:
        return False
    try:
        is_loopback = ipaddress.ip_address(match["name"].strip("[]")).is_loopback
    except ValueError:
        is_loopback = False
    return is_loopback or match["name"] in hosts
