"""
Tell questions about different things apart by the names in them ("What is Amazon SES?", "What is Amazon SNS?").

Such questions share most of their letters, so their similarity says little. A longer name that begins with a shared
name is the name of something else ("Amazon CloudWatch", "Amazon CloudWatch Events"). Names are recognized by their
capital letters, so the rule has no effect on questions that are written in lower case. Questions that contain opposite
words ("maximum", "minimum"; "activer", "désactiver") are also told apart, and so are questions that differ only in a
negation.
"""

from __future__ import annotations

import re
from collections.abc import Set

from include.distill.text.markup import strip_markup
from include.distill.text.question_spelling import without_acronym_dots, without_contractions

# The symbols at the end belong to names such as "C++" and "C#".
_WORD = re.compile(r"[A-Za-z0-9\u00c0-\u024f\u0370-\u052f]+(?:\+\+|#(?!\w))?")
_SENTENCE = re.compile(r"(?<=[.!?:;])\s+")
# In a question with more than this share of capitalized words, as in "What Is an Elastic IP Address?", only longer
# words count as names.
_TITLE_CASE = 0.6
_LONG_WORD = 5
# In characters. If two names of at least this length differ in one letter, one of them counts as a misspelling. Two
# shorter names that differ in one letter can both be correct.
_MIN_MISSPELLED = 6
# Maximum number of pairs of words that are searched for a misspelling. Two long questions with more pairs are told
# apart without this search, because its time would grow with the square of their lengths.
_MAX_PAIRS = 20_000
_OPPOSITES = (
    "add remove", "allow deny", "attach detach", "before after", "create delete", "download upload", "enable disable",
    "encrypt decrypt", "export import", "first last", "increase decrease", "inbound outbound", "maximum minimum",
    "public private", "start stop", "with without", "open close", "buy sell", "highest lowest", "longest shortest",
    "grant revoke", "on off", "true false", "ein aus", "an aus", "mit ohne", "vor nach", "anmelden abmelden",
    "einschalten ausschalten", "importieren exportieren", "hochladen herunterladen", "erstellen löschen", "avec sans",
    "avant après", "con sin", "antes después", "con senza", "prima dopo", "com sem", "antes depois",
    "включить отключить", "включить выключить",
)  # fmt: skip
# In many languages, one of these prefixes turns a word into its opposite. The word without the prefix must have at
# least this number of characters.
_MIN_PREFIXED = 4
_PREFIXES = ("de", "des", "dés", "dis", "ent", "il", "im", "in", "ir", "non", "re", "un")
_NEGATIONS = {
    "not", "never", "no", "nicht", "nie", "kein", "keine", "keinen", "pas", "jamais", "nunca", "não", "не", "нет",
}  # fmt: skip
# Words that come with a negation ("Why do I not see it?", "Il ne répond pas").
_WITH_NEGATION = {"a", "an", "any", "do", "does", "did", "ne", "n", "ein", "eine", "einen", "un", "une"}
# Words after a name that do not make it the name of another thing, in lower case. Most of them are capitalized only in
# a title ("How Do I Use S3 Today?").
_NO_CONTINUATION = (
    "service services platform product products software tool tools system systems website app application",
    "company today now please again anyway exactly mean means work works used use do does is are was can for in",
    "on of to at by with from and or vs versus when if as cost costs support supports offer offers provide",
    "provides have has",
)  # fmt: skip
_NO_CONTINUATION_WORDS = frozenset(word for line in _NO_CONTINUATION for word in line.split())
_OPPOSITE = tuple((one, other) for pair in _OPPOSITES for one, other in (pair.split(), pair.split()[::-1]))


def names_in(text: str) -> frozenset[str]:
    """
    Return the names in a question, in lower case.

    A name is a word with at least two capital letters, a word with a capital letter and a digit or symbol ("C++"), or a
    word with a capital letter that is not the first word of its sentence. A single letter at the end is a name too
    ("option a"). Two capitalized words in succession are also returned as one name ("cloudwatch events") if the first
    of them is a name.
    """
    text = without_acronym_dots(strip_markup(text))
    words = _WORD.findall(text)
    names = {words[-1].lower()} if words and len(words[-1].rstrip("+#")) == 1 else set()
    if text.isupper():
        return frozenset(names)
    long_words = [word for word in words if len(word) > 2 and word[0].isalpha()]
    is_title = sum(word[0].isupper() for word in long_words) > _TITLE_CASE * len(long_words) and len(long_words) > 2
    for sentence in _SENTENCE.split(text):
        previous, end = "", 0
        for place, match in enumerate(_WORD.finditer(sentence)):
            word = match.group()
            if previous in names and sentence[end : match.start()] == " " and word[0].isupper():
                names.add(f"{previous} {word.casefold()}")
            previous, end = word.casefold(), match.end()
            capitals = sum(character.isupper() for character in word)
            is_acronym = capitals > 1 or (capitals and any(c.isdigit() or c in "+#" for c in word))
            is_letter = len(word) == 1 and word not in "AI" and not is_title
            if is_acronym or (capitals and place and (is_letter or len(word) >= (_LONG_WORD if is_title else 2))):
                names.add(word.casefold())
    return frozenset(names)


def name_different_things(names: Set[str], normalized: str, other_names: Set[str], other_normalized: str) -> bool:
    """
    Return whether two questions are about different things.

    Two questions are about different things in these cases:

    - Each has a name that the other lacks, and these names are not misspellings of each other.
    - One continues a name of the other ("CloudWatch", "CloudWatch Events").
    - One has a word whose opposite is in the other.
    - They differ only in a negation.
    """
    words, other_words = map(_words_in, (normalized, other_normalized))
    if _are_opposite(words - other_words, other_words - words):
        return True
    if _continue_a_name(names, other_words) or _continue_a_name(other_names, words):
        return True
    own, others = ({name for name in them if " " not in name} for them in (names - other_words, other_names - words))
    return bool(own and others) and not _has_misspelling(own, others)


def _words_in(normalized: str) -> set[str]:
    return set(_WORD.findall(without_acronym_dots(without_contractions(normalized))))


def _are_opposite(words: Set[str], other_words: Set[str]) -> bool:
    """
    Return whether two questions ask about opposite things or differ only in a negation.

    :param words: words of the first question that the second question does not have.
    :param other_words: words of the second question that the first question does not have.
    """
    if any(one in words and other in other_words for one, other in _OPPOSITE):
        return True
    if _has_prefixed_word(words, other_words) or _has_prefixed_word(other_words, words):
        return True
    differing = words | other_words
    return bool(differing & _NEGATIONS) and differing <= _NEGATIONS | _WITH_NEGATION


def _has_prefixed_word(words: Set[str], other_words: Set[str]) -> bool:
    """Return whether one of ``words`` is one of ``other_words`` with a prefix such as "un"."""
    # Each word is looked up without its prefix, because comparing all pairs would take quadratic time.
    return any(
        word[len(prefix) :] in other_words
        for word in words
        for prefix in _PREFIXES
        if len(word) >= len(prefix) + _MIN_PREFIXED and word.startswith(prefix)
    )


def _continue_a_name(names: Set[str], other_words: Set[str]) -> bool:
    """Return whether one of ``names`` continues a word of the other question.

    For example, "CloudWatch Events" continues "CloudWatch" if "Events" is not in the other question. A common second
    word, such as "Service", does not count, nor does one that is a misspelling of a word in the other question.
    """
    compounds = (name.split(" ") for name in names if " " in name)
    excluded = other_words | _NO_CONTINUATION_WORDS
    continuations = {end for start, end in compounds if start in other_words and end not in excluded}
    if len(continuations) * len(other_words) > _MAX_PAIRS:
        return True
    return any(not _has_misspelling({end}, other_words) for end in continuations)


def _has_misspelling(words: Set[str], others: Set[str]) -> bool:
    """Return whether one of ``words`` is a misspelling of a word in ``others``.

    If there are too many pairs of words to compare, the result is ``False``.
    """
    if len(words) * len(others) > _MAX_PAIRS:
        return False
    return any(_is_misspelling(one, other) for one in words for other in others)


def _is_misspelling(one: str, other: str) -> bool:
    """Return whether two names differ by a missing letter, two swapped letters or, if they are long, a wrong letter."""
    shorter, longer = sorted((one, other), key=len)
    if len(longer) - len(shorter) > 1 or len(longer) < 3:
        return False
    start = next((n for n, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    if len(longer) > len(shorter):  # "Anna" and "Hanna" are two names, "Event" and "Events" may be one
        is_long = len(longer) >= _MIN_MISSPELLED or longer == f"{shorter}s"
        return is_long and shorter[start:] == longer[start + 1 :]
    is_exchanged = shorter[start : start + 2] == longer[start : start + 2][::-1]
    if is_exchanged and shorter[start + 2 :] == longer[start + 2 :]:
        return True
    return len(shorter) >= _MIN_MISSPELLED and shorter[start + 1 :] == longer[start + 1 :]
