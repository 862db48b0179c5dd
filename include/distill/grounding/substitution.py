"""Find words that an answer put in place of others in a sentence that it otherwise copied from the document."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from include.distill.grounding.evidence import Sentence
from include.distill.grounding.languages import Language
from include.distill.grounding.units import unit_named
from include.distill.grounding.words import stem

_ENOUGH_SHARED = 0.5
_ENOUGH_COPIED = 0.7
_LONGEST_REPLACEMENT = 3
_MIN_WORDS = 5
_AFTER_SUBJECTS = frozenset(
    {
        "is", "are", "was", "were", "has", "have", "had", "can", "could", "may", "might", "must", "should",
        "will", "would", "does", "costs",
    }
)  # fmt: skip
_BEFORE_VERBS = frozenset(
    {
        "to", "you", "we", "they", "it", "i", "he", "she", "then", "can", "could", "may", "might", "must",
        "should", "will", "would", "not", "never", "don't", "please", "also", "and", "that", "which", "who",
        "be", "is", "are", "was", "were", "been", "being", "has", "have", "had", "get", "gets", "got",
    }
)  # fmt: skip
_AFTER_VERBS = frozenset(
    {
        "the", "every", "each", "all", "any", "both", "some", "more", "another", "other", "a", "an", "this",
        "that", "these", "those", "your", "its", "their", "it", "them", "if", "when", "whether", "to",
    }
)  # fmt: skip
_ENDINGS_OF_VERBS = ("ed", "ing", "ly")
_CONTEXT = 2  # characters before and after the replaced characters
_NEW_CHARACTERS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_NAME_CHARACTERS = re.compile("[\u30a0-\u30ff\u3400-\u9fff]+")
_SENTENCE_MARK = "[。、，；！？（）]|です|$"
_SHORTEST_NEW, _DIFFERENCE = 2, 2
_WORDS_OF_NAME = 2
_MIN_WORDS_AROUND_NAME = 4
_ENOUGH_KNOWN = 0.5
# Characters of function words and of common verbs. A name rarely contains them.
_FUNCTION_CHARACTERS = frozenset("的了是在有和与及或等个这那之前后时点要能会可每不先再只就也都还后上下里中")


@dataclass(frozen=True)
class Replacement:
    """
    Words that an answer put in place of others in a sentence that it otherwise copied from the document.

    :param is_noun: whether the words are used as a noun or an adjective. It is false if the words may be a
        verb with the same meaning as the replaced verb.
    """

    text: str
    is_noun: bool


def replaced_words(
    answer: Sentence, document: Sequence[Sentence], language: Language, is_new: Callable[[str], bool]
) -> Replacement | None:
    """
    Return words of ``answer`` that take the place of other words in a sentence that is otherwise copied.

    :param is_new: returns whether a word is in neither the document nor the question.
    """
    if len(answer.words) < _MIN_WORDS:
        return None
    common = language.stop_words | language.generic
    new = {word for word in answer.words if word not in common and len(word) > 2 and is_new(word)}
    if not new or 3 * len(new) > len(answer.words):
        return None
    best = max(document, key=lambda sentence: (len(answer.stems & sentence.stems), -len(sentence.stems)), default=None)
    if best is None or len(answer.stems & best.stems) < _ENOUGH_SHARED * len(answer.stems):
        return None
    matcher = SequenceMatcher(None, best.words, answer.words, autojunk=False)
    operations = matcher.get_opcodes()
    copied = sum(end - start for kind, _, _, start, end in operations if kind == "equal")
    if copied < _ENOUGH_COPIED * len(answer.words):
        return None
    for kind, start, end, first, last in operations:
        replacement, original = answer.words[first:last], best.words[start:end]
        is_end = last == len(answer.words) and len(original) > _LONGEST_REPLACEMENT
        if is_end and all(map(unit_named, (*replacement, *original[: len(replacement)]))):
            # The answer ends with a unit, as in "every week", but the document's sentence goes on.
            original = original[: len(replacement)]
        is_short = max(len(replacement), len(original)) <= _LONGEST_REPLACEMENT
        is_content = not language.stop_words & {*replacement, *original}
        if kind == "replace" and is_short and is_content and new & set(replacement):
            is_noun = (
                not is_end
                and copied >= _MIN_WORDS
                and not common & set(original)
                and _is_noun(answer.words, first, last)
            )
            return Replacement(" ".join(replacement), is_noun)
    return None


def _is_noun(words: Sequence[str], first: int, last: int) -> bool:
    """
    Return whether ``words[first:last]`` of an English sentence are probably used like a noun or an adjective.

    The words around them must not indicate a verb or an adverb, nor the ending of the word if there is only one.
    """
    before, after = words[first - 1] if first else "", words[last] if last < len(words) else ""
    if not before:
        return after in _AFTER_SUBJECTS
    if before in _BEFORE_VERBS or after in _AFTER_VERBS:
        return False
    # "policy-based" is two words here.
    return last - first > 1 or not words[first].endswith(_ENDINGS_OF_VERBS)


def replaced_characters(answer: str, document: str, question: str) -> str | None:
    """
    Return characters of a Chinese or Japanese sentence that take the place of other characters of the document.

    :param answer: one sentence.
    """
    known = document + question
    pairs = [answer[start : start + 2] for start in range(len(answer) - 1)]
    if sum(pair in known for pair in pairs) < _ENOUGH_KNOWN * len(pairs):
        return None
    for run in _NEW_CHARACTERS.finditer(answer):
        start = run.start()
        while start < run.end() - 1:
            end = start
            while end < run.end() - 1 and answer[end : end + 2] not in known:
                end += 1
            if end > start and _is_in_place_of_other(answer, start, end + 1, document):
                return answer[start : end + 1]
            start = end + 1
    return None


def _is_in_place_of_other(answer: str, start: int, end: int, document: str) -> bool:
    """
    Return whether the new characters of an answer replace a word of the document.

    They do if the document has the same characters before and after them, but another word in between.

    :param start: start of the new characters in ``answer``.
    :param end: end of the new characters in ``answer``.
    """
    # The first and the last new pair of characters reach one character into the words around them.
    for first, last in ((start + 1, end - 1), (start + 1, end), (start, end - 1), (start, end)):
        new, before, after = (
            answer[first:last],
            answer[max(0, first - _CONTEXT) : first],
            answer[last : last + _CONTEXT],
        )
        is_name = _NAME_CHARACTERS.fullmatch(new) and not _FUNCTION_CHARACTERS & set(new)
        if not is_name or len(before) < _CONTEXT:
            continue
        following = f"(?:{_SENTENCE_MARK})" if after[:1] in {"", "。", "！", "？"} else re.escape(after)
        shortest, longest = max(_SHORTEST_NEW, len(new) - _DIFFERENCE), len(new) + _DIFFERENCE
        original = f"{_NAME_CHARACTERS.pattern.removesuffix('+')}{{{shortest},{longest}}}"
        if len(new) >= _SHORTEST_NEW and re.search(f"{re.escape(before)}{original}{following}", document):
            return True
    return False


def replaced_names(
    answer: Sentence, document: Sequence[Sentence], language: Language, is_new: Callable[[str], bool]
) -> str | None:
    """
    Return a name of two words, such as a person's, if its words are the only new words in a sentence of the answer.

    A word is new if neither the document nor the question has it. This function is for scripts without capital letters,
    in which a name looks like any other word.
    """
    words = answer.words
    new = [
        position
        for position, word in enumerate(words)
        if len(word) > 1 and word not in language.stop_words and word not in language.numbers and is_new(word)
    ]
    if len(new) != _WORDS_OF_NAME or new[1] != new[0] + 1 or new[0] == 0 or len(words) < _MIN_WORDS_AROUND_NAME:
        return None
    # A Hindi sentence ends with its verb, which is often new in a rephrased sentence.
    if language.code == "hi" and new[1] >= len(words) - 1:
        return None
    before = {stem(word) for sentence in document for word in sentence.words}
    return f"{words[new[0]]} {words[new[1]]}" if stem(words[new[0] - 1]) in before else None
