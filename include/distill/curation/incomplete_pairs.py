"""
Find pairs with an incomplete answer or with a question that has no content word.

An answer is incomplete if it is cut off, or if it lacks the text that it announces, such as "Run this command:". A
question has no content word if it consists of words such as "what", "is" and "this".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from include.distill.inference.records import QuestionAnswer
from include.distill.text.normalization import strip_punctuation

INCOMPLETE_REASONS = (
    "answer_ends_in_colon",
    "answer_ends_in_list_number",
    "answer_is_cut_off",
    "question_without_content",
)
_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_EMPTY_CODE = re.compile(r"```\w*\s*```\s*\Z")
_COLON = re.compile(r"[:：﹕︓∶꞉](?:[\s*_\"'”’»」)–—…]|\.{2,})*\Z")
# "C:" and "arn:" are complete answers. "Note:" and "1:" are not.
_PREFIX = re.compile(
    r"(?!(?i:answer|note|steps?|example|antwort|réponse|respuesta|risposta|resposta)\b)(?=[^:]*[^\W\d])[\w.+/-]+:+"
)
# An answer such as "Use:" announces more text, unless the question asks for a header, a key or the like.
_WORD_AND_COLON = re.compile(r"[A-Z\u00c0-\u00de][a-z\u00df-\u00ff]{2,}:+")
_ASKS_FOR_PREFIX = re.compile(
    r"prefix|header|label|key|field|scheme|namespace|drive|präfix|préfixe|prefijo", re.IGNORECASE
)
_DRIVE = re.compile(r"(?:^|[\s(])[A-Za-z]:\Z")
_LIST_MARKER = re.compile(
    r"(?:^|\n)[ \t]*[*_]{0,2}"
    r"(?:\(?(?:\d{1,3}(?:\.\d{1,3})*|[a-zA-Z]|[ivxIVX]{1,4}) ?(?:[.)、．]{1,2})|[-*+•–·◦▪●](?: \[[ xX]?\])?|[①-⑳]"
    r"|(?i:step|schritt|étape|paso|passo|stap|шаг|الخطوة|चरण|步骤|步驟|手順|ステップ) ?\d{1,3}[.):：]?)"
    r"[*_ \t]*\Z"
)
_NUMBER = re.compile(r"\(?[\d.]+[.)]?|(?i:step|schritt|étape|paso|passo|stap|шаг|الخطوة|चरण|步骤|步驟|手順|ステップ).*")
_ASKS_FOR_NUMBER = re.compile(
    r"\b(?:how (?!do|can|should|to)\w+|numbers?|count|version|level|steps?|maximum|minimum|limit|default|value|which|"
    r"size|wie ?viele?|combien|cu[aá]nt\w*|quant\w*|hoeveel|сколько|kaç|كم|كم عدد)\b|いくつ|何|多少|几|幾|कितन|몇|얼마",
    re.IGNORECASE,
)
_CUT_OFF = re.compile(r"[,،、，;；([{（［｛「『【《<][\s*_]*\Z")
_CONJUNCTIONS = frozenset(
    [
        "and",
        "or",
        "but",
        "because",
        "the",
        "und",
        "oder",
        "sowie",
        "weil",
        "et",
        "ou",
        "mais",
        "pero",
        "porque",
        "perché",
        "oppure",
        "en",
        "и",
        "или",
        "но",
        "ve",
        "veya",
        "أو",
        "और",
        "या",
        "및",
        "또는",
        "그리고",
    ]
)
_CONJUNCTIONS_WITHOUT_SPACE = ("以及", "或者", "并且", "並且", "および", "または", "及び")
_FUNCTION_WORDS = frozenset(
    strip_punctuation(
        # English
        "what which who whom whose when where why how is are was were be been do does did can could should would will"
        " may must have has had i you we they he she it this that these those there here the a an of to for in on at"
        " with about and or not next now then so happening happen happens happened going mean means thing things"
        " if my your its their our us me them from by as any some all more"
        # German, French, Spanish, Italian, Portuguese, Dutch
        " was wer wie wo wann warum ist sind das dies dieses es er sie passiert geschieht los hier denn bedeutet"
        " qu que quoi qui est ce c est cela ça il se passe t il pourquoi comment où quand"
        " qué es esto eso pasa sucede ocurre por está cómo cuándo dónde"
        " che cosa è succede questo quello perché come quando dove"
        " o que é isto isso acontece está porquê quando onde"
        " wat wie hoe waar wanneer waarom dit dat er gebeurt betekent"
    ).split()
)


def find_incomplete_parts(pair: QuestionAnswer) -> Iterator[tuple[str, str]]:
    """Yield a reason from :data:`INCOMPLETE_REASONS` and a message for each way in which ``pair`` is incomplete."""
    question = pair["question"]
    answer = _EMPTY_CODE.sub("", _INVISIBLE.sub("", pair["answer"]).strip()).strip()
    end = repr(answer[-40:])
    if _COLON.search(answer) and not (_is_prefix(answer, question) or _DRIVE.search(answer)):
        yield "answer_ends_in_colon", f"The answer ends in a colon, so what it announces is missing: {end}."
    is_list_marker = any(_LIST_MARKER.search(text) for text in (answer, unicodedata.normalize("NFKC", answer)))
    if is_list_marker and not (_NUMBER.fullmatch(answer) and _ASKS_FOR_NUMBER.search(question)):
        yield "answer_ends_in_list_number", f"The answer ends in the number or bullet of an empty list item: {end}."
    if _is_cut_off(answer):
        yield "answer_is_cut_off", f"The answer stops in the middle of a sentence or of a code block: {end}."
    words = strip_punctuation(question).split()
    has_acronym = not question.isupper() and re.search(r"\b[A-Z]{2,}\b", question)
    if words and not has_acronym and _FUNCTION_WORDS.issuperset(words):
        yield "question_without_content", f"The question contains only function words: {question[:80]!r}."


def _is_prefix(answer: str, question: str) -> bool:
    """Return whether the answer is only a name that ends in a colon, such as "arn:". Such an answer is complete."""
    if not _PREFIX.fullmatch(answer):
        return False
    return not _WORD_AND_COLON.fullmatch(answer) or _ASKS_FOR_PREFIX.search(question) is not None


def _is_cut_off(answer: str) -> bool:
    if answer.count("```") % 2 or _CUT_OFF.search(answer):
        return True
    # Upper case is not changed: in "AND, OR" the words are names.
    words = answer.split()
    return answer.endswith(_CONJUNCTIONS_WITHOUT_SPACE) or (len(words) > 2 and words[-1] in _CONJUNCTIONS)
