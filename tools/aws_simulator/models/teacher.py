"""
The simulated teacher: writes question and answer pairs from the document's own sentences.

An answer is one to three consecutive sentences, verbatim, near the length of the example's answer; its
question is one that the document itself asks, or is made by a pattern (``questions.py``). A document without
enough material gets fewer pairs. Same prompt, same pairs. Nothing here says what a real teacher would write.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.aws_simulator.models.delimiters import NotUnderstoodError, required_section, section
from tools.aws_simulator.models.questions import about, question_for
from tools.aws_simulator.models.text import Document, content_terms, phrases, read_document, words

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_PASSAGE = 3  # sentences
ALIKE = 0.5  # share of terms from which two questions count as the same
_LABEL = re.compile(r"^(?:[-•*]\s+|Q\d*[.:]\s*|Question:\s*|\d{1,2}[.)]\s+)+")
_ANSWER_LABEL = re.compile(r"^(?:A|Answer)[.:]\s+")
_ASKS = re.compile(
    r"^(?:what|how|why|when|where|which|who|can|could|do|does|did|is|are|was|will|should|must|may|has|"
    r"have|if|in which)\b",
    re.IGNORECASE,
)
_POINTS_AWAY = re.compile(r"^(?:for more information|see|refer to)\b", re.IGNORECASE)
_LEANS_BACK = re.compile(
    r"^(?:it|its|this|that|these|those|they|their|however|also|then|otherwise|in this case|for example|"
    r"for more information|as a result|therefore|note|see)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Task:
    """What a synthesis prompt asks for."""

    document: Document
    asked: list[str]
    example_answer: str
    pairs: int


@dataclass(frozen=True)
class _Candidate:
    """A possible pair: its question, the sentences ``first`` to ``last`` that answer it, and its worth."""

    question: str
    topic: str
    first: int
    last: int
    worth: float


def write_pairs(prompt: str, *, list_name: str | None = None) -> str:
    """
    Return up to ``<number_of_pairs>`` JSON objects with question, answer and topic.

    :param list_name: return one object with a list of this name; ``None`` returns one object per line.

    :raises NotUnderstoodError: a section is missing, or the number is none.
    """
    task = _read_task(prompt)
    chosen = _choose(task, sorted(_candidates(task), key=lambda pair: (-pair.worth, pair.first)))
    lines = []
    for pair in sorted(chosen, key=lambda pair: pair.first):
        answer = _ANSWER_LABEL.sub("", task.document.quote(range(pair.first, pair.last + 1)))
        lines.append({"question": pair.question, "answer": answer, "topic": pair.topic})
    if list_name is not None:
        return json.dumps({list_name: lines}, ensure_ascii=False)
    return "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)


def _read_task(prompt: str) -> _Task:
    wanted = required_section(prompt, "number_of_pairs").strip()
    if not wanted.isdecimal():
        raise NotUnderstoodError(f"<number_of_pairs> holds {wanted[:40]!r}; a whole number was expected.")
    before = (section(prompt, "asked_before") or "").splitlines()
    return _Task(
        document=read_document(required_section(prompt, "document")),
        asked=[section(prompt, "question") or "", *(line.strip() for line in before if line.strip())],
        example_answer=section(prompt, "answer") or "",
        pairs=int(wanted),
    )


def _candidates(task: _Task) -> Iterator[_Candidate]:
    sentences = task.document.sentences
    for index, sentence in enumerate(sentences):
        if sentence.is_question:
            yield from _asked_by_document(task, index)
        elif _stands_alone(task.document, index):
            made = question_for(sentence.text)
            if made is None and index > 0 and sentences[index - 1].is_heading:
                made = about(sentences[index - 1].text.rstrip(".: ")), 1.2
            if made:
                yield _candidate(task, made[0], index, made[1])


def _asked_by_document(task: _Task, index: int) -> Iterator[_Candidate]:
    question, follows = _LABEL.sub("", task.document.sentences[index].text), index + 1
    if not _ASKS.match(question) or not 3 <= len(words(question)) <= 30:
        return
    if _continues(task.document, index, follows) and not _POINTS_AWAY.match(task.document.sentences[follows].text):
        yield _candidate(task, question, follows, 3.0)


def _stands_alone(document: Document, index: int) -> bool:
    """Say whether the sentence is a whole statement that is understood without the one before."""
    sentence = document.sentences[index]
    if sentence.is_code or sentence.is_list_item or not 6 <= len(sentence.words) <= 45:
        return False
    return sentence.text.endswith((".", ":")) and not _LEANS_BACK.match(sentence.text)


def _continues(document: Document, first: int, index: int) -> bool:
    """Whether the sentence at ``index`` is still about what the one at ``first`` began."""
    if index >= len(document.sentences):
        return False
    sentence = document.sentences[index]
    return sentence.part == document.sentences[first].part and not (sentence.is_heading or sentence.is_question)


def _candidate(task: _Task, question: str, first: int, worth: float) -> _Candidate:
    document, last = task.document, first
    enough = max(80, min(len(task.example_answer), 1200))
    while last - first + 1 < LONGEST_PASSAGE and _continues(document, first, last + 1):
        with_next = document.sentences[last + 1].end - document.sentences[first].start
        if with_next > 1.25 * enough:
            break
        last += 1
    return _Candidate(question, _topic(question), first, last, worth + _centrality(document, first))


def _centrality(document: Document, index: int) -> float:
    """Return how common, between 0 and 1, the sentence's terms are in the rest of the document."""
    terms, weight = document.sentences[index].terms, document.sentence_weights[index]
    highest = document.weight(["a term that the document lacks"])
    return 1 - weight / (len(terms) * highest) if terms and highest else 0.0


def _topic(question: str) -> str:
    """Return the words of the question that carry meaning, at most six."""
    kept = [word for word in question.rstrip("?").split() if content_terms(words(word)) - {"happen", "know"}]
    return " ".join(kept[:6]).strip(" ,;:\"'") or question


def _choose(task: _Task, best_first: list[_Candidate]) -> list[_Candidate]:
    """Take the best that repeat no question and no sentence of the example, the asked ones or each other."""
    known = phrases(words(task.example_answer))
    asked = [content_terms(words(question)) for question in task.asked]
    chosen: list[_Candidate] = []
    for pair in best_first:
        terms, passage = (
            content_terms(words(pair.question)),
            task.document.sentences[pair.first : pair.last + 1],
        )
        if len(chosen) == task.pairs or not terms or any(_alike(terms, before) for before in asked):
            continue
        if any(len(sentence.phrases & known) > ALIKE * len(sentence.phrases) for sentence in passage):
            continue  # retrieved contexts often hold one passage twice
        chosen.append(pair)
        asked.append(terms)
        known.update(*(sentence.phrases for sentence in passage))
    return chosen


def _alike(left: frozenset[str], right: frozenset[str]) -> bool:
    return len(left & right) > ALIKE * len(left | right)
