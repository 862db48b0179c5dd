"""
Write question and answer pairs as the simulated teacher, from sentences of the document.

An answer quotes one to three consecutive sentences and is about as long as the answer in the prompt's example. If the
last of these sentences introduces a list, the answer continues to the end of the list. The question is taken from the
document, made from the answer with a pattern (``questions.py``), or made from the heading before the answer. The
patterns match only a few English sentences. For a document that is short or in another language, there are also
questions that are the beginning or the end of a sentence (``completion_questions.py``). A document may still yield
fewer pairs than requested. The same prompt always gives the same pairs. The pairs say nothing about what a real teacher
would write.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.aws_simulator.models.completion_questions import completion_questions, is_title
from tools.aws_simulator.models.delimiters import NotUnderstoodError, required_section, section
from tools.aws_simulator.models.questions import about, question_for
from tools.aws_simulator.models.text import (
    Document,
    Sentence,
    content_terms,
    looks_english,
    phrases,
    read_document,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_PASSAGE = 3  # maximum number of sentences in an answer
SHORT_DOCUMENT = 10  # a document with fewer sentences is short
# Two questions are duplicates if they share more than this part of their terms. Two sentences are duplicates if they
# share more than this part of their phrases.
ALIKE = 0.5
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
    """
    The parts of a prompt that asks for pairs.

    :param completes: whether questions may be parts of sentences. This is true for a document that is short, or that
        the patterns do not fit, for example because it is in German.
    """

    document: Document
    completes: bool
    earlier_questions: list[str]
    example_answer: str
    pairs: int


@dataclass(frozen=True)
class _Candidate:
    """A possible pair: its question, the sentences ``first`` to ``last`` that answer it, and its quality."""

    question: str
    topic: str
    first: int
    last: int
    worth: float


def write_pairs(prompt: str, *, list_name: str | None = None) -> str:
    """
    Return up to ``<number_of_pairs>`` pairs as JSON objects with question, answer and topic.

    :param list_name: name of the list that contains the pairs in a single JSON object. With None, return each pair as
        a JSON object on its own line.
    :raises NotUnderstoodError: a section is missing, or the number of pairs is not a number.
    """
    task = _read_task(prompt)
    candidates = sorted(_candidates(task), key=lambda pair: (-pair.worth, pair.first))
    selected = _select(task, candidates)
    if task.completes:
        selected = _completed(task, selected)
    lines = []
    for pair in sorted(selected, key=lambda pair: pair.first):
        answer = _ANSWER_LABEL.sub("", task.document.quote(range(pair.first, pair.last + 1)))
        lines.append({"question": pair.question, "answer": answer, "topic": pair.topic})
    if list_name is not None:
        return json.dumps({list_name: lines}, ensure_ascii=False)
    return "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)


def _read_task(prompt: str) -> _Task:
    number = required_section(prompt, "number_of_pairs").strip()
    if not number.isdecimal():
        raise NotUnderstoodError(f"<number_of_pairs> contains {number[:40]!r}, expected a whole number.")
    before = (section(prompt, "asked_before") or "").splitlines()
    document = read_document(required_section(prompt, "document"))
    return _Task(
        document=document,
        completes=len(document.sentences) < SHORT_DOCUMENT or not _has_patterns(document),
        earlier_questions=[section(prompt, "question") or "", *(line.strip() for line in before if line.strip())],
        example_answer=section(prompt, "answer") or "",
        pairs=int(number),
    )


def _has_patterns(document: Document) -> bool:
    """Return whether the document is English or a pattern matches one of its sentences."""
    return looks_english(words(document.text)) or any(question_for(one.text) for one in document.sentences)


def _candidates(task: _Task) -> Iterator[_Candidate]:
    sentences = task.document.sentences
    for index, sentence in enumerate(sentences):
        if sentence.is_question:
            yield from _asked_by_document(task, index)
        elif _stands_alone(task.document, index):
            rated_question = question_for(sentence.text)
            if rated_question is None and index > 0 and _is_heading(task, sentences[index - 1]):
                rated_question = about(sentences[index - 1].text.rstrip(".: ")), 1.2
            if rated_question:
                yield from _candidate(task, rated_question[0], index, rated_question[1])


def _is_heading(task: _Task, sentence: Sentence) -> bool:
    """Return whether the sentence is a heading.

    If ``task.completes``, a sentence that ends with a period is a heading only if it is a title. A short document, or
    one in German, has ordinary sentences that ``is_heading`` mistakes for headings.
    """
    return sentence.is_heading and (is_title(sentence) or not (task.completes and sentence.text.endswith(".")))


def _asked_by_document(task: _Task, index: int) -> Iterator[_Candidate]:
    question, follows = _LABEL.sub("", task.document.sentences[index].text), index + 1
    if not _ASKS.match(question) or not 3 <= len(words(question)) <= 30:
        return
    if _continues(task.document, index, follows) and not _POINTS_AWAY.match(task.document.sentences[follows].text):
        yield from _candidate(task, question, follows, 3.0)


def _stands_alone(document: Document, index: int) -> bool:
    """Return whether the sentence is a complete statement that makes sense without the preceding sentence."""
    sentence = document.sentences[index]
    if sentence.is_code or sentence.is_list_item or not 6 <= len(sentence.words) <= 45:
        return False
    return sentence.text.endswith((".", ":")) and not _LEANS_BACK.match(sentence.text)


def _continues(document: Document, first: int, index: int) -> bool:
    """Return whether the sentence at ``index`` continues the topic of the sentence at ``first``."""
    if index >= len(document.sentences):
        return False
    sentence = document.sentences[index]
    return sentence.part == document.sentences[first].part and not (sentence.is_heading or sentence.is_question)


def _candidate(task: _Task, question: str, first: int, worth: float) -> Iterator[_Candidate]:
    """Yield the pair whose answer begins at ``first``. Yield nothing if no passage from there is a complete answer."""
    last = _end_of_answer(task, first)
    if last >= first:
        yield _Candidate(question, _topic(question), first, last, worth + _centrality(task.document, first))


def _end_of_answer(task: _Task, first: int) -> int:
    """
    Return the index of the last sentence of the answer that begins with the sentence ``first``.

    The answer must be complete. If no complete answer begins with that sentence, ``first - 1`` is returned.
    """
    document, last = task.document, first
    length = max(80, min(len(task.example_answer), 1200))
    while last - first + 1 < LONGEST_PASSAGE and _continues(document, first, last + 1):
        with_next = document.sentences[last + 1].end - document.sentences[first].start
        if with_next > 1.25 * length:
            break
        last += 1
    if _introduces(document, last) and _continues(document, first, last + 1):
        last += 1
        while _continues(document, first, last + 1) and document.sentences[last + 1].is_list_item:
            last += 1
    while last >= first and _introduces(document, last):
        last -= 1
    return last


def _introduces(document: Document, index: int) -> bool:
    """Return whether the sentence announces text that follows it, such as a list."""
    return document.sentences[index].text.endswith(":")


def _centrality(document: Document, index: int) -> float:
    """Return how common the terms of the sentence are in the document, from 0 to 1."""
    terms, weight = document.sentences[index].terms, document.sentence_weights[index]
    highest = document.weight(["a term that the document lacks"])
    return 1 - weight / (len(terms) * highest) if terms and highest else 0.0


def _topic(question: str) -> str:
    """Return up to six meaningful words of the question."""
    kept = [word for word in question.rstrip("?").split() if content_terms(words(word)) - {"happen", "know"}]
    return " ".join(kept[:6]).strip(" ,;:\"'") or question


def _select(task: _Task, best_first: list[_Candidate]) -> list[_Candidate]:
    """Select the best candidates that do not repeat earlier questions, sentences of the example, or each other."""
    used_phrases = phrases(words(task.example_answer))
    used_questions = [content_terms(words(question)) for question in task.earlier_questions]
    selected: list[_Candidate] = []
    for pair in best_first:
        terms = content_terms(words(pair.question))
        passage = task.document.sentences[pair.first : pair.last + 1]
        if len(selected) == task.pairs or not terms or any(_alike(terms, used) for used in used_questions):
            continue
        if any(len(sentence.phrases & used_phrases) > ALIKE * len(sentence.phrases) for sentence in passage):
            continue  # retrieved contexts often contain a passage twice
        selected.append(pair)
        used_questions.append(terms)
        used_phrases.update(*(sentence.phrases for sentence in passage))
    return selected


def _completed(task: _Task, selected: list[_Candidate]) -> list[_Candidate]:
    """Add pairs whose questions are parts of sentences, until there are as many pairs as requested."""
    sentences, pairs = task.document.sentences, list(selected)
    quoted = {index for pair in pairs for index in range(pair.first, pair.last + 1)}
    asked = [content_terms(words(question)) for question in task.earlier_questions]
    asked += [content_terms(words(pair.question)) for pair in pairs]
    example = phrases(words(task.example_answer))

    def in_example(index: int) -> bool:
        return len(sentences[index].phrases & example) > ALIKE * len(sentences[index].phrases)

    # Sentences that are in the example come last. They are not left out, because the example of a short document often
    # quotes most of its sentences.
    for made in sorted(
        completion_questions(task.document), key=lambda made: (in_example(made.sentence), made.rank, made.sentence)
    ):
        terms, index = content_terms(words(made.question)), made.sentence
        if len(pairs) >= task.pairs:
            break
        is_example = len(sentences[index].phrases & example) > ALIKE * len(sentences[index].phrases | example)
        if index in quoted or is_example or any(_alike(terms, before) for before in asked):
            continue
        pairs.append(_Candidate(made.question, _topic(made.question), index, index, 0.0))
        asked.append(terms)
    return pairs


def _alike(left: frozenset[str], right: frozenset[str]) -> bool:
    return len(left & right) > ALIKE * len(left | right)
