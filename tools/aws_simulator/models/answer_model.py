"""
Predict the next token of an answer, and fit this model to a training file.

The model is a mixture of five predictions, each of which is a probability distribution over all possible tokens:

- ``spelling``: every byte is equally likely, so that no token is impossible;
- ``prompt``: a token of the prompt;
- ``words``: a token of the training answers, by its frequency;
- ``sequences``: a token that follows the previous token somewhere in the training answers;
- ``nearest``: a token of the answer to the nearest training prompt (``memory.py``).

A prediction without data falls back on a simpler one. Training fits the weights of the mixture, step by step, by
expectation maximization. A base model has weights too, but no training answers.

The loss is the cross-entropy of the answers, in nats per UTF-8 byte. It is real: it is computed from the probabilities
that the model gives to the tokens of answers it has not seen. A training answer is predicted without its own record,
and a validation file is not used for training. So the loss falls with the epochs only to the extent that the training
answers help to predict other answers. It belongs to this small model and says nothing about real models.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from tools.aws_simulator.models.examples import TrainingExample, TrainingStep
from tools.aws_simulator.models.memory import UNSPACED, Memory
from tools.aws_simulator.models.student import batches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BASE_MIXTURE = (0.55, 0.42, 0.01, 0.01, 0.01)
END = ""  # stands before the first token and after the last one
_STEP = 0.2  # share of the old weights that one batch replaces
_STEPS_OF_FULL_SIZE = 100  # later steps are smaller, so that the weights settle
_TOKEN = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]{{1,20}}|[^\w\s]")
# In a large file, only the beginning of each text counts, so that 10,000 records take seconds.
_ANSWER_BUDGET, _PROMPT_BUDGET = 400_000, 2_000_000  # tokens of all answers, characters of all prompts
_SHORTEST_ANSWER, _SHORTEST_PROMPT = 24, 400


@dataclass(frozen=True)
class _Predicted:
    """The five probabilities of each token of an answer, and the number of the answer's bytes plus one for its end."""

    probabilities: NDArray[np.float64]
    size: int

    def loss(self, mixture: NDArray[np.float64]) -> float:
        return float(-np.sum(np.log(self.probabilities @ mixture))) / self.size


@dataclass(frozen=True)
class MemoryResult:
    """The memory of a student, the loss of every step, and for each validation set the loss after every epoch."""

    memory: Memory
    steps: list[TrainingStep]
    validation_losses: list[list[TrainingStep]]


class AnswerModel:
    """The five predictions, from the examples in ``memory``."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        count = max(1, len(memory.examples))
        self._answer_tokens = max(_SHORTEST_ANSWER, _ANSWER_BUDGET // count)
        self._prompt_characters = max(_SHORTEST_PROMPT, _PROMPT_BUDGET // count)
        self._answers = [self._read_answer(one) for one in memory.examples]
        self._words: Counter[str] = Counter()
        self._followers: dict[str, Counter[str]] = defaultdict(Counter)
        for tokens in self._answers:
            self._words.update(tokens[1:])
            for previous, token in pairwise(tokens):
                self._followers[previous][token] += 1
        self._word_total = self._words.total()
        self._follower_totals = {previous: one.total() for previous, one in self._followers.items()}

    def _read_answer(self, example: TrainingExample) -> list[str]:
        tokens = _TOKEN.findall(example.answer[: self._answer_tokens * 20])[: self._answer_tokens]
        return [END, *tokens, END]

    def predict(self, example: TrainingExample, *, own: int | None = None) -> _Predicted:
        """
        Return the probabilities of the tokens of an answer.

        :param own: the index of ``example`` in the memory, so that the predictions use only the other examples; None if
            the memory does not have it.
        """
        tokens = self._read_answer(example) if own is None else self._answers[own]
        own_words = Counter(tokens[1:]) if own is not None else Counter[str]()
        own_pairs = Counter(pairwise(tokens)) if own is not None else Counter[tuple[str, str]]()
        prompt = Counter(_TOKEN.findall(example.user[: self._prompt_characters]))
        match = self._memory.nearest(example, excluded=own)
        near = Counter(self._answers[match.number][1:]) if match else Counter[str]()
        nearness = match.similarity if match else 0.0
        sizes = prompt.total(), self._word_total - own_words.total(), near.total()
        own_previous = Counter(tokens[:-1]) if own is not None else Counter[str]()
        rows = []
        for previous, token in pairwise(tokens):
            spelling = 257.0 ** -(len(token.encode()) + 1)
            word = (self._words[token] - own_words[token]) / sizes[1] if sizes[1] else spelling
            after = self._follower_totals.get(previous, 0) - own_previous[previous]
            sequence = (self._followers[previous][token] - own_pairs[previous, token]) / after if after else word
            nearest = nearness * near[token] / sizes[2] + (1 - nearness) * word if match else word
            rows.append((spelling, prompt[token] / sizes[0] if sizes[0] else spelling, word, sequence, nearest))
        return _Predicted(np.array(rows), sum(len(token.encode()) for token in tokens) + 1)


def _mean_loss(predicted: Sequence[_Predicted], mixture: NDArray[np.float64]) -> float:
    return sum(one.loss(mixture) for one in predicted) / len(predicted) if predicted else 0.0


def held_out_loss(memory: Memory, examples: Sequence[TrainingExample]) -> float:
    """Return the mean loss of a student over ``examples``; 0 if there are none.

    :param memory: what the student remembers. For a base model, pass a memory without examples.
    """
    model = AnswerModel(memory)
    return _mean_loss([model.predict(one) for one in examples], np.array(memory.mixture))


def _responsibilities(batch: Sequence[_Predicted], mixture: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of each prediction in the probabilities of the batch's tokens."""
    weighted = np.concatenate([one.probabilities for one in batch]) * mixture
    return np.asarray(np.mean(weighted / weighted.sum(axis=1, keepdims=True), axis=0))


def train_memory(
    records: Sequence[TrainingExample],
    *,
    epochs: int,
    validation: Sequence[Sequence[TrainingExample]] = (),
    start: Memory | None = None,
) -> MemoryResult:
    """Train a student on any records. The same records give the same result.

    :param start: the memory of the custom model from which the training starts; None for the base model.
    """
    known = start.examples if start else []
    vocabulary = start.vocabulary if start else None
    memory = Memory([*known, *records], start.mixture if start else BASE_MIXTURE, vocabulary)
    model, mixture = AnswerModel(memory), np.array(memory.mixture)
    data = [model.predict(one, own=len(known) + number) for number, one in enumerate(records)]
    held_out = [[model.predict(one) for one in examples] for examples in validation]
    steps: list[TrainingStep] = []
    validation_losses: list[list[TrainingStep]] = [[] for _ in validation]
    for epoch, batch, ends_epoch in batches(data, epochs):
        steps.append(TrainingStep(len(steps), epoch, _mean_loss(batch, mixture)))
        size = _STEP / max(1.0, (len(steps) / _STEPS_OF_FULL_SIZE))
        mixture = (1 - size) * mixture + size * _responsibilities(batch, mixture)
        if ends_epoch:
            for losses, one in zip(validation_losses, held_out, strict=True):
                losses.append(TrainingStep(steps[-1].step, epoch, _mean_loss(one, mixture)))
    return MemoryResult(Memory(memory.examples, mixture.tolist(), vocabulary), steps, validation_losses)
