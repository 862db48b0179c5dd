"""The pictures of a data card, as inline SVG: distributions, with the originals' bar above that of the new pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from include.distill.report.charts import bar, svg, text

_ROW = 18
_LABEL = 108
_SIDES = {"originals": "before", "synthetic": "kept"}


def length_chart(card: Mapping[str, Any], role: str, *, width: int) -> Markup:
    """Draw the shares of the originals (upper bars) and of the new pairs by the length of their ``role``."""
    distributions = {side: card["distributions"].get(f"{role}_characters_{side}", []) for side in _SIDES}
    sides = {side: bins for side, bins in distributions.items() if bins}
    legend = ": originals (light) and new pairs (dark)" if len(sides) == len(_SIDES) else ""
    return _chart(f"{card['arm']}-{role}", sides, title=f"Characters of the {role}{legend}", width=width)


def grounding_chart(card: Mapping[str, Any], *, width: int) -> Markup:
    """Draw the shares of the new pairs by how much of their answer stands in the document."""
    bins = card["distributions"].get("grounding_synthetic", [])
    title = "Share of the answer that stands in the document"
    return _chart(f"{card['arm']}-grounding", {"synthetic": bins} if bins else {}, title=title, width=width)


def topic_chart(card: Mapping[str, Any], *, width: int) -> Markup:
    """Draw the words that most topics hold, by their number of pairs."""
    words: Sequence[Mapping[str, Any]] = card["topic_words"]
    if not words:
        return Markup("")
    maximum = max(entry["pairs"] for entry in words)
    body = []
    for place, entry in enumerate(words):
        top = 24 + place * _ROW
        label = entry["word"] if len(entry["word"]) <= 12 else entry["word"][:11] + "…"
        room = (width - _LABEL - 60) * entry["pairs"] / maximum
        body += [text(0, top + 12, label, style="tick"), bar(_LABEL, top, max(1.0, room), _ROW - 5, "kept")]
        body.append(text(_LABEL + room + 6, top + 12, f"{entry['pairs']:,}", style="tick"))
    title = "Words of the most topics, by pairs"
    spoken = ", ".join(f"{entry['word']} {entry['pairs']}" for entry in words)
    body.append(text(0, 14, title, style="label"))
    return svg(f"{card['arm']}-topics", width, 30 + _ROW * len(words), title=title, description=spoken, body=body)


def _chart(key: str, sides: Mapping[str, Sequence[Mapping[str, Any]]], *, title: str, width: int) -> Markup:
    if not sides:
        return Markup("")
    shares = {side: _shares(bins) for side, bins in sides.items()}
    labels = _labels(next(iter(sides.values())))
    maximum = max(max(values) for values in shares.values()) or 1.0
    body = [text(0, 14, title, style="label")]
    height = _ROW * len(sides)
    for place, label in enumerate(labels):
        top = 26 + place * (height + 6)
        body.append(text(0, top + 12, label, style="tick"))
        for line, (side, values) in enumerate(shares.items()):
            room = (width - _LABEL - 60) * values[place] / maximum
            body.append(bar(_LABEL, top + line * _ROW, max(1.0, room), _ROW - 4, _SIDES[side]))
            body.append(text(_LABEL + room + 6, top + line * _ROW + 12, f"{values[place]:.0%}", style="tick"))
    spoken = ". ".join(
        f"{side}: {', '.join(f'{label} {value:.0%}' for label, value in zip(labels, values, strict=True))}"
        for side, values in shares.items()
    )
    return svg(key, width, 32 + len(labels) * (height + 6), title=title, description=spoken, body=body)


def _shares(bins: Sequence[Mapping[str, Any]]) -> list[float]:
    total = sum(entry["count"] for entry in bins) or 1
    return [entry["count"] / total for entry in bins]


def _labels(bins: Sequence[Mapping[str, Any]]) -> list[str]:
    bounds = [entry["up_to"] for entry in bins]
    return [f"more than {bounds[-2]:g}" if bound is None else f"up to {bound:g}" for bound in bounds]
