"""Divide rows among tasks, and split rows into two sides so that no document group is on both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeVar

from include.distill.core.errors import InputError
from include.distill.dataset.group_draw import draw, oversized_groups, require_share
from include.distill.dataset.records import Grouped, Row, RowTokens
from include.distill.text.token_count import central_token_count

RowT = TypeVar("RowT", bound=Grouped)


def shards(count: int, max_tasks: int) -> list[range]:
    """Divide ``count`` rows among at most ``max_tasks`` tasks: one row per task if possible, else nearly equal batches.

    :return: the indexes of each task's rows, in order.
    :raises InputError: ``max_tasks`` is below 1.
    """
    if max_tasks < 1:
        raise InputError(f"fan_out.max_tasks is {max_tasks}; expected 1 or more.")
    tasks = min(count, max_tasks)
    return [range(count * task // tasks, count * (task + 1) // tasks) for task in range(tasks)]


def split_by_document(rows: Sequence[RowT], share: float, seed: int, *, purpose: str) -> tuple[list[RowT], list[RowT]]:
    """
    Split rows into ``(kept, held out)``; all rows of one document group are on the same side.

    A number from 0 to 1 is drawn for each group. The rows of a group with a number below ``share`` are held out. The
    number depends only on the seed, the purpose and the group's name, so rows that are appended later rarely move other
    rows to another side. The actual share is approximately ``share``. If one side would be empty although there are at
    least two groups, the group whose number is nearest to ``share`` is moved to that side. A group is never held out
    if it alone has more rows than should be held out in total.

    :param share: expected share of groups that are held out, between 0 and 1.
    :param purpose: what the held-out rows are for. Two successive splits need different purposes. With the same
        purpose, the second split would draw the same numbers as the first.
    :raises InputError: ``share`` is not between 0 and 1.
    """
    require_share(share)
    sizes = Counter(row["group"] for row in rows)
    kept_groups = oversized_groups(sizes, share)
    draws = {name: draw(purpose, seed, name) for name in sizes if name not in kept_groups}
    if len(sizes) > 1:
        ordered = sorted(draws.values())
        share = max(share, ordered[1] if len(ordered) > 1 else 1)
        share = share if kept_groups else min(share, ordered[-1])
    held_out = {name for name, number in draws.items() if number < share}
    return [row for row in rows if row["group"] not in held_out], [row for row in rows if row["group"] in held_out]


def row_tokens(rows: Iterable[Row]) -> list[RowTokens]:
    """Replace the texts of rows with their estimated numbers of tokens, which are enough to estimate the cost."""
    return [
        {
            "group": row["group"],
            "document": central_token_count(row["document"]),
            "question": central_token_count(row["question"]),
            "answer": central_token_count(row["answer"]),
        }
        for row in rows
    ]
