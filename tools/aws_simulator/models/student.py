"""
Fine-tune the simulated student: a logistic regression on sentences, fitted step by step.

The label of a sentence is the share of its three-word phrases that are in the reference answer. So a student learns
where in a document the answers are and how long they are. Training on wrong answers makes the student worse. Training
starts from the base model's weights, or from those of a custom model. A loss is the mean cross-entropy over sentences,
with the natural logarithm. The losses belong to this small model and say nothing about real models.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from tools.aws_simulator.models.delimiters import required_section
from tools.aws_simulator.models.examples import TrainingStep
from tools.aws_simulator.models.ranker import FEATURES, PRIOR, as_vector, feature_matrix, probabilities
from tools.aws_simulator.models.text import PHRASE, phrases, read_document, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from tools.aws_simulator.models.examples import TrainingExample
    from tools.aws_simulator.models.text import Sentence
    from tools.aws_simulator.models.vocabulary import Vocabulary

LEARNING_RATE = 0.3
BATCH = 4  # records per step
Record = TypeVar("Record")
SEED = 20240501


@dataclass(frozen=True)
class StudentResult:
    """The fitted weights, the loss of every step, and for each validation set the loss after every epoch."""

    weights: dict[str, float]
    steps: list[TrainingStep]
    validation_losses: list[list[TrainingStep]]


@dataclass(frozen=True)
class _Labeled:
    """The features and labels of one record's sentences. A label is the share of the sentence that is in the answer."""

    features: NDArray[np.float64]
    labels: NDArray[np.float64]


def _labeled(example: TrainingExample, vocabulary: Vocabulary | None) -> _Labeled:
    document = read_document(required_section(example.user, "document")).read_with(vocabulary)
    answer_phrases = [phrases(words(example.answer), length) for length in (1, 2, PHRASE)]
    labels = [_share_in_answer(sentence, answer_phrases) for sentence in document.sentences]
    return _Labeled(feature_matrix(document, required_section(example.user, "question")), np.array(labels))


def _share_in_answer(sentence: Sentence, answer_phrases: list[set[tuple[str, ...]]]) -> float:
    """Return the share of a sentence's phrases that are in the answer.

    :param answer_phrases: the answer's phrases, as one set per length: phrases of one word, of two words, and so on.
    """
    length = min(len(sentence.words), PHRASE)  # a shorter sentence is one phrase
    return len(sentence.phrases & answer_phrases[length - 1]) / len(sentence.phrases) if length else 0.0


def _all_labeled(examples: Sequence[TrainingExample], vocabulary: Vocabulary | None) -> list[_Labeled]:
    """Label the examples that have at least one sentence, and return them in their original order.

    The examples are processed in the alphabetical order of their prompts. So examples with the same document follow one
    another, and each document is parsed only once although the cache of documents is small.
    """
    order = sorted(range(len(examples)), key=lambda index: examples[index].user)
    labeled = {index: _labeled(examples[index], vocabulary) for index in order}
    return [labeled[index] for index in range(len(examples)) if len(labeled[index].labels)]


def _loss(record: _Labeled, weights: NDArray[np.float64]) -> float:
    likelihoods, labels = probabilities(record.features, weights), record.labels
    return float(-np.mean(labels * np.log(likelihoods) + (1 - labels) * np.log1p(-likelihoods)))


def held_out_loss(
    weights: dict[str, float] | None, examples: Sequence[TrainingExample], vocabulary: Vocabulary | None = None
) -> float:
    """Return a model's mean loss over ``examples``; 0 if there are none. For the base model, ``weights`` is None."""
    return _mean_loss(_all_labeled(examples, vocabulary), as_vector(PRIOR if weights is None else weights))


def _mean_loss(records: Sequence[_Labeled], weights: NDArray[np.float64]) -> float:
    return sum(_loss(record, weights) for record in records) / len(records) if records else 0.0


def _gradient(batch: Sequence[_Labeled], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    total = np.zeros(len(FEATURES))
    for record in batch:
        error = probabilities(record.features, weights) - record.labels
        total += record.features.T @ error / len(record.labels)
    return total / len(batch)


def train(
    records: Sequence[TrainingExample],
    *,
    epochs: int,
    validation: Sequence[Sequence[TrainingExample]] = (),
    start: dict[str, float] | None = None,
    vocabulary: Vocabulary | None = None,
) -> StudentResult:
    """Train a student. The same records give the same weights. 2,000 records take a few seconds on one core.

    :param start: the weights of the custom model from which the training starts; None for the base model.
    :param vocabulary: what this custom model knows about words; None if it had no continued pre-training.
    :raises NotUnderstoodError: a record's prompt lacks ``<document>`` or ``<question>``.
    """
    data, held_out = _all_labeled(records, vocabulary), [_all_labeled(one, vocabulary) for one in validation]
    descent = _Descent(as_vector(PRIOR if start is None else start))
    steps: list[TrainingStep] = []
    validation_losses: list[list[TrainingStep]] = [[] for _ in validation]
    for epoch, batch, ends_epoch in batches(data, epochs):
        steps.append(TrainingStep(len(steps), epoch, _mean_loss(batch, descent.weights)))
        descent.step(_gradient(batch, descent.weights))
        if ends_epoch:
            for losses, one in zip(validation_losses, held_out, strict=True):
                losses.append(TrainingStep(steps[-1].step, epoch, _mean_loss(one, descent.weights)))
    return StudentResult(dict(zip(FEATURES, descent.weights.tolist(), strict=True)), steps, validation_losses)


def batches(data: list[Record], epochs: int) -> Iterator[tuple[int, list[Record], bool]]:
    """For each step, yield its epoch, its records, and whether it ends the epoch. Each epoch has a new random order."""
    shuffle = random.Random(SEED)
    for epoch in range(epochs):
        order = shuffle.sample(data, len(data))
        for start in range(0, len(order), BATCH):
            yield epoch, order[start : start + BATCH], start + BATCH >= len(order)


class _Descent:
    """Gradient descent with AdaGrad, which takes larger steps for features that occur rarely."""

    def __init__(self, weights: NDArray[np.float64]) -> None:
        self.weights = weights
        self._squares = np.full(len(weights), 1e-4)

    def step(self, gradient: NDArray[np.float64]) -> None:
        """Take one step against ``gradient``."""
        self._squares += gradient**2
        self.weights = self.weights - LEARNING_RATE * gradient / np.sqrt(self._squares)
