"""
Remember the prompts and answers of a training file, and find the answer to the nearest prompt.

Two prompts are near if they share words with high weights. The rarer a word, the higher its weight. The similarity of
two prompts is the cosine of their weighted sets of words. In languages without spaces between words, pairs of
characters take the place of words. If two training prompts are equally near, the one whose system prompt and earlier
messages fit better is taken.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tools.aws_simulator.models.examples import TrainingExample
from tools.aws_simulator.models.text import content_terms, words
from tools.aws_simulator.models.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

NEAR = 0.5  # a prompt that is less similar gets the answer of the base model
SYSTEM_BONUS, HISTORY_BONUS, EXACT_BONUS = 0.1, 0.1, 0.2
# The candidates for the nearest prompt are found term by term, the rarest term first, until this number of examples has
# been read. They are then compared exactly. The limit is lower in training, which searches once for each record.
_ENTRIES, _ENTRIES_IN_TRAINING = 50_000, 400
_CANDIDATES, _CANDIDATES_IN_TRAINING = 10, 3
_EQUALLY_NEAR = 1_000  # if more prompts than this are equally near, only the first of them are compared
_TEXT_BUDGET = 20_000_000  # maximum number of characters, in all prompts together, that are split into words


# Han, Kana, Thai, Lao, Tibetan, Burmese and Khmer are written without spaces between words.
UNSPACED = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNSPACED_RUN = re.compile(f"[{UNSPACED}]+")


def terms(text: str) -> frozenset[str]:
    """Return the words and pairs of characters by which a text is compared with others. The set is never empty."""
    lowered = text.lower()
    runs = _UNSPACED_RUN.findall(lowered)
    spaced = words(_UNSPACED_RUN.sub(" ", lowered)) if runs else words(lowered)
    pairs = {run[at : at + 2] for run in runs for at in range(max(1, len(run) - 1))}
    return content_terms(spaced) | pairs or frozenset(spaced) or frozenset(lowered.split() or [""])


@dataclass(frozen=True)
class Match:
    """A remembered example and how similar its prompt is: 1 for the same words, 0 for none in common."""

    number: int
    similarity: float


class Memory:
    """
    What a student remembers of its training file.

    :param mixture: the weights of :class:`~tools.aws_simulator.models.answer_model.AnswerModel`, which training fits.
    :param vocabulary: what the student knows about the words of its domain; None without continued pre-training.
    """

    def __init__(
        self, examples: Sequence[TrainingExample], mixture: Sequence[float], vocabulary: Vocabulary | None = None
    ) -> None:
        self.examples = list(examples)
        self.mixture = tuple(mixture)
        self.vocabulary = vocabulary

    @classmethod
    def from_json(cls, stored: Any) -> Memory:
        """Return the memory that :meth:`to_json` described."""
        vocabulary = Vocabulary.from_json(stored["vocabulary"]) if "vocabulary" in stored else None
        return cls([TrainingExample(*fields) for fields in stored["examples"]], stored["mixture"], vocabulary)

    def to_json(self) -> dict[str, Any]:
        """Return the memory as a JSON value."""
        fields = [[one.system, one.user, one.answer, one.history] for one in self.examples]
        vocabulary = {"vocabulary": self.vocabulary.to_json()} if self.vocabulary else {}
        return {"examples": fields, "mixture": list(self.mixture), **vocabulary}

    def answer(self, system: str, history: str, user: str) -> str | None:
        """Return the answer to the nearest prompt; None if no prompt is near enough."""
        match = self.nearest(TrainingExample(system, user, "", history))
        return self.examples[match.number].answer if match and match.similarity >= NEAR else None

    def nearest(self, asked: TrainingExample, *, excluded: int | None = None) -> Match | None:
        """
        Return the example whose prompt is nearest; None if no prompt has a word in common.

        :param excluded: the index of an example to ignore; None to ignore none.
        """
        query = self._index_terms(asked.user)
        candidates = self._candidates(query) if excluded is None else self._candidates_in_training(query, excluded)
        similarities = {number: self._cosine(query, number) for number in candidates}
        if not similarities:
            return None
        bonus = self._bonus(asked)
        best = max(similarities, key=lambda number: (similarities[number] + bonus(number), -number))
        return Match(self._most_frequent(best) if excluded is None else best, similarities[best])

    def _rarest(self, query: frozenset[str], entries: int) -> Iterator[tuple[float, NDArray[np.int64]]]:
        """Yield the weight of each of the query's rarest terms, and the indices of the examples that have the term."""
        postings = self._postings
        for _, term in sorted((len(postings[term]), term) for term in query if term in postings):
            numbers = postings[term][:entries]
            yield self._weights[term], numbers
            entries -= len(numbers)
            if entries <= 0:
                return

    def _candidates(self, query: frozenset[str]) -> list[int]:
        """Return the examples that are most similar to the query, judging by the query's rarest terms."""
        found = np.zeros(len(self.examples))
        for weight, numbers in self._rarest(query, _ENTRIES):
            found[numbers] += weight
        if not found.any():
            return []
        found /= self._norms
        best = np.partition(found, -_CANDIDATES)[-_CANDIDATES] if len(found) > _CANDIDATES else 0.0
        numbers = np.flatnonzero(found >= max(1e-9, min(best, found.max() - 1e-6)))
        return [int(number) for number in numbers[np.argsort(-found[numbers], kind="stable")[:_EQUALLY_NEAR]]]

    def _candidates_in_training(self, query: frozenset[str], excluded: int) -> list[int]:
        """Return a few examples that share rare terms with the query, which is the prompt of example ``excluded``."""
        found: dict[int, float] = defaultdict(float)
        for weight, numbers in self._rarest(query, _ENTRIES_IN_TRAINING):
            for number in numbers.tolist():
                found[number] += weight
        found.pop(excluded, None)
        return sorted(found, key=lambda number: (-found[number] / self._norms[number], number))[
            :_CANDIDATES_IN_TRAINING
        ]

    def _cosine(self, query: frozenset[str], number: int) -> float:
        shared = math.fsum(self._weights[term] for term in query & self._terms[number])
        unknown = math.log1p(len(self.examples)) ** 2  # a term in no example has the rarest term's weight
        norm = math.sqrt(math.fsum(self._weights.get(term, unknown) for term in query))
        return min(1.0, shared / (norm * float(self._norms[number])))

    def _bonus(self, asked: TrainingExample) -> Callable[[int], float]:
        """Return a function that takes the index of an example and returns a score for how well the example fits.

        The score is high for exactly the same prompt, the same system prompt, and similar earlier messages.
        """
        user, system, history = asked.user.split(), asked.system.split(), terms(asked.history)

        def bonus(number: int) -> float:
            example, theirs = self.examples[number], self._history_terms[number]
            return (
                EXACT_BONUS * (user == example.user.split())
                + SYSTEM_BONUS * (system == example.system.split())
                + HISTORY_BONUS * len(history & theirs) / len(history | theirs)
            )

        return bonus

    @cached_property
    def _history_terms(self) -> list[frozenset[str]]:
        return [self._index_terms(one.history) for one in self.examples]

    def _most_frequent(self, number: int) -> int:
        """Return the example with the most frequent answer among those with the same prompt as example ``number``."""
        example = self.examples[number]
        same = self._same_prompts[example.system, example.history, example.user]
        if len(same) == 1:
            return number
        (answer, _), *_ = Counter(self.examples[other].answer for other in same).most_common(1)
        return next(other for other in same if self.examples[other].answer == answer)

    @cached_property
    def _same_prompts(self) -> dict[tuple[str, str, str], list[int]]:
        same: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        for number, one in enumerate(self.examples):
            same[one.system, one.history, one.user].append(number)
        return same

    def _index_terms(self, text: str) -> frozenset[str]:
        """Return the terms of a text. The middle of a long text is left out if there are very many examples."""
        limit = min(50_000, max(2_000, _TEXT_BUDGET // max(1, len(self.examples))))
        return terms(text if len(text) <= limit else f"{text[: limit // 2]} {text[-limit // 2 :]}")

    @cached_property
    def _postings(self) -> dict[str, NDArray[np.int64]]:
        numbers: dict[str, list[int]] = defaultdict(list)
        for number, one in enumerate(self._terms):
            for term in one:
                numbers[term].append(number)
        return {term: np.array(found, dtype=np.int64) for term, found in numbers.items()}

    @cached_property
    def _terms(self) -> list[frozenset[str]]:
        return [self._index_terms(one.user) for one in self.examples]

    @cached_property
    def _weights(self) -> dict[str, float]:
        """The square of each term's weight. The cosine of two texts is computed from these squares."""
        count = len(self.examples)
        return {term: math.log1p(count / len(numbers)) ** 2 for term, numbers in self._postings.items()}

    @cached_property
    def _norms(self) -> NDArray[np.float64]:
        weights = self._weights
        return np.array([math.sqrt(math.fsum(weights[term] for term in one)) for one in self._terms])
