"""
Read the losses of a training job from Bedrock's metrics, and average them.

The loss of one step is the loss of a single batch. It varies by chance, so the first or last loss alone means little.
The report's text therefore gives means over the first and the last tenth of the steps, and its chart shows a moving
mean over a tenth of the steps.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from typing import NamedTuple

from include.distill.training.records import LossPoint


def loss_curve(metrics: bytes) -> list[LossPoint]:
    """
    Read the loss of each step from Bedrock's ``step_wise_training_metrics.csv``.

    Columns differ between families, but all files have ``step_number``, ``epoch_number`` and ``training_loss``.
    https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-analyze.html

    :raises KeyError, ValueError: a column is missing, or a value is not a number.
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
    """
    The mean loss over the first ``window`` steps and over the last ``window`` steps, out of ``steps`` steps.

    A mean is ``None`` if one of its steps has no loss.
    """

    steps: int
    window: int
    first: float | None
    last: float | None

    @property
    def figures(self) -> str:
        """Both means as a short text, such as "1.92 to 0.84"."""
        return f"{_as_text(self.first)} to {_as_text(self.last)}"

    @property
    def sentence(self) -> str:
        """Both means in a phrase. With fewer than 20 steps, a tenth is a single step, so single losses are given."""
        first, last = _as_text(self.first), _as_text(self.last)
        if self.window == 1:
            steps = f"{self.steps} {'step' if self.steps == 1 else 'steps'}"
            return f"{steps}, too few for means; loss {first} in the first step and {last} in the last step"
        return (
            f"mean loss {first} over the first {self.window:,} of {self.steps:,} steps, and {last} over the last"
            f" {self.window:,}"
        )


def loss_means(points: Sequence[LossPoint]) -> LossMeans | None:
    """Return the means over the first and the last tenth of the steps, or ``None`` if there are no steps."""
    if not points:
        return None
    means = moving_mean(points)
    return LossMeans(len(points), _window(points), means[0], means[-1])


def moving_mean(points: Sequence[LossPoint]) -> list[float | None]:
    """
    Return the moving mean over a tenth of the steps, starting with the mean of the first tenth.

    A mean is ``None`` if one of its steps has no loss, for example because training diverged. Leaving out such a step
    would make the training look better than it was.
    """
    losses, window = [point["loss"] for point in points], _window(points)
    means: list[float | None] = []
    for start in range(len(losses) - window + 1):
        present = [loss for loss in losses[start : start + window] if loss is not None]
        means.append(sum(present) / window if len(present) == window else None)
    return means


def _window(points: Sequence[LossPoint]) -> int:
    return max(1, len(points) // 10)


def _as_text(loss: float | None) -> str:
    return "–" if loss is None else f"{loss:.2f}"
