"""
Recognize HTTP requests to a server on this machine that come from a web page of another site.

A server that needs no login trusts whoever can reach it. The browser on this machine can reach it, and so can every web
page that is open in this browser. A page can do so in two ways:

- DNS rebinding: the page uses a host name that resolves to 127.0.0.1. The Host header shows this name.
- A cross-site request: the page sends a request to the server's own address. The Origin and Sec-Fetch-Site headers
  show that it comes from another site.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable

_AUTHORITY = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?")
_FRAMES = frozenset({"iframe", "frame", "fencedframe", "object", "embed"})


def refusal(headers: Iterable[tuple[bytes, bytes]], hosts: Collection[str]) -> str | None:
    """
    Return why a request must be refused, or ``None`` if it comes from this server's own pages or from a program.

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
        return f"the Origin header is {foreign[:200]!r}; expected none, or {own[0]}"
    # A link on another site to this server is allowed, because that site cannot read what the browser then shows. A
    # frame is refused, because a site that shows this server in a frame could trick a person into clicking its buttons.
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
