"""Divide rows among tasks, and split rows into two sides so that no document group is on both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TypeVar

from include.distill.core.errors import InputError
from include.distill.dataset.records import Grouped, Row, RowTokens
from include.distill.text.token_count import central_token_count

RowT = TypeVar("RowT", bound=Grouped)


def shards(count: int, max_tasks: int) -> list[range]:
    """Divide ``count`` rows among at most ``max_tasks`` tasks: one row per task if possible, else nearly equal batches.

    :return: the indexes of each task's rows, in order.
    :raises InputError: ``max_tasks`` is below 1.
    """
    if max_tasks < 1:
        raise InputError(f"max_tasks is {max_tasks}; expected 1 or more.")
    tasks = min(count, max_tasks)
    return [range(count * task // tasks, count * (task + 1) // tasks) for task in range(tasks)]


def split_by_document(rows: Sequence[RowT], share: float, seed: int, *, purpose: str) -> tuple[list[RowT], list[RowT]]:
    """
    Split rows into ``(kept, held out)``; all rows of one document group are on the same side.

    A number from 0 to 1 is drawn for each group. The rows of a group with a number below ``share`` are held out. The
    number depends only on the seed, the purpose and the group's name, so rows that are appended later do not move other
    rows to another side. The actual share is approximately ``share``. If one side would be empty although there are at
    least two groups, the group whose number is nearest to ``share`` is moved to that side.

    :param share: expected share of groups that are held out, between 0 and 1.
    :param purpose: what the held-out rows are for. Two successive splits need different purposes. With the same
        purpose, the second split would draw the same numbers as the first.
    :raises InputError: ``share`` is not between 0 and 1.
    """
    require_share(share)
    draws = {name: draw(purpose, seed, name) for name in {row["group"] for row in rows}}
    if len(set(draws.values())) > 1:
        ordered = sorted(draws.values())
        share = min(max(share, ordered[1]), ordered[-1])
    held_out = [row for row in rows if draws[row["group"]] < share]
    return [row for row in rows if draws[row["group"]] >= share], held_out


def require_share(share: float) -> None:
    """Check the share of document groups to hold out.

    :raises InputError: ``share`` is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise InputError(f"The share of documents to hold out is {share}; expected more than 0 and less than 1.")


def draw(purpose: str, seed: int, name: str) -> float:
    """Draw a pseudo-random number from 0 to 1 that depends only on the arguments."""
    digest = hashlib.sha256("\x1f".join((purpose, str(seed), name)).encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def row_tokens(rows: Iterable[Row]) -> list[RowTokens]:
    """Replace the texts of rows with their estimated numbers of tokens. An estimate of the cost needs no texts."""
    return [
        {
            "group": row["group"],
            "document": central_token_count(row["document"]),
            "question": central_token_count(row["question"]),
            "answer": central_token_count(row["answer"]),
        }
        for row in rows
    ]
