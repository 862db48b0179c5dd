"""Prepare a new pair and its row for the filters. Each text is normalized once for all filters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from include.distill.config.sections import DEFAULT_MIN_GROUNDING, Curation
from include.distill.curation.injections import Injections, find_injections
from include.distill.curation.refusals import find_refusal
from include.distill.dataset.records import RowTexts
from include.distill.grounding.check import Finding, GroundingCheck
from include.distill.inference.records import WrittenPair
from include.distill.text.normalization import normalize, strip_punctuation, words_of_normalized
from include.distill.text.question_index import Question, QuestionIndex

# Returns why a training job would fail on a record with these texts, or None if the record is valid.
JobFault = Callable[[RowTexts], str | None]


@dataclass(frozen=True)
class RowContext:
    """
    A row with the texts, questions and settings that its new pairs are checked against.

    :param texts: document, question and answer of the row. The pairs were written from them.
    :param evaluation: the evaluation questions.
    :param job_fault: returns why a training job would fail on a pair's record, or ``None``.
    :param accepted: questions of the row's pairs that have been accepted so far.
    :param accepted_answers: answers of these pairs, normalized and without punctuation.
    """

    texts: RowTexts
    settings: Curation
    evaluation: QuestionIndex
    job_fault: JobFault
    accepted: list[Question] = field(default_factory=list)
    accepted_answers: set[str] = field(default_factory=set)

    @cached_property
    def question(self) -> Question:
        """The original question of the row."""
        return Question(self.texts["question"])

    @cached_property
    def answer_words(self) -> str:
        """The original answer of the row, normalized and without punctuation."""
        return strip_punctuation(self.texts["answer"])

    @cached_property
    def injections(self) -> Injections:
        """The instructions in the row's texts that are addressed to a language model."""
        return find_injections(self.texts)

    @cached_property
    def document(self) -> GroundingCheck:
        """The row's document, whose facts are indexed once for all answers."""
        strictness = self.settings.min_grounding / DEFAULT_MIN_GROUNDING
        return GroundingCheck(self.texts["document"], strictness=strictness)


@dataclass(frozen=True)
class Candidate:
    """
    A pair that the teacher wrote, in the forms that the filters need.

    :param document: the document from which the pair was written, indexed so that answers can be checked against it.
    :param document_text: the text of this document.
    """

    pair: WrittenPair
    document: GroundingCheck
    document_text: str = ""

    @cached_property
    def question(self) -> Question:
        """The question of the pair, prepared for comparison with other questions."""
        return Question(self.pair["question"])

    @cached_property
    def topic(self) -> Question:
        """The topic of the pair, prepared like a question, because the topic is compared with the row's question."""
        return Question(self.pair["topic"])

    @cached_property
    def normalized_answer(self) -> str:
        """The answer with normalized case and spacing."""
        return normalize(self.pair["answer"])

    @cached_property
    def answer_words(self) -> str:
        """The normalized answer without punctuation."""
        return words_of_normalized(self.normalized_answer)

    @cached_property
    def grounding(self) -> Finding:
        """The result of the grounding check: whether the document supports the answer."""
        return self.document.check(self.pair["answer"], self.pair["question"])

    @cached_property
    def refusal(self) -> str | None:
        """The words that make the answer a refusal or boilerplate, or ``None`` if it is neither."""
        return find_refusal(self.pair["answer"], self.document_text, self.pair["question"])
