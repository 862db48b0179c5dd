"""
Fine-tune a simulated student on any records.

If a record consists of one prompt and its answer, and the prompt has the delimiters ``<document>`` and ``<question>``,
the record trains the student that quotes documents (``student.py``). All other records train the student that remembers
answers (``answer_model.py``). Each student has its own loss. If a file has records for both students, the loss of the
file is the mean of the two losses, weighted by the number of records for each student.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.aws_simulator.models.answer_model import BASE_MIXTURE, train_memory
from tools.aws_simulator.models.answer_model import held_out_loss as memory_loss
from tools.aws_simulator.models.delimiters import section
from tools.aws_simulator.models.examples import TrainingExample, TrainingStep
from tools.aws_simulator.models.memory import Memory
from tools.aws_simulator.models.student import held_out_loss as quoting_loss
from tools.aws_simulator.models.student import train

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class TrainedModel:
    """
    What a custom model has learned.

    :param weights: the weights of the student that quotes documents; None if this student was never trained.
    :param memory: the memory of the student that remembers answers, with the vocabulary that the model has from
        continued pre-training; None if there is neither.
    """

    weights: dict[str, float] | None = None
    memory: Memory | None = None


@dataclass(frozen=True)
class TrainingResult:
    """The trained model, the loss of every step, and for each validation file the loss after every epoch."""

    model: TrainedModel
    steps: list[TrainingStep]
    validation_losses: list[list[TrainingStep]]


@dataclass(frozen=True)
class _Records:
    """The records of one file, in two lists: one list for each student that learns from them."""

    quoted: list[TrainingExample]
    remembered: list[TrainingExample]


def _split(examples: Sequence[TrainingExample]) -> _Records:
    documents = [_document(one) for one in examples]
    if not any((document or "").strip() for document in documents):
        return _Records([], list(examples))  # empty documents teach nothing about quoting
    split = list(zip(examples, documents, strict=True))
    return _Records(
        [one for one, document in split if document is not None], [one for one, document in split if document is None]
    )


def _document(example: TrainingExample) -> str | None:
    """Return the document that an example's answer quotes; None if the example cannot be learned by quoting."""
    if example.history or section(example.user, "question") is None:
        return None
    return section(example.user, "document")


def fine_tune(
    records: Sequence[TrainingExample],
    *,
    epochs: int,
    validation: Sequence[Sequence[TrainingExample]] = (),
    start: TrainedModel | None = None,
) -> TrainingResult:
    """Train a student. The same records give the same result.

    :param start: the custom model from which the training starts; None for the base model.
    """
    start, data, held_out = start or TrainedModel(), _split(records), [_split(one) for one in validation]
    quoted, remembered = [one.quoted for one in held_out], [one.remembered for one in held_out]
    weights, memory = start.weights, start.memory
    vocabulary = memory.vocabulary if memory else None
    parts: list[tuple[int, list[TrainingStep]]] = []
    if data.quoted:
        quoting = train(data.quoted, epochs=epochs, validation=quoted, start=weights, vocabulary=vocabulary)
        weights, quoting_losses = quoting.weights, _values(quoting.validation_losses)
        parts.append((len(data.quoted), quoting.steps))
    else:
        quoting_losses = [[quoting_loss(weights, examples, vocabulary)] * epochs for examples in quoted]
    if data.remembered:
        remembering = train_memory(data.remembered, epochs=epochs, validation=remembered, start=memory)
        memory, memory_losses = remembering.memory, _values(remembering.validation_losses)
        parts.append((len(data.remembered), remembering.steps))
    else:
        untrained = memory or Memory([], BASE_MIXTURE)
        memory_losses = [[memory_loss(untrained, examples)] * epochs for examples in remembered]
    steps = _mean_steps(parts, epochs)
    ends = {step.epoch: step.step for step in steps}
    losses = [
        [
            TrainingStep(ends[epoch], epoch, _mean((len(one.quoted), by_quoting), (len(one.remembered), by_memory)))
            for epoch, (by_quoting, by_memory) in enumerate(zip(quoting_losses[n], memory_losses[n], strict=True))
        ]
        for n, one in enumerate(held_out)
    ]
    return TrainingResult(TrainedModel(weights, memory), steps, losses)


def _values(losses: Sequence[Sequence[TrainingStep]]) -> list[list[float]]:
    return [[step.loss for step in of_file] for of_file in losses]


def _mean(*losses: tuple[int, float]) -> float:
    """Return the mean of losses, each weighted by its number of records. A loss over 0 records does not count."""
    counted = [(count, loss) for count, loss in losses if count]
    if len(counted) == 1:
        return counted[0][1]
    return sum(count * loss for count, loss in counted) / (sum(count for count, _ in counted) or 1)


def _mean_steps(parts: Sequence[tuple[int, list[TrainingStep]]], epochs: int) -> list[TrainingStep]:
    """Return the steps of one student. For two students, average their losses at the same point of an epoch."""
    if len(parts) == 1:
        return parts[0][1]
    steps: list[TrainingStep] = []
    for epoch in range(epochs):
        of_epoch = [(count, [one.loss for one in part if one.epoch == epoch]) for count, part in parts]
        length = max(len(losses) for _, losses in of_epoch)
        for at in range(length):
            loss = _mean(*((count, losses[at * len(losses) // length]) for count, losses in of_epoch))
            steps.append(TrainingStep(len(steps), epoch, loss))
    return steps
