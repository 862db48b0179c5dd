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

from include.distill.config.sections import Curation
from include.distill.core.storage import Record
from include.distill.curation.grounding import Grounds
from include.distill.curation.refusals import refusal_in
from include.distill.text.minhash import similarity
from include.distill.text.normalization import bare, normalised
from include.distill.text.question_index import AskedQuestions, asks_again, likeness

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
class Drop:
    """Why a pair is not used: the filter, the reason within it, and the values."""

    filter: str
    reason: str
    message: str


def rejection(row_id: str, drop: Drop, pair: Mapping[str, str]) -> Record:
    """Return the record of a dropped pair, which keeps its text."""
    return {
        "row_id": row_id,
        "filter": drop.filter,
        "reason": drop.reason,
        "message": drop.message,
        "text": dict(pair),
    }


@dataclass(frozen=True)
class Curator:
    """
    The filters of a use case, for the rows of one task.

    :param evaluation: the questions that the student will be judged by.
    :param fails_job: says why a pair's training record would fail the job, or ``None``.
    """

    settings: Curation
    evaluation: AskedQuestions
    fails_job: Callable[[Mapping[str, str]], str | None]

    def for_row(self, row: Mapping[str, str]) -> RowCurator:
        """Return the filters for the pairs of one row."""
        return RowCurator(self, row)


def evaluation_questions(rows: Iterable[Mapping[str, str]], settings: Curation) -> AskedQuestions:
    """Return the questions that no pair may come near to."""
    asked = AskedQuestions(threshold=settings.max_leak_similarity)
    for row in rows:
        asked.add(row["question"])
    return asked


class RowCurator:
    """The filters as the pairs of one row meet them; a pair that passes is one that the next may not repeat."""

    def __init__(self, curator: Curator, row: Mapping[str, str]) -> None:
        self._settings, self._curator, self._row = curator.settings, curator, row
        self._grounds = Grounds(row["document"])
        self.kept: list[str] = []
        self.grounding = 0.0  # of the pair that was judged last

    def judge(self, pair: Mapping[str, str]) -> Drop | None:
        """Return why ``pair`` is not used, or ``None`` when it passes."""
        drop = next(self._drops(pair), None)
        if drop is None:
            self.kept.append(pair["question"])
        return drop

    def drops(self, pair: Mapping[str, str]) -> list[Drop]:
        """Return what every filter says of ``pair``, not only the first; remembers nothing."""
        return list(self._drops(pair))

    def _drops(self, pair: Mapping[str, str]) -> Iterator[Drop]:
        yield from _malformed(pair)
        yield from _out_of_bounds(pair, self._settings)
        yield from self._repeats(pair["question"])
        yield from self._leaks(pair["question"])
        yield from self._ungrounded(pair["answer"])
        yield from self._same_topic(pair)
        yield from self._refuses(pair["answer"])
        if fault := self._curator.fails_job({**pair, "document": self._row["document"]}):
            yield Drop("breaks_job", "breaks_limit", fault)

    def _repeats(self, question: str) -> Iterator[Drop]:
        threshold = self._settings.max_question_similarity
        if asks_again(question, self._row["question"], threshold):
            yield Drop("repeats_original", "repeated_question", "The question repeats the row's own.")
        if any(asks_again(question, earlier, threshold) for earlier in self.kept):
            yield Drop("repeats_pair", "repeated_question", "The question repeats an earlier one of this row.")

    def _leaks(self, question: str) -> Iterator[Drop]:
        if found := self._curator.evaluation.find(question):
            message = (
                f"{found.similarity:.2f} of the question is in the evaluation question {found.question!r}; training"
                " on it would flatter the result."
            )
            yield Drop("leak", "in_evaluation_set", message)

    def _ungrounded(self, answer: str) -> Iterator[Drop]:
        self.grounding, least = self._grounds.share(answer), self._settings.min_grounding
        # A refusal states nothing that a document could hold; a later filter names it for what it is.
        if self.grounding < least and not (self._settings.drop_refusals and refusal_in(answer)):
            message = f"{self.grounding:.2f} of the answer stands in the document; expected {least} or more."
            yield Drop("ungrounded", "not_in_document", message)

    def _same_topic(self, pair: Mapping[str, str]) -> Iterator[Drop]:
        most = self._settings.max_topic_similarity
        answer, example = bare(pair["answer"]), bare(self._row["answer"])
        telling = min(len(answer), len(example)) >= _SHORTEST_TELLING_ANSWER
        if telling and (alike := similarity(answer, example)) > most:
            message = f"{alike:.2f} of the answer is the row's own; expected {most} or less."
            yield Drop("same_topic", "example_answer", message)
        named = likeness(pair["topic"], self._row["question"])
        if named > most and likeness(pair["question"], self._row["question"]) >= _HALF_THE_SAME:
            message = f"The topic is the row's own question ({named:.2f} alike); expected another."
            yield Drop("same_topic", "example_topic", message)

    def _refuses(self, answer: str) -> Iterator[Drop]:
        if self._settings.drop_refusals and (words := refusal_in(answer)):
            yield Drop("refusal", "refusal", f"The answer is none: it says {words[:80]!r}.")


def _malformed(pair: Mapping[str, str]) -> Iterator[Drop]:
    if not any(character.isalpha() for character in pair["question"]):
        yield Drop("malformed", "no_letters", "The question has no letter.")
    if not any(character.isalnum() for character in pair["answer"]):
        yield Drop("malformed", "no_letters", "The answer has neither letter nor digit.")
    if "\ufffd" in pair["question"] + pair["answer"]:
        yield Drop("malformed", "lost_character", "A character was lost on the way (U+FFFD).")
    if normalised(pair["question"]) == normalised(pair["answer"]):
        yield Drop("malformed", "answer_is_question", "The answer is the question.")


def _out_of_bounds(pair: Mapping[str, str], settings: Curation) -> Iterator[Drop]:
    bounds = {
        "question": (settings.min_question_characters, settings.max_question_characters),
        "answer": (settings.min_answer_characters, settings.max_answer_characters),
    }
    for role, (least, most) in bounds.items():
        found = len(pair[role].strip())
        if not least <= found <= most:
            how = "short" if found < least else "long"
            message = f"The {role} has {found:,} characters; expected {least:,} to {most:,}."
            yield Drop("length", f"{role}_too_{how}", message)
