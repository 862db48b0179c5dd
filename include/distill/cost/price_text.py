"""Replace prices in the text of ``include/prices.yaml``, and keep all comments and the order of the keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

import yaml

from include.distill.core.errors import InputError
from include.distill.cost.price_table import Price


def replace_prices(text: str, prices: Mapping[tuple[str, ...], Price]) -> str:
    """
    Return the text with new prices. A price that the text does not have is added after the model's last price.

    :param prices: the prices by their place, such as ``("models", "nova-micro", "input_per_million")``.
    :raises InputError: the text has no block-style mapping that a price could be added to.
    """
    root = yaml.compose(text, yaml.SafeLoader)
    edits: list[tuple[int, int, str]] = []  # start, end, and what replaces the text between them
    for place, price in prices.items():
        parent = root
        for key in place[:-1]:
            parent = _value(parent, key)
        if not isinstance(parent, yaml.MappingNode) or parent.flow_style or not parent.value:
            block = ".".join(place[:-1])
            raise InputError(f'The price table has no block "{block}" with one line for each key. Add this block.')
        present = _value(parent, place[-1])
        if present is not None:
            edits.append((present.start_mark.index, _end(present), price_entry(price)))
        else:
            first_key, last_value = parent.value[0][0], parent.value[-1][1]
            line = f"\n{' ' * first_key.start_mark.column}{place[-1]}: {price_entry(price)}"
            end = _end_of_line(text, _end(last_value))
            edits.append((end, end, line))
    # From the end to the start, so that the other positions stay valid.
    edits.sort(key=lambda edit: edit[0])
    for start, end, entry in reversed(edits):
        text = f"{text[:start]}{entry}{text[end:]}"
    return text


def price_entry(price: Price) -> str:
    """Format a price as an entry of the file."""
    usd = f"{Decimal(str(price.usd)).normalize():f}"
    verified = "true" if price.verified else "false"
    source = json.dumps(price.source, ensure_ascii=False)
    return f"{{usd: {usd}, verified: {verified}, source: {source}, checked: {price.checked}}}"


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _end(node: yaml.Node) -> int:
    """
    Return the position in the text at which a node ends.

    For a mapping or list in block style, this is the end of its last value. PyYAML's own end mark is further down: it
    is just before the next key, after blank lines and comments.
    """
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _end_of_line(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end
