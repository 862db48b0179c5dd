"""
What a training job's losses say, from the metrics that Bedrock wrote of it.

The loss of one step is that of one batch: it goes up and down by chance, and a first or last one says little. Said are
means over the first and the last tenth of the steps, and drawn is the moving mean over as many.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any, NamedTuple

Point = Mapping[str, Any]


def loss_curve(metrics: bytes) -> list[dict[str, float]]:
    """
    Return the steps of Bedrock's ``step_wise_training_metrics.csv``.

    Columns differ between families; ``step_number``, ``epoch_number`` and ``training_loss`` are in all of them.
    https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-analyze.html
    """
    rows = csv.DictReader(StringIO(metrics.decode("utf-8-sig")))
    return [
        {
            "step": int(row["step_number"]),
            "epoch": int(row["epoch_number"]),
            "loss": float(row["training_loss"]),
        }
        for row in rows
    ]


class LossMeans(NamedTuple):
    """Mean losses over the first and the last ``window`` of ``steps``; ``None`` where one of these has no loss."""

    steps: int
    window: int
    first: float | None
    last: float | None

    @property
    def figures(self) -> str:
        """Both as text."""
        return f"{_written(self.first)} to {_written(self.last)}"

    @property
    def sentence(self) -> str:
        """What the figures are, in words; steps are too few for means where a tenth of them is one."""
        first, last = _written(self.first), _written(self.last)
        if self.window == 1:
            return f"{self.steps} {'step' if self.steps == 1 else 'steps'}, too few for means: {first} in the first" + (
                f" and {last} in the last"
            )
        return f"mean loss {first} over the first {self.window} of {self.steps:,} steps, {last} over the last"


def loss_means(points: Sequence[Point]) -> LossMeans | None:
    """Return the means over the first and the last tenth of the steps; ``None`` without any step."""
    if not points:
        return None
    means = moving_mean(points)
    return LossMeans(len(points), _window(points), means[0], means[-1])


def moving_mean(points: Sequence[Point]) -> list[float | None]:
    """
    Return the means over every tenth of the steps in a row, the first steps' mean first.

    A mean over a step without a loss, as training that diverged has them, is ``None``: leaving that step out would
    make the training look better than it was.
    """
    losses, window = [point["loss"] for point in points], _window(points)
    parts = (losses[start : start + window] for start in range(len(losses) - window + 1))
    return [None if None in part else sum(part) / window for part in parts]


def _window(points: Sequence[Point]) -> int:
    return max(1, len(points) // 10)


def _written(loss: float | None) -> str:
    return "–" if loss is None else f"{loss:.2f}"
