"""
Turn a sentence into a question that the sentence answers, by matching a few patterns of English sentences.

If a sentence matches no pattern, no question is made from it. A real teacher writes far better questions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_SUBJECT = r"(?P<subject>(?:An? |The )?[A-Z0-9][\w’'()./-]*(?: [\w’'()./-]+){0,6}?)"
_NO_SUBJECT = re.compile(
    r"^(?:it|its|this|that|there|these|those|they|you|your|we|i|he|she|here|what|if|when|where|which|who|how|however|"
    r"because|while|although|since|once|until|unless|during|following|for|in|on|at|by|with|to|from|as|after|before|then|also|note|both|each|all|one|no|yes)\b"
    r"|\b(?:that|which|if|when|who|you|is|are|can|must|see|following)\b",
    re.IGNORECASE,
)
_POINTS_ELSEWHERE = re.compile(r"\b(?:this|these|those|it|them|they|above|below|following)\b", re.IGNORECASE)
_FIRST_PERSON = (
    (r"\byou(?:'|’)re\b|\byou are\b", "I am"),
    (r"\byou(?:'|’)ve\b", "I have"),
    (r"\b(for|to|with|lets|let|allows|allow|enables|enable|helps|help|gives|give|from|by) you\b", r"\1 me"),
    (r"\byourself\b", "myself"),
    (r"\byours\b", "mine"),
    (r"\byour\b", "my"),
    (r"\byou\b", "I"),
)


@dataclass(frozen=True)
class Pattern:
    """A sentence pattern, the quality of the questions made with it (1 to 3), and the function that writes them."""

    form: re.Pattern[str]
    worth: float
    ask: Callable[[re.Match[str]], str | None]


def _in_first_person(clause: str) -> str:
    for pattern, replacement in _FIRST_PERSON:
        clause = re.sub(pattern, replacement, clause, flags=re.IGNORECASE)
    return clause


def _subject(match: re.Match[str]) -> str | None:
    """Return a sentence's subject as it is written inside a question; None if it is a pronoun or part of a clause."""
    subject = match["subject"]
    if _NO_SUBJECT.search(subject):
        return None
    return re.sub(r"^(An?|The)\b", lambda article: article[0].lower(), subject)


def _what_is(match: re.Match[str]) -> str | None:
    subject = _subject(match)
    return subject and f"What {match['verb']} {subject}?"


def _what_does(match: re.Match[str]) -> str | None:
    subject = _subject(match)
    return subject and f"What does {subject} {match['verb'].removesuffix('s')}?"


def _know_about(match: re.Match[str]) -> str | None:
    subject = _subject(match)
    return subject and about(subject)


def _what_if(match: re.Match[str]) -> str:
    if re.match(r"\w+ing\b", match["clause"]):
        opening = "What should I know"
    elif re.match(r"(?:you|use|see|make|contact|check|be)\b", match["then"]):
        opening = "What should I do"
    else:
        opening = "What happens"
    return f"{opening} {match['word'].lower()} {_in_first_person(match['clause'])}?"


def _how_many(match: re.Match[str]) -> str:
    return f"How many {match['noun']} can I {match['verb']}{_in_first_person(match['rest'])}?"


def _asking(before: str) -> Callable[[re.Match[str]], str]:
    return lambda match: f"{before} {_in_first_person(match['clause'])}?"


def about(topic: str) -> str:
    """Return a general question about a topic."""
    return f"What should I know about {_in_first_person(topic)}?"


PATTERNS = tuple(
    Pattern(re.compile(form), worth, ask)
    for form, worth, ask in (
        (
            r"^You can (?P<verb>[a-z]+) (?:up to|at most|a maximum of) [\d,]+ (?P<noun>[a-z]+s)"
            r"(?P<rest>(?: [^.,;:]{0,60})?)[.,;:]",
            2.6,
            _how_many,
        ),
        (rf"^{_SUBJECT} (?P<verb>is|are) (?:an?|the|one of)\b", 2.5, _what_is),
        (
            r"^To (?!learn|find|get started)(?P<clause>[a-z][^,:;]{8,90})[,:] ",
            2.3,
            _asking("How do I"),
        ),
        (r"^You can use [^.,;:]{3,60}? to (?P<clause>[a-z][^.,;:]{8,90})[.,;:]", 2.2, _asking("How can I")),
        (r"^You can (?P<clause>[a-z][^.,;:]{8,90}?) (?:by|using|through) ", 2.2, _asking("How can I")),
        (r"^You can(?:'t|’t|not)? (?P<clause>(?!also|then)[a-z][^.,;:]{8,90})[.,;:]", 1.9, _asking("Can I")),
        (r"^You (?:must|need to) (?P<clause>[a-z][^.,;:]{8,90})[.,;:]", 1.8, _asking("Do I need to")),
        (r"^You should (?P<clause>[a-z][^.,;:]{8,90})[.,;:]", 1.8, _asking("Should I")),
        (
            rf"^{_SUBJECT} (?P<verb>enables|allows|provides|supports|requires|uses)\b",
            1.7,
            _what_does,
        ),
        (r"^(?P<word>If|When) (?P<clause>[^,;:]{8,90}), (?P<then>\w+)", 1.6, _what_if),
        (
            rf"^{_SUBJECT} (?:is|are|can|cannot|must|has|have|will|does|do|might|should)\b",
            1.0,
            _know_about,
        ),
    )
)


def question_for(sentence: str) -> tuple[str, float] | None:
    """Return a question that ``sentence`` answers, and its quality; None if no pattern matches."""
    for pattern in PATTERNS:
        match = pattern.form.search(sentence)
        question = pattern.ask(match) if match else None
        if question and not _POINTS_ELSEWHERE.search(question):
            return re.sub(r"\s+", " ", question), pattern.worth
    return None
