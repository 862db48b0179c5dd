"""Split rows into shards and into training and evaluation, so that no document group is on both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from include.distill.core.errors import InputError
from include.distill.core.storage import Record

GROUP = "group"


def shards(count: int, max_tasks: int) -> list[range]:
    """Return which of ``count`` rows each task takes: one row while tasks suffice, else equal batches.

    :raises InputError: fewer than one task.
    """
    if max_tasks < 1:
        raise InputError(f"max_tasks is {max_tasks}; expected 1 or more.")
    tasks = min(count, max_tasks)
    return [range(count * task // tasks, count * (task + 1) // tasks) for task in range(tasks)]


def group_of(row: Mapping[str, Any]) -> str:
    """Return the name of what a row belongs to: rows of one group lie on one side of every split."""
    return str(row.get(GROUP) or row["document"])


def split_by_document(
    rows: Sequence[Record], share: float, seed: int, *, purpose: str = "evaluation"
) -> tuple[list[Record], list[Record]]:
    """
    Return ``(kept, held out)``; all rows of one ``group`` (of one document, where rows have none) lie on one side.

    A group's side depends on its name alone, so that rows appended later move none; the share is therefore met
    only roughly. Where the draw would leave a side empty, the nearest group is moved there, if there are two.

    :param share: expected share of groups held out, between 0 and 1.
    :param purpose: what the rows are held out for. Two splits, one after the other, need different purposes:
        under the same one the second would hold out what the first already took.
    :raises InputError: a share outside of 0 to 1.
    """
    if not 0 < share < 1:
        raise InputError(f"The share of documents held out is {share}; expected more than 0 and less than 1.")
    names = [group_of(row) for row in rows]
    draws = {name: draw(purpose, seed, name) for name in names}
    if len(set(draws.values())) > 1:
        ordered = sorted(draws.values())
        share = min(max(share, ordered[1]), ordered[-1])
    held_out = [row for row, name in zip(rows, names, strict=True) if draws[name] < share]
    return [row for row, name in zip(rows, names, strict=True) if draws[name] >= share], held_out


def draw(purpose: str, seed: int, name: str) -> float:
    """Return a number from 0 to 1 that depends on nothing but these."""
    digest = hashlib.sha256("\x1f".join((purpose, str(seed), name)).encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def text_lengths(rows: Iterable[Mapping[str, Any]]) -> list[Record]:
    """Return rows that hold the lengths of their texts in the place of the texts: all that an estimate needs."""
    columns = ("document", "question", "answer")
    return [{GROUP: group_of(row), **{column: len(row[column]) for column in columns}} for row in rows]
