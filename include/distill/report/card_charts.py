"""Draw the charts of a data card as inline SVG: distributions of originals and new pairs, and frequent topic words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from markupsafe import Markup

from include.distill.report.charts import bar, svg, text
from include.distill.training.records import DataCard, HistogramBin

_ROW = 18
_LABEL = 108
_SIDES = {"originals": "before", "synthetic": "kept"}


def length_chart(card: DataCard, role: Literal["question", "answer", "document"], *, width: int) -> Markup:
    """Draw the lengths of one kind of text in the originals (upper bars) and in the new pairs (lower bars)."""
    distributions = {side: card["distributions"].get(f"{role}_characters_{side}", []) for side in _SIDES}
    sides = {side: bins for side, bins in distributions.items() if bins}
    legend = ": originals (light) and new pairs (dark)" if len(sides) == len(_SIDES) else ""
    return _chart(f"{card['arm']}-{role}", sides, title=f"Characters in the {role}{legend}", width=width)


def grounding_chart(card: DataCard, *, width: int) -> Markup:
    """Draw the distribution of grounding: the share of a new answer's words that the document or question contains."""
    bins = card["distributions"].get("grounding_synthetic", [])
    title = "Share of the answer's words found in document or question"
    return _chart(f"{card['arm']}-grounding", {"synthetic": bins} if bins else {}, title=title, width=width)


def topic_chart(card: DataCard, *, width: int) -> Markup:
    """Draw the most frequent words in topics, with the number of pairs for each word."""
    words = card["topic_words"]
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
    title = "Most frequent words in topics, by number of pairs"
    spoken = ", ".join(f"{entry['word']} {entry['pairs']}" for entry in words)
    body.append(text(0, 14, title, style="label"))
    return svg(f"{card['arm']}-topics", width, 30 + _ROW * len(words), title=title, description=spoken, body=body)


def _chart(key: str, sides: Mapping[str, Sequence[HistogramBin]], *, title: str, width: int) -> Markup:
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


def _shares(bins: Sequence[HistogramBin]) -> list[float]:
    total = sum(entry["count"] for entry in bins) or 1
    return [entry["count"] / total for entry in bins]


def _labels(bins: Sequence[HistogramBin]) -> list[str]:
    bounds = [entry["up_to"] for entry in bins]
    largest = max(bound for bound in bounds if bound is not None)
    return [f"more than {largest:g}" if bound is None else f"up to {bound:g}" for bound in bounds]
