"""
Read the losses of a training job from Bedrock's metrics, and average them.

The loss of one step is the loss of a single batch. It varies by chance, so the first or last loss alone means little.
The report's text therefore gives means over the first and the last tenth of the steps, and its chart shows a moving
mean over a tenth of the steps.
"""

from __future__ import annotations

import codecs
import csv
import math
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from typing import Literal, NamedTuple

from include.distill.training.records import LossPoint

LossColumn = Literal["training_loss", "validation_loss"]
# A longer curve would make the report too large for a browser.
MAX_STEPS = 100_000
# Sums of larger numbers could exceed the largest float, and then neither means nor a chart could be computed.
LARGEST = 1e300


def loss_curve(
    metrics: bytes, *, column: LossColumn = "training_loss", note: Callable[[str], object] = lambda text: None
) -> list[LossPoint]:
    """
    Read the loss of each step from one of Bedrock's metrics files.

    Columns differ between families, but all files have ``step_number``, ``epoch_number`` and the column of the loss.
    The user guide lists the columns:
    https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-analyze.html

    Faults in the file do not raise an error, because only the losses in the report depend on the file. A row without a
    step number is left out, and a step whose loss is not a number has the loss ``None``.

    :param metrics: ``step_wise_training_metrics.csv`` or ``validation_metrics.csv``.
    :param note: is called with one sentence for each kind of fault in the file.
    """
    try:
        rows, columns = _read_rows(metrics)
    except csv.Error as error:
        note(f"the file is not a CSV file ({error})")
        return []
    if missing := [name for name in ("step_number", column) if name not in columns]:
        shown = ", ".join(repr(name[:40]) for name in [*columns][:10])
        described = f"its columns are {shown}" if shown else "it has no header"
        note(f"the file has no column {' and no column '.join(missing)}; {described}")
        return []
    if not rows:
        note("the file has a header but no steps")
    points = [_point(_Cells(row, columns), column) for row in rows]
    curve = [point for point in points if point is not None]
    if skipped := len(points) - len(curve):
        note(f"{skipped:,} of {len(points):,} rows were left out, because their step_number is not a whole number")
    if gaps := sum(point["loss"] is None for point in curve):
        note(f"{gaps:,} of {len(curve):,} steps have no {column} that is a finite number")
    if len(curve) > MAX_STEPS:
        note(f"only the first {MAX_STEPS:,} of {len(curve):,} steps are used")
    return curve[:MAX_STEPS]


def _read_rows(metrics: bytes) -> tuple[list[list[str]], dict[str, int]]:
    """Return the rows below the header, and the position of each column by its name in lower case."""
    encoding = "utf-16" if metrics.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    text = metrics.decode(encoding, "replace")
    first_line = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t|", key=first_line.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows = [row for row in reader if any(cell.strip() for cell in row)]
    header = rows[0] if rows else []
    columns: dict[str, int] = {}
    for index, name in enumerate(header):
        columns.setdefault(name.strip("\ufeff\"' \t").lower(), index)
    return rows[1:], columns


class _Cells:
    """The cells of one row, by column name. A cell that the row does not have is empty."""

    def __init__(self, row: Sequence[str], columns: Mapping[str, int]) -> None:
        self._row, self._columns = row, columns

    def number(self, name: str) -> float | None:
        """Return the number in a cell; ``None`` if the cell has no number or one that is not finite."""
        index = self._columns.get(name, len(self._row))
        try:
            number = float(self._row[index]) if index < len(self._row) else math.nan
        except ValueError:
            return None
        return number if abs(number) <= LARGEST else None


def _point(cells: _Cells, column: LossColumn) -> LossPoint | None:
    step = cells.number("step_number")
    if step is None or step < 0 or step != int(step):
        return None
    epoch = cells.number("epoch_number")
    return {
        "step": int(step),
        "epoch": int(epoch) if epoch is not None and epoch == int(epoch) else epoch,
        "loss": cells.number(column),
    }


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
        """The first and the last mean loss as a short text, such as "1.92 to 0.84"."""
        return f"{_as_text(self.first)} to {_as_text(self.last)}"

    @property
    def sentence(self) -> str:
        """Both means as a phrase.

        With fewer than 20 steps, ``window`` is a single step. The phrase then states the losses of the first and the
        last step instead of means.
        """
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
    if loss is None:
        return "–"
    return f"{loss:.2f}" if abs(loss) < 1e6 else f"{loss:.1e}"
