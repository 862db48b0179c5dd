"""
Filter the teacher's pairs. The filters check each pair in a fixed order until one of them rejects the pair.

A filter reads one pair, its row and the evaluation questions. Questions of other rows are compared after all pairs are
written (:mod:`include.distill.curation.repeated_pairs`), so the result does not depend on how rows are split into
shards.
``docs/reference/curation.md`` describes every filter; a test compares that page with :data:`FILTERS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from include.distill.config.sections import Curation
from include.distill.curation.candidate import Candidate, JobFault, RowContext
from include.distill.curation.escapes import changed_by_escape
from include.distill.curation.incomplete_pairs import INCOMPLETE_REASONS, find_incomplete_parts
from include.distill.curation.rejection import Rejection
from include.distill.dataset.evaluation_questions import identifying_questions, leak_index
from include.distill.dataset.records import RowTexts
from include.distill.inference.records import WrittenPair
from include.distill.text.minhash import similarity
from include.distill.text.question_index import QuestionIndex

# The topic of many questions is just the name of a service. A pair whose topic is similar to the row's question is
# therefore rejected only if the new question also has at least this similarity to the row's question.
_SIMILAR_ENOUGH_FOR_TOPIC = 0.5
# Short answers such as "Yes." fit many questions. Only answers of at least this many characters are compared.
_MIN_CHARACTERS_TO_COMPARE = 40


class Filter(Protocol):
    """A check that rejects pairs for one reason or a few related reasons."""

    @property
    def name(self) -> str:
        """Name of the filter in stored records, in counts and in the data card's funnel."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """All values of ``reason`` that the filter's rejections may have."""

    @property
    def settings(self) -> tuple[str, ...]:
        """Keys of the use case's ``curation`` section that the filter reads."""

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """Yield a rejection for each rule that ``candidate`` breaks. Yield nothing if the candidate passes."""


class MalformedFilter:
    """Reject a pair with broken or empty content. Unreadable teacher output is also counted as ``malformed``."""

    name = "malformed"
    reasons = ("no_letters", "lost_character", "changed_by_escape", "answer_is_question", *INCOMPLETE_REASONS)
    settings = ()

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """Yield a rejection for each fault in the question and the answer."""
        question, answer = candidate.pair["question"], candidate.pair["answer"]
        if not any(character.isalpha() for character in question):
            yield Rejection(self.name, "no_letters", "The question contains no letter.")
        if not any(character.isalnum() for character in answer):
            yield Rejection(self.name, "no_letters", "The answer contains no letter or digit.")
        if "\ufffd" in question + answer:
            yield Rejection(self.name, "lost_character", "The text contains a character lost in decoding (U+FFFD).")
        for text in (question, answer):
            if lost := changed_by_escape(text, row.texts["document"]):
                message = f"The text lost the backslash of {lost}, which was read as the start of an escape sequence."
                yield Rejection(self.name, "changed_by_escape", message)
        if candidate.question.folded == candidate.normalized_answer:
            yield Rejection(self.name, "answer_is_question", "The answer repeats the question.")
        for reason, message in find_incomplete_parts(candidate.pair):
            yield Rejection(self.name, reason, message)


class LengthFilter:
    """Reject a question or an answer that is too short or too long."""

    name = "length"
    reasons = ("question_too_short", "question_too_long", "answer_too_short", "answer_too_long")
    settings = ("min_question_characters", "max_question_characters", "min_answer_characters", "max_answer_characters")

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """Yield a rejection for each text that is too short or too long. White space around a text is not counted."""
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
            message = f"The {role} has {length:,} characters; {minimum:,} to {maximum:,} are allowed."
            yield Rejection(self.name, reason, message)


class RepeatsOriginalFilter:
    """Reject a question that repeats the original question of its row."""

    name = "repeats_original"
    reasons = ("repeated_question",)
    settings = ("max_question_similarity",)

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """Yield a rejection if the question is too similar to the row's original question."""
        if candidate.question.repeats(row.question, row.settings.max_question_similarity):
            yield Rejection(self.name, "repeated_question", "The question repeats the row's original question.")


class RepeatsPairFilter:
    """Reject a question that repeats the question of an accepted pair of the same row."""

    name = "repeats_pair"
    reasons = ("repeated_question",)
    settings = ("max_question_similarity",)

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """Yield a rejection if the question is too similar to the question of an accepted pair of the row."""
        if any(candidate.question.repeats(earlier, row.settings.max_question_similarity) for earlier in row.accepted):
            yield Rejection(
                self.name, "repeated_question", "The question repeats the question of an earlier pair of this row."
            )


class LeakFilter:
    """Reject a question that is too similar to an evaluation question."""

    name = "leak"
    reasons = ("in_evaluation_set",)
    settings = ("max_leak_similarity",)

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """Yield a rejection if the index finds an evaluation question that is too similar to the question."""
        if match := row.evaluation.find(candidate.question):
            message = (
                f"The question is too similar to the evaluation question {match.question!r} (similarity"
                f" {match.similarity:.2f}). Training on this pair would make the student look better than it is."
            )
            yield Rejection(self.name, "in_evaluation_set", message)


class InjectedFilter:
    """Reject a pair that obeys an instruction that its row addresses to a language model."""

    name = "injected"
    reasons = ("injected",)
    settings = ()

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """
        Yield a rejection in two cases, but only if the row contains an instruction to a model.

        In the first case, the pair obeys the instruction. In the second case, its answer is the same as the answer of
        an accepted pair of the row.
        """
        if not row.injections.sentences:
            return
        if obeyed := row.injections.obeyed_by(candidate.pair):
            message = (
                "The answer obeys an instruction that the row addresses to a language model (instruction_in_document):"
                f" {obeyed[:200]!r}."
            )
            yield Rejection(self.name, "injected", message)
        elif candidate.answer_words in row.accepted_answers:
            message = (
                "The row contains an instruction to a model (instruction_in_document), and the answer is the same as"
                " the answer to another question."
            )
            yield Rejection(self.name, "injected", message)


class UngroundedFilter:
    """Reject an answer that the grounding check drops. An answer that the check leaves undecided passes."""

    name = "ungrounded"
    reasons = (
        "number_not_in_document",
        "unit_not_in_document",
        "date_not_in_document",
        "identifier_not_in_document",
        "name_not_in_document",
        "quotation_not_in_document",
        "replaced_word",
        "not_in_document",
    )
    settings = ("min_grounding", "drop_refusals")

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """Yield a rejection for each fact of the answer that the document certainly does not support."""
        # A refusal is not rejected here, because the later refusal filter gives a better reason.
        if row.settings.drop_refusals and candidate.refusal:
            return
        for absence in candidate.grounding.absences:
            if absence.is_certain:
                yield Rejection(self.name, absence.reason, absence.message)


class SameTopicFilter:
    """Reject a pair if its answer resembles the row's original answer, or its topic resembles the original question."""

    name = "same_topic"
    reasons = ("example_answer", "example_topic")
    settings = ("max_topic_similarity",)

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """
        Yield a rejection if the answer is too similar to the row's original answer.

        Yield another rejection if the topic is too similar to the row's original question.
        """
        maximum = row.settings.max_topic_similarity
        shorter = min(len(candidate.answer_words), len(row.answer_words))
        if shorter >= _MIN_CHARACTERS_TO_COMPARE:
            answer_similarity = similarity(candidate.answer_words, row.answer_words)
            if answer_similarity > maximum:
                message = (
                    "The answer is too similar to the row's original answer:"
                    f" the similarity is {answer_similarity:.2f}, but must be at most {maximum}."
                )
                yield Rejection(self.name, "example_answer", message)
        topic_similarity = candidate.topic.similarity(row.question)
        is_similar_question = candidate.question.similarity(row.question) >= _SIMILAR_ENOUGH_FOR_TOPIC
        if topic_similarity > maximum and is_similar_question:
            message = (
                "The topic is too similar to the row's original question:"
                f" the similarity is {topic_similarity:.2f}, but must be at most {maximum}."
            )
            yield Rejection(self.name, "example_topic", message)


class RefusalFilter:
    """Reject an answer that is a refusal or boilerplate."""

    name = "refusal"
    reasons = ("refusal",)
    settings = ("drop_refusals",)

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """Yield a rejection if the answer matches a pattern of ``include/refusals.yaml``."""
        if row.settings.drop_refusals and candidate.refusal:
            message = f"The answer is a refusal or boilerplate: it contains {candidate.refusal[:80]!r}."
            yield Rejection(self.name, "refusal", message)


class BreaksJobFilter:
    """Reject a pair whose record breaks a limit of the student's family, because the whole training job would fail."""

    name = "breaks_job"
    reasons = ("breaks_limit",)
    settings = ()

    def check(self, candidate: Candidate, row: RowContext) -> Iterator[Rejection]:
        """Yield a rejection if a training job would fail on the pair's training record."""
        pair = candidate.pair
        texts: RowTexts = {
            "document": row.texts["document"],
            "question": pair["question"],
            "answer": pair["answer"],
        }
        if fault := row.job_fault(texts):
            yield Rejection(self.name, "breaks_limit", fault)


# All filters, in the order in which they are applied. The first filter that rejects a pair ends the checks, and the
# pair is counted only for that filter, so cheap and certain filters come first. The data card's funnel and the curation
# report use the same names and order.
FILTERS: tuple[Filter, ...] = (
    MalformedFilter(),
    LengthFilter(),
    RepeatsOriginalFilter(),
    RepeatsPairFilter(),
    LeakFilter(),
    InjectedFilter(),
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

    :param evaluation: the evaluation questions.
    :param job_fault: returns why a training job would fail on a pair's record, or ``None``.
    """

    settings: Curation
    evaluation: QuestionIndex
    job_fault: JobFault

    def for_row(self, row: RowTexts) -> RowFilters:
        """Return the filters for the pairs of one row."""
        return RowFilters(RowContext(row, self.settings, self.evaluation, self.job_fault))


def index_evaluation_questions(rows: Iterable[Mapping[str, object]], settings: Curation) -> QuestionIndex:
    """Return an index of the questions of ``rows``. Its threshold is that of the filter ``leak``."""
    return leak_index(identifying_questions(rows), threshold=settings.max_leak_similarity)


@dataclass(frozen=True)
class RowFilters:
    """The filters for the pairs of one row. Later pairs that repeat an accepted pair are rejected."""

    context: RowContext

    @property
    def accepted_questions(self) -> list[str]:
        """The questions of the pairs that have been accepted so far."""
        return [question.text for question in self.context.accepted]

    def candidate(self, pair: WrittenPair) -> Candidate:
        """Return ``pair`` in the forms that the filters need."""
        return Candidate(pair, self.context.document, self.context.texts["document"])

    def check(self, candidate: Candidate) -> Rejection | None:
        """Return the first rejection. If the pair passes every filter, remember its question and return ``None``."""
        rejections = (rejection for filter_ in FILTERS for rejection in filter_.check(candidate, self.context))
        first = next(rejections, None)
        if first is None:
            self.context.accepted.append(candidate.question)
            self.context.accepted_answers.add(candidate.answer_words)
        return first
