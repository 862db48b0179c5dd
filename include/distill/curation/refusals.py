"""
Detect refusals and boilerplate in answers, such as "I am sorry" and sentences in which a model describes itself.

The patterns are in ``include/refusals.yaml``, by language. The patterns of all languages are applied to every answer. A
refusal in a language without patterns is not detected here.

True statements are not refusals. A sentence that also occurs in the document is never a refusal. The answer "None" is
not a refusal if the document or the question contains the word, or if "None" can answer the question, as in "Which
ports are open?".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from include.distill.core.paths import INCLUDE
from include.distill.core.single_flight_cache import single_flight_cache
from include.distill.text.minhash import ngram_hashes
from include.distill.text.normalization import normalize, strip_punctuation, words_of_normalized

PATTERNS_PATH = INCLUDE / "refusals.yaml"
_POSITIONS = {
    "asks": r"\A(?:{})",
    "none": r"\A(?:{})[\s.!。！।]*\Z",
    "whole": r"\A(?:{})[\s.!。！।]*\Z",
    "start": r"\A(?:{})",
    "sentence": r"(?:\A|(?<=[.!?:;؟،] )|(?<=[。！？।]) ?)(?:{})",
    "anywhere": r"{}",
}
_TYPOGRAPHY = str.maketrans({"’": "'", "ʼ": "'", "`": None, "*": None, "_": " ", "“": None, "”": None, '"': None})
_SENTENCE_END = re.compile(r"[.!?؟](?=\s|\Z)|[。！？।]")
_NGRAM, _COPIED_SHARE = 5, 0.9


def find_refusal(answer: str, document: str = "", question: str = "") -> str | None:
    """
    Return the words that make ``answer`` a refusal or boilerplate, or ``None`` if it is neither.

    :param document: the document that the answer should be taken from.
    :param question: the question that ``answer`` answers.
    """
    text = normalize(answer.translate(_TYPOGRAPHY))
    for position, match in _matches(text):
        if position == "none" and _patterns(PATTERNS_PATH)["asks"].match(normalize(question.translate(_TYPOGRAPHY))):
            continue
        is_whole = position in ("none", "whole")
        sentence = match.group() if is_whole else _sentence_around(text, match)
        if _occurs(sentence, document) or (is_whole and _is_named(sentence, question)):
            continue
        return match.group().strip()
    return None


def _matches(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    for position, pattern in _patterns(PATTERNS_PATH).items():
        if position != "asks":
            yield from ((position, match) for match in pattern.finditer(text) if match.group())


def _sentence_around(text: str, match: re.Match[str]) -> str:
    start = max((end.end() for end in _SENTENCE_END.finditer(text, 0, match.start() + 1)), default=0)
    following = _SENTENCE_END.search(text, max(match.end() - 1, start))
    return text[start : following.end() if following else len(text)]


def _occurs(sentence: str, document: str) -> bool:
    """Return whether ``document`` contains ``sentence``, or nearly all of it."""
    words, source = words_of_normalized(sentence), strip_punctuation(document.translate(_TYPOGRAPHY))
    if f" {words} " in f" {source} ":
        return True
    if len(words) < 4 * _NGRAM or len(source) < _NGRAM:
        return False
    hashes = set(ngram_hashes(words, _NGRAM).tolist())
    return len(hashes & set(ngram_hashes(source, _NGRAM).tolist())) >= _COPIED_SHARE * len(hashes)


def _is_named(answer: str, question: str) -> bool:
    """
    Return whether the question contains the last word of a short answer. Such an answer is not a refusal.

    For example, "Not available." answers the question "Is it available?".
    """
    last_word = words_of_normalized(answer).rpartition(" ")[2]
    return len(last_word) > 3 and not answer.startswith("i ") and f" {last_word} " in f" {strip_punctuation(question)} "


@single_flight_cache
def _patterns(path: Path) -> dict[str, re.Pattern[str]]:
    """
    Read the patterns of all languages, and compile one regular expression for each place in an answer.

    The keys name the place: ``start``, for example, has the patterns that must match at the start of the answer.
    ``include/refusals.yaml`` explains all keys.
    """
    by_position: dict[str, list[str]] = {}
    for positions in yaml.safe_load(path.read_text(encoding="utf-8")).values():
        for position, patterns in positions.items():
            by_position.setdefault(position, []).extend(patterns)
    return {
        position: re.compile(_POSITIONS[position].format("|".join(patterns)), re.IGNORECASE)
        for position, patterns in by_position.items()
    }
