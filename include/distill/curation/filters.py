"""
Which of the teacher's pairs are worth training on: filters that a pair passes in order, the first that it fails named.

1. ``malformed``: no record with three texts, or a text that says nothing
2. ``length``: question or answer too short or too long
3. ``repeats_original``: the question was in the rows already
4. ``repeats_pair``: the question was in another new pair already
5. ``leak``: the question is one that the student will be judged by
6. ``ungrounded``: too little of the answer stands in the document
7. ``same_topic``: the pair is about what the row's own question or answer is about
8. ``refusal``: the answer is none
9. ``breaks_job``: the record would fail the training job

These filters need only a row and the evaluation questions. Other rows' questions are compared afterwards, once all
pairs are written (:mod:`include.distill.curation.repeated_pairs`), so that it does not matter how rows are cut into
shards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from include.distill.config.sections import Curation
from include.distill.core.storage import Record
from include.distill.curation.grounding import GroundingScorer
from include.distill.curation.refusals import find_refusal
from include.distill.text.minhash import similarity
from include.distill.text.normalization import normalize, strip_punctuation
from include.distill.text.question_index import QuestionIndex, is_same_question, question_similarity

FILTERS = (
    "malformed", "length", "repeats_original", "repeats_pair", "leak", "ungrounded", "same_topic", "refusal",
    "breaks_job",
)  # fmt: skip

# A topic that names the example's question counts when the question itself is at least half the same: many questions
# on different things carry one service's name as their topic.
_HALF_THE_SAME = 0.5
# "Yes." answers many questions; from here on, the same answer is the same thing said.
_SHORTEST_TELLING_ANSWER = 40


@dataclass(frozen=True)
class Rejection:
    """Why a pair is not used: the filter, the reason within it, and the values."""

    filter: str
    reason: str
    message: str


def rejection_record(row_id: str, rejection: Rejection, pair: Mapping[str, Any]) -> Record:
    """Return the record of a dropped pair, which keeps its text."""
    return {
        "row_id": row_id,
        "filter": rejection.filter,
        "reason": rejection.reason,
        "message": rejection.message,
        "text": dict(pair),
    }


@dataclass(frozen=True)
class PairFilterFactory:
    """
    The filters of a use case, for the rows of one task.

    :param evaluation: the questions that the student will be judged by.
    :param job_fault: says why a pair's training record would fail the job, or ``None``.
    """

    settings: Curation
    evaluation: QuestionIndex
    job_fault: Callable[[Mapping[str, str]], str | None]

    def for_row(self, row: Mapping[str, str]) -> PairFilter:
        """Return the filters for the pairs of one row."""
        return PairFilter(self, row)


def index_evaluation_questions(rows: Iterable[Mapping[str, str]], settings: Curation) -> QuestionIndex:
    """Return the questions that no pair may come near to."""
    index = QuestionIndex(threshold=settings.max_leak_similarity)
    for row in rows:
        index.add(row["question"])
    return index


class PairFilter:
    """The filters as the pairs of one row meet them; a pair that passes is one that the next may not repeat."""

    def __init__(self, factory: PairFilterFactory, row: Mapping[str, str]) -> None:
        self._settings, self._factory, self._row = factory.settings, factory, row
        self._scorer = GroundingScorer(row["document"])
        self.kept: list[str] = []
        self.grounding = 0.0  # of the pair that was judged last

    def check(self, pair: Mapping[str, Any]) -> Rejection | None:
        """Return why ``pair`` is not used, or ``None`` when it passes."""
        rejection = next(self._rejections(pair), None)
        if rejection is None:
            self.kept.append(pair["question"])
        return rejection

    def all_rejections(self, pair: Mapping[str, Any]) -> list[Rejection]:
        """Return what every filter says of ``pair``, not only the first; remembers nothing."""
        return list(self._rejections(pair))

    def _rejections(self, pair: Mapping[str, Any]) -> Iterator[Rejection]:
        yield from _malformed(pair)
        yield from _out_of_bounds(pair, self._settings)
        yield from self._repeats(pair["question"])
        yield from self._in_evaluation_set(pair["question"])
        yield from self._ungrounded(pair["answer"])
        yield from self._same_topic(pair)
        yield from self._refuses(pair["answer"])
        if fault := self._factory.job_fault({**pair, "document": self._row["document"]}):
            yield Rejection("breaks_job", "breaks_limit", fault)

    def _repeats(self, question: str) -> Iterator[Rejection]:
        threshold = self._settings.max_question_similarity
        if is_same_question(question, self._row["question"], threshold):
            yield Rejection("repeats_original", "repeated_question", "The question repeats the row's own.")
        if any(is_same_question(question, earlier, threshold) for earlier in self.kept):
            yield Rejection("repeats_pair", "repeated_question", "The question repeats an earlier one of this row.")

    def _in_evaluation_set(self, question: str) -> Iterator[Rejection]:
        if match := self._factory.evaluation.find(question):
            message = (
                f"{match.similarity:.2f} of the question is in the evaluation question {match.question!r}; training"
                " on it would flatter the result."
            )
            yield Rejection("leak", "in_evaluation_set", message)

    def _ungrounded(self, answer: str) -> Iterator[Rejection]:
        self.grounding, minimum = self._scorer.score(answer), self._settings.min_grounding
        # A refusal states nothing that a document could hold; a later filter names it for what it is.
        if self.grounding < minimum and not (self._settings.drop_refusals and find_refusal(answer)):
            message = f"{self.grounding:.2f} of the answer stands in the document; expected {minimum} or more."
            yield Rejection("ungrounded", "not_in_document", message)

    def _same_topic(self, pair: Mapping[str, Any]) -> Iterator[Rejection]:
        maximum = self._settings.max_topic_similarity
        answer, example = strip_punctuation(pair["answer"]), strip_punctuation(self._row["answer"])
        telling = min(len(answer), len(example)) >= _SHORTEST_TELLING_ANSWER
        if telling and (alike := similarity(answer, example)) > maximum:
            message = f"{alike:.2f} of the answer is the row's own; expected {maximum} or less."
            yield Rejection("same_topic", "example_answer", message)
        named = question_similarity(pair["topic"], self._row["question"])
        if named > maximum and question_similarity(pair["question"], self._row["question"]) >= _HALF_THE_SAME:
            message = f"The topic is the row's own question ({named:.2f} alike); expected another."
            yield Rejection("same_topic", "example_topic", message)

    def _refuses(self, answer: str) -> Iterator[Rejection]:
        if self._settings.drop_refusals and (words := find_refusal(answer)):
            yield Rejection("refusal", "refusal", f"The answer is none: it says {words[:80]!r}.")


def _malformed(pair: Mapping[str, Any]) -> Iterator[Rejection]:
    if not any(character.isalpha() for character in pair["question"]):
        yield Rejection("malformed", "no_letters", "The question has no letter.")
    if not any(character.isalnum() for character in pair["answer"]):
        yield Rejection("malformed", "no_letters", "The answer has neither letter nor digit.")
    if "\ufffd" in pair["question"] + pair["answer"]:
        yield Rejection("malformed", "lost_character", "A character was lost on the way (U+FFFD).")
    if normalize(pair["question"]) == normalize(pair["answer"]):
        yield Rejection("malformed", "answer_is_question", "The answer is the question.")


def _out_of_bounds(pair: Mapping[str, Any], settings: Curation) -> Iterator[Rejection]:
    bounds = {
        "question": (settings.min_question_characters, settings.max_question_characters),
        "answer": (settings.min_answer_characters, settings.max_answer_characters),
    }
    for role, (minimum, maximum) in bounds.items():
        length = len(pair[role].strip())
        if not minimum <= length <= maximum:
            how = "short" if length < minimum else "long"
            message = f"The {role} has {length:,} characters; expected {minimum:,} to {maximum:,}."
            yield Rejection("length", f"{role}_too_{how}", message)
