"""Prepare what all pages share: the environment of their templates, and drawings in two widths."""

from __future__ import annotations

from collections.abc import Callable

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
    environment.filters |= filters
    return environment


def drawn(draw: Callable[[int], Markup]) -> dict[str, Markup]:
    """Draw a chart once for desktops and once for phones. The page shows the drawing that fits the screen."""
    # If a single drawing were scaled, its text would become too small.
    return {name: draw(width) for name, width in _WIDTHS.items()}
