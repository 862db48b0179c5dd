r"""
Recognize cells and rows without real content: null markers, spreadsheet errors, comments and totals.

A document or a question that is only such a marker is rejected. An answer can rightly be a marker: the answer to "Which
value does the function return?" is ``NULL`` if the document says so. An answer that is only a marker is therefore
accepted if the document or the question supports it, and rejected otherwise. ``None`` is also an ordinary English
answer, so any negation in the document or the question supports it. ``NaN`` is always text; only ``nan``, as programs
write it, is a marker.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from include.distill.dataset.records import Role, RowTexts
from include.distill.dataset.tables import RowFault

# No marker is longer, so longer cells need no further check.
_LONGEST_MARKER = 40
_LONGEST_MARKER_WITH_SPACES = 12
_LONGEST_CELL = 200  # with white space around the marker
# Markers that databases and programs write for a missing value.
_NULL = re.compile(
    r"""\\{1,2}N | NULL | %?NULL% | <NA> | NaT | nan | -nan | -NaN | NA_character_ | &nbsp; | undefined
      | [<(\[{] (?i:null|nil|none|na|n/a|nan|empty|missing|undefined|blank|deleted|removed|leer|vide|vac[ií]o|vuoto
          |en\ blanco|em\ branco|leeg|пусто|空白) [>)\]}]
      | \[object\ Object\] | Invalid\ [Dd]ate | NaN-NaN-NaN | Loading\.\.\. | -?1\.\#(?:QNAN|IND|INF)""",
    re.VERBOSE,
)
# Errors of Excel, Google Sheets and LibreOffice. In every language of Excel, nearly all of them are capitals between
# "#" and "!" or "?", such as #REF!, #BEZUG!, #¡VALOR! and #ИМЯ?; the others are listed.
_SPREADSHEET_ERROR = re.compile(
    r"""\#[¡¿]?[^\W\d_][\w/.\ -]{0,20}[!?]
      | \#(?:N/A|N/A!|N/A\ N/A|NV|N/D|N/D!|N/B|I/T|Н/Д|YOK|MANQUANT|HIÁNYZIK|HIÁNYZIK!|PUUTTUU|Δ/Υ|N/DISP|GETTING_DATA
            |NENÍ_K_DISPOZICI|NEDOSTUPNÝ|N/A/)
      | \#(?:ERROR|REF|VALUE|NAME|NUM|NULL|SPILL|CALC|FIELD|DIV/0)
      | \#(?i:n/a|nv)
      | \#{3,} | Err:\d{3}""",
    re.VERBOSE,
)
# These errors also count in lower case, because some programs change the case of a text. Other words that begin with
# "#" count only in upper case, because they may be hashtags.
_ERRORS_IN_ANY_CASE = frozenset(
    {
        "#n/a", "#ref!", "#value!", "#name?", "#num!", "#div/0!", "#null!", "#error!", "#nv", "#bezug!", "#wert!",
        "#zahl!", "#valeur!", "#valor!",
    }
)  # fmt: skip
# Words and marks that people and programs write for "no value", and that can also be true answers.
_NO_VALUE = re.compile(
    r"None|null|Null|nil|Nil|NIL|[Nn]/[Aa]|[Nn]\.\ ?[Aa]\.?|NA|[Nn]/[Dd]|[Nn]\.\ ?[Dd]\.|[Kk]\.\ ?[AaVv]\.|n\.v\.t\."
    r"|[нН]/[дД]|TBD|TBA|[-\u2010-\u2015\u2212]{1,3}|-[-./]-"
)
_ABBREVIATED = re.compile(r"na|n[/.]\ ?[ad]\.?|k\.\ ?[av]\.|n\.v\.t\.|н/д|tb[da]", re.IGNORECASE)
_NOT_AVAILABLE = re.compile(
    r"""\b(?:n/a|n\.a\.|not\ (?:yet\ )?(?:applicable|available|given|known|specified|determined|decided|announced|set)
        |unavailable|unknown|undecided|does\ not\ apply|nicht\ (?:anwendbar|verf[uü]gbar|bekannt)|keine\ Angabe
        |non\ (?:applicable|disponib\w+)|sans\ objet|no\ (?:aplica|aplicable|disponible)|n[aã]o\ (?:se\ )?aplica\w*
        |niet\ van\ toepassing|не\ применимо|нет\ данных)""",
    re.IGNORECASE | re.VERBOSE,
)
_NEGATION = re.compile(
    r"""\b(?:no|not|none|nothing|nobody|never|neither|nor|without|zero|0|free|except|only|empty|absent|missing|lacks?
        |cannot|null|nil|unset|default|optional|any
        |kein\w*|nicht\w*|nie|ohne|leer|null|aucune?|rien|jamais|sans|ning\w+|nada|nessun\w*|nenhum\w*|sin|sem)\b
      | n['’]t\b""",
    re.IGNORECASE | re.VERBOSE,
)
_DASH_IS_MEANT = re.compile(
    r"""\b(?:dash|hyphen|minus|character|sign|symbol|separator|delimiter|operator|prefix)(?:e?s)?\b
      | [`"'“‘(][-\u2010-\u2015\u2212]{1,3}[`"'”’)] | \|\s*[-\u2010-\u2015\u2212]{1,3}\s*\|""",
    re.IGNORECASE | re.VERBOSE,
)
_LOST_AS_LATIN_1 = "\ufffd".encode().decode("latin-1")
_MARKS_AMONG_SYMBOLS = "=~^`|+<>$"
_QUESTION_MARKS = "?？؟;՞፧⸮"
_COMMENT = re.compile(r"(?:\#|//|--|;|%|/\*|<!--)")
_MOST_WORDS_OF_A_LABEL = 3
_LONGEST_COMMENT = 300
_TOTAL = re.compile(
    r"""(?:(?:grand|sub|over-?all|column|row|group)[\s-]*)?
        (?:totals?|sums?|averages?|avg|means?|counts?|median|minimum|maximum|min|max|number\ of\ rows
          |summen?|gesamt(?:summe|zahl)?|insgesamt|zwischensumme|anzahl|mittelwert|durchschnitt
          |totaux|somme|moyenne|total\ g[eé]n[eé]ral|suma|totales|total\ general|promedio|totale|totali|somma|media|soma
          |totais|totaal|som|gemiddelde|summa|totalt|yhteensä|razem|suma\ końcowa|celkem|összesen|toplam|ortalama
          |итого|всего|сумма|среднее|разом|σύνολο|合計|总计|合计|總計|合計|小計|小计|总和|평균|합계|총계|कुल|الإجمالي|المجموع|סה"כ)
        \s*[:：=]?""",
    re.IGNORECASE | re.VERBOSE,
)
_FIGURE = re.compile(
    r"(?:[\s#%‰$€£¥₹+\-(−–.,:/']|\d|(?:USD|EUR|GBP|rows?|records?|items?|Zeilen|lignes|filas|pcs|n/a)\b)*",
    re.IGNORECASE,
)


def cell_fault(role: Role, texts: RowTexts) -> RowFault | None:
    """Return why a row's document, question or answer is not text, or ``None`` if it is."""
    text = texts[role]
    if "\ufffd" in text or _LOST_AS_LATIN_1 in text:
        found = "U+FFFD" if "\ufffd" in text else f"U+FFFD as {_LOST_AS_LATIN_1!r}"
        message = (
            f"the {role} contains {found}, which replaces a character that was lost in an earlier conversion. Export"
            " the row again with its original encoding."
        )
        return RowFault("lost_character", message, role)
    if len(text) > _LONGEST_CELL:
        return None
    if role != "answer" and _is_only_punctuation(text):
        message = (
            f"the {role} has only punctuation ({text.strip()[:20]!r}); expected text. Fill it in, or remove the row."
        )
        return RowFault("placeholder", message, role)
    marker = text.strip(" \t\r\n\xa0\u200b\ufeff\"'")
    if len(marker) > _LONGEST_MARKER or not _is_marker(marker):
        return None
    if role == "answer" and _is_supported(marker, texts):
        return None
    kind = "a spreadsheet error" if _is_spreadsheet_error(marker) else "a marker for a missing value"
    advice = "" if role != "answer" else " The document and the question do not support it as an answer."
    message = f"the {role} is only {marker!r}, {kind}; expected text.{advice} Fill in the {role}, or remove the row."
    return RowFault("placeholder", message, role)


def _is_only_punctuation(text: str) -> bool:
    """Return whether a cell has only punctuation such as "?", "." or "---". Symbols such as an emoji can be text."""
    # Nearly all cells begin with a letter or a digit, so the other characters need not be checked.
    return not text[:1].isalnum() and all(
        character.isspace() or unicodedata.category(character)[0] == "P" or character in _MARKS_AMONG_SYMBOLS
        for character in text
    )


def _is_marker(text: str) -> bool:
    # Most short cells are sentences, so the patterns need not be tried on them.
    if " " in text and len(text) > _LONGEST_MARKER_WITH_SPACES and text[0] not in "#[":
        return False
    return bool(_NULL.fullmatch(text) or _is_spreadsheet_error(text) or _NO_VALUE.fullmatch(text))


def _is_spreadsheet_error(text: str) -> bool:
    if _SPREADSHEET_ERROR.fullmatch(text) is None:
        return False
    return text == text.upper() or text.startswith("Err:") or text.casefold() in _ERRORS_IN_ANY_CASE


def _is_supported(marker: str, texts: RowTexts) -> bool:
    context = f"{texts['document']}\n{texts['question']}"
    if not any(character.isalnum() for character in marker):
        return _DASH_IS_MEANT.search(context) is not None
    if re.search(rf"(?<![\w#]){re.escape(marker)}(?!\w)", context):
        return True
    if _ABBREVIATED.fullmatch(marker):
        return _NOT_AVAILABLE.search(context) is not None
    if _NO_VALUE.fullmatch(marker):
        return _NEGATION.search(context) is not None
    return False


def row_fault(texts: RowTexts, raw: str) -> RowFault | None:
    """Return what is wrong with a row as a whole, for example that it is a comment or a total; otherwise ``None``.

    :param raw: the row's text in the file.
    """
    if raw.startswith("\ufeff"):
        message = (
            "the row begins with a byte order mark (U+FEFF), perhaps because several files were joined. Remove the"
            " mark."
        )
        return RowFault("byte_order_mark", message)
    if texts["question"][:1] == "'" and all(
        text[:1] == "'" == text[-1:] for text in (texts["document"], texts["question"], texts["answer"])
    ):
        message = "each text is in single quotes, which CSV does not remove. Use double quotes, or none."
        return RowFault("single_quotes", message)
    if len(raw) > _LONGEST_COMMENT:
        return None
    if _COMMENT.match(raw) and "\n" not in raw.rstrip("\r\n") and _is_comment(texts):
        message = "the row looks like a comment, not like a question with an answer. Remove the row."
        return RowFault("comment_row", message)
    cells = [texts["document"], texts["question"], texts["answer"]]
    if max(map(len, cells)) <= _LONGEST_MARKER and _is_total(list(map(str.strip, cells))):
        message = "the row looks like a total, not like a question with an answer. Remove the row."
        return RowFault("total_row", message)
    return None


def _is_comment(texts: RowTexts) -> bool:
    """Return whether a row that begins with ``#`` or the like is a comment, such as ``# doc, question, answer``.

    A document may also begin with such a character, for example with a Markdown heading. If the question has a question
    mark, the row is not a comment.
    """
    question, answer = texts["question"], texts["answer"]
    if any(mark in question for mark in _QUESTION_MARKS):
        return False
    are_labels = all(len(text.split()) <= _MOST_WORDS_OF_A_LABEL for text in (question, answer))
    return are_labels or (question.startswith(" ") and answer.startswith(" "))


def _is_total(texts: Sequence[str]) -> bool:
    """Return whether one text is a word such as "Total", and the other texts are numbers or blank."""
    labels = [text for text in texts if not _FIGURE.fullmatch(text)]
    return len(labels) == 1 and _TOTAL.fullmatch(_without_figures(labels[0])) is not None


def _without_figures(text: str) -> str:
    return re.sub(r"[\s:：=(]*[\d.,]+[\s\d.,]*(?:rows?|records?|items?)?\)?$", "", text.strip())
