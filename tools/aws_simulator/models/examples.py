"""Define the records of a training file and the losses of a training, for all students."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingExample:
    """
    One answer in a training file, with everything that precedes it.

    :param user: the message that is answered.
    :param history: the texts of the earlier messages of the record, one per line; empty if there are none.
    """

    system: str
    user: str
    answer: str
    history: str = ""


@dataclass(frozen=True)
class TrainingStep:
    """The loss of one step; ``step`` and ``epoch`` count from 0."""

    step: int
    epoch: int
    loss: float
