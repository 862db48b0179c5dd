"""Prepare what all pages share: the environment of their templates, and drawings in two widths."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from include.distill.core.paths import INCLUDE

_WIDTHS = {"wide": 720, "narrow": 330}


def template_environment(**filters: Callable[..., object]) -> Environment:
    """Return an environment for the templates in ``include/report``. It escapes every value."""
    environment = Environment(
        loader=FileSystemLoader(INCLUDE / "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"urlencode": url_text, **filters}
    return environment


def url_text(text: str, safe: str = "/") -> str:
    """Quote a text for a URL. Lone surrogates, at which Jinja's own filter fails, become question marks."""
    return quote(text, safe=safe, errors="replace")


def page_text(html: str) -> str:
    """Return a page that can be encoded: lone surrogates, which a stored text may have, become question marks."""
    return html.encode("utf-8", "replace").decode("utf-8")


def drawn(draw: Callable[[int], Markup]) -> dict[str, Markup]:
    """Draw a chart once for desktops and once for phones. The page shows the drawing that fits the screen."""
    # If a single drawing were scaled, its text would become too small.
    return {name: draw(width) for name, width in _WIDTHS.items()}
