"""
Filter the teacher's pairs: a registry of filters that a pair passes in order, until the first one that rejects it.

A filter sees one pair, its row and the evaluation questions. Questions of other rows are compared after all pairs are
written (:mod:`include.distill.curation.repeated_pairs`), so the result does not depend on how rows are cut into shards.
``docs/reference/curation.md`` describes every filter; a test compares it with :data:`FILTERS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from include.distill.config.sections import Curation
from include.distill.curation.candidate import Candidate, JobFault, RowContext
from include.distill.curation.rejection import Rejection
from include.distill.dataset.records import RowTexts
from include.distill.inference.records import WrittenPair
from include.distill.text.minhash import similarity
from include.distill.text.question_index import Question, QuestionIndex

# Many questions have the name of one service as their topic. A topic that names the row's question therefore counts
# only when the new question itself is at least this similar to the row's.
_SIMILAR_ENOUGH_FOR_TOPIC = 0.5
# "Yes." answers many questions. From this length in characters on, the same answer says the same thing.
_MIN_CHARACTERS_TO_COMPARE = 40


class Filter(Protocol):
    """One reason, or a few related ones, not to train on a pair."""

    @property
    def name(self) -> str:
        """Name in stored records, in counts and in the data card's funnel."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every ``reason`` that its rejections may have."""

    @property
    def settings(self) -> tuple[str, ...]:
        """Keys of the use case's ``curation`` section that it reads."""

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """Yield why ``candidate`` must not be used, nothing when it passes."""


class MalformedFilter:
    """Reject a text that says nothing. Output in which no pair can be read is counted as ``malformed`` too."""

    name = "malformed"
    reasons = ("no_letters", "lost_character", "answer_is_question")
    settings = ()

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """Yield a rejection for each fault of the two texts."""
        question, answer = candidate.pair["question"], candidate.pair["answer"]
        if not any(character.isalpha() for character in question):
            yield Rejection(self.name, "no_letters", "The question has no letter.")
        if not any(character.isalnum() for character in answer):
            yield Rejection(self.name, "no_letters", "The answer has neither a letter nor a digit.")
        if "\ufffd" in question + answer:
            yield Rejection(self.name, "lost_character", "A character was lost in decoding (U+FFFD).")
        if candidate.question.folded == candidate.normalized_answer:
            yield Rejection(self.name, "answer_is_question", "The answer repeats the question.")


class LengthFilter:
    """Reject a question or an answer that is too short or too long."""

    name = "length"
    reasons = ("question_too_short", "question_too_long", "answer_too_short", "answer_too_long")
    settings = ("min_question_characters", "max_question_characters", "min_answer_characters", "max_answer_characters")

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """Yield a rejection for each text that is out of bounds; white space at its ends is not counted."""
        limits = row.settings
        question, answer = candidate.pair["question"], candidate.pair["answer"]
        yield from self._out_of_bounds(
            "question", question, limits.min_question_characters, limits.max_question_characters
        )
        yield from self._out_of_bounds("answer", answer, limits.min_answer_characters, limits.max_answer_characters)

    def _out_of_bounds(
        self, role: Literal["question", "answer"], text: str, minimum: int, maximum: int
    ) -> Iterator[Rejection]:
        length = len(text.strip())
        if not minimum <= length <= maximum:
            reason = f"{role}_too_{'short' if length < minimum else 'long'}"
            message = f"The {role} has {length:,} characters; expected {minimum:,} to {maximum:,}."
            yield Rejection(self.name, reason, message)


class RepeatsOriginalFilter:
    """Reject a question that its own row asks already."""

    name = "repeats_original"
    reasons = ("repeated_question",)
    settings = ("max_question_similarity",)

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """Compare the question with the row's own."""
        if candidate.question.repeats(row.question, row.settings.max_question_similarity):
            yield Rejection(self.name, "repeated_question", "The question repeats the row's own.")


class RepeatsPairFilter:
    """Reject a question that an accepted pair of the same row asks already."""

    name = "repeats_pair"
    reasons = ("repeated_question",)
    settings = ("max_question_similarity",)

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """Compare the question with those that the row's pairs asked before."""
        if any(candidate.question.repeats(earlier, row.settings.max_question_similarity) for earlier in row.accepted):
            yield Rejection(self.name, "repeated_question", "The question repeats an earlier one of this row.")


class LeakFilter:
    """Reject a question that the student will be judged on."""

    name = "leak"
    reasons = ("in_evaluation_set",)
    settings = ("max_leak_similarity",)

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """Look the question up among the evaluation questions, whose index has the threshold."""
        if match := row.evaluation.find(candidate.question):
            message = (
                f"The question is {match.similarity:.2f} similar to the evaluation question {match.question!r}."
                " Training on it would flatter the result."
            )
            yield Rejection(self.name, "in_evaluation_set", message)


class UngroundedFilter:
    """Reject an answer of which the document contains too little."""

    name = "ungrounded"
    reasons = ("not_in_document",)
    settings = ("min_grounding", "drop_refusals")

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """Measure the answer against the document."""
        minimum = row.settings.min_grounding
        # A refusal states nothing that a document could contain. The refusal filter, later, gives the better reason.
        if candidate.grounding < minimum and not (row.settings.drop_refusals and candidate.refusal):
            message = f"The document contains {candidate.grounding:.2f} of the answer; expected {minimum} or more."
            yield Rejection(self.name, "not_in_document", message)


class SameTopicFilter:
    """Reject a pair about what its row is about already: the row's answer again, or its question as the topic."""

    name = "same_topic"
    reasons = ("example_answer", "example_topic")
    settings = ("max_topic_similarity",)

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """Compare the answer with the row's answer, and the topic with the row's question."""
        maximum = row.settings.max_topic_similarity
        shorter = min(len(candidate.answer_words), len(row.answer_words))
        if shorter >= _MIN_CHARACTERS_TO_COMPARE:
            answer_similarity = similarity(candidate.answer_words, row.answer_words)
            if answer_similarity > maximum:
                message = f"The answer is {answer_similarity:.2f} similar to the row's own; expected {maximum} or less."
                yield Rejection(self.name, "example_answer", message)
        topic_similarity = candidate.topic.similarity(row.question)
        is_similar_question = candidate.question.similarity(row.question) >= _SIMILAR_ENOUGH_FOR_TOPIC
        if topic_similarity > maximum and is_similar_question:
            message = f"The topic is the row's own question ({topic_similarity:.2f} similar); expected another topic."
            yield Rejection(self.name, "example_topic", message)


class RefusalFilter:
    """Reject an answer that is a refusal or boilerplate."""

    name = "refusal"
    reasons = ("refusal",)
    settings = ("drop_refusals",)

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """Search the answer for the patterns of ``include/refusals.yaml``."""
        if row.settings.drop_refusals and candidate.refusal:
            message = f"The answer is a refusal or boilerplate: it says {candidate.refusal[:80]!r}."
            yield Rejection(self.name, "refusal", message)


class BreaksJobFilter:
    """Reject a pair whose training record the student's family does not accept: one bad record fails the whole job."""

    name = "breaks_job"
    reasons = ("breaks_limit",)
    settings = ()

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """Check the record that the pair would become."""
        pair = candidate.pair
        texts: RowTexts = {
            "document": row.texts["document"],
            "question": pair["question"],
            "answer": pair["answer"],
        }
        if fault := row.job_fault(texts):
            yield Rejection(self.name, "breaks_limit", fault)


# In the order in which pairs pass them. The first filter that rejects a pair is the one that is counted, so cheap and
# certain filters come first. The data card's funnel and the curation report read names and order from here.
FILTERS: tuple[Filter, ...] = (
    MalformedFilter(),
    LengthFilter(),
    RepeatsOriginalFilter(),
    RepeatsPairFilter(),
    LeakFilter(),
    UngroundedFilter(),
    SameTopicFilter(),
    RefusalFilter(),
    BreaksJobFilter(),
)
FILTER_NAMES = tuple(filter_.name for filter_ in FILTERS)


@dataclass(frozen=True)
class PairFilters:
    """
    The filters of a use case, for the rows of one task.

    :param evaluation: the questions that the student will be judged on.
    :param job_fault: says why a pair's training record would fail the job, or ``None``.
    """

    settings: Curation
    evaluation: QuestionIndex
    job_fault: JobFault

    def for_row(self, row: RowTexts) -> RowFilters:
        """Return the filters for the pairs of one row."""
        return RowFilters(RowContext(row, self.settings, self.evaluation, self.job_fault))


def index_evaluation_questions(rows: Iterable[RowTexts], settings: Curation) -> QuestionIndex:
    """Return an index of the questions of ``rows`` with the threshold of the leak filter."""
    index = QuestionIndex(threshold=settings.max_leak_similarity)
    for row in rows:
        index.add(Question(row["question"]))
    return index


@dataclass(frozen=True)
class RowFilters:
    """The filters for the pairs of one row. A pair that passes is one that the next may not repeat."""

    context: RowContext

    @property
    def accepted_questions(self) -> list[str]:
        """The questions that passed so far."""
        return [question.text for question in self.context.accepted]

    def candidate(self, pair: WrittenPair) -> Candidate:
        """Return ``pair`` as filters read it."""
        return Candidate(pair, self.context.document)

    def check(self, candidate: Candidate) -> Rejection | None:
        """Return the first filter's rejection; when there is none, remember the question and return ``None``."""
        rejections = (rejection for filter_ in FILTERS for rejection in filter_.check(candidate, self.context))
        first = next(rejections, None)
        if first is None:
            self.context.accepted.append(candidate.question)
        return first
