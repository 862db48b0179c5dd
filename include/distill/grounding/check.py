"""
Check without a model whether the words of a document support an answer.

An answer is dropped only on hard evidence:

* It contains a number, unit, date, name, identifier or quotation that neither the document nor the question contains.
* It copies a sentence of the document, but replaces a word with a noun that neither the document nor the question
  contains.
* It has hardly any content words in common with the document.

An answer is undecided if its words suggest a fault but cannot prove it. All other answers are kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from include.distill.grounding.absence import Absence
from include.distill.grounding.evidence import Evidence, Sentence
from include.distill.grounding.facts import absent_facts, has_own_fact, without_expansions
from include.distill.grounding.languages import LATIN_SCRIPT, UNKNOWN, Language, language, language_of
from include.distill.grounding.negation import contradicts
from include.distill.grounding.numbers import quantities
from include.distill.grounding.plain_text import clean, list_entries, sentences, without_list_marks
from include.distill.grounding.substitution import replaced_characters, replaced_names, replaced_words
from include.distill.grounding.thresholds import COVERAGE, SHORT_STEMS, UNRELATED, Form
from include.distill.grounding.units import Unit, unit_named
from include.distill.grounding.words import content_stems, covered, generic_stems, number_stems, stem, words

Outcome = Literal["kept", "undecided", "dropped"]
OUTCOMES: tuple[Outcome, ...] = ("kept", "undecided", "dropped")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_MIN_STEMS_OF_REASON, _MIN_ADDED_STEMS = 4, 4
_TABLE_LINE = re.compile(r"^\s*\|.*\|\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Finding:
    """
    The result of the check.

    :param absences: what the document does not support. Empty if the answer is kept.
    :param coverage: share of the answer's content words that the document or the question contains, from 0 to 1.
    """

    outcome: Outcome
    absences: tuple[Absence, ...]
    coverage: float


class GroundingCheck:
    """
    Check answers against one document, whose facts are indexed once for all answers.

    :param strictness: factor for the minimum shares of content words. An answer with a smaller share is undecided. 0
        switches the check off: nothing is checked, and every answer is undecided.
    """

    def __init__(self, document: str, *, strictness: float = 1.0) -> None:
        self._document = Evidence(document)
        self._strictness = strictness

    def check(self, answer: str, question: str) -> Finding:
        """Return whether ``answer`` is kept, dropped or undecided, and what the document does not support."""
        text = clean(answer)
        body = without_list_marks(text)
        spoken = self._language(body)
        asked = Evidence(question)
        form = form_of(text, spoken)
        counted = number_stems(spoken)
        words_compared = without_expansions(body, (self._document, asked))
        stems = [one for one in content_stems(words_compared, spoken) if one not in counted]
        is_translation = bool(spoken.code) and spoken.code != self._document.language.code
        share = 1.0 if is_translation else covered(stems, self._known(asked), self._document.lower)
        if not self._strictness:
            return Finding("undecided", (Absence("not_checked", "", is_certain=False),), share)
        absences = [*absent_facts(body, spoken, (self._document, asked))]
        if not is_translation:
            is_supported = not absences and has_own_fact(body, spoken, asked)
            absences += self._coverage(form, spoken, stems, share, is_supported=is_supported)
            if not is_supported:
                absences += self._beyond_question(form, body, spoken, stems, asked)
            absences += self._sentences(form, body, spoken, asked)
        is_dropped = any(absence.is_certain for absence in absences)
        outcome: Outcome = "dropped" if is_dropped else "undecided" if absences else "kept"
        return Finding(outcome, tuple(absences), share)

    def _language(self, answer: str) -> Language:
        """
        Return the answer's language.

        If the answer is too short to tell, return the document's language, or English for an answer in Latin letters
        about a document in another script.
        """
        recognized = language_of(answer)
        if recognized is not UNKNOWN:
            return recognized
        own = self._document.language
        is_latin = 2 * len(_LATIN.findall(answer)) > len(answer)
        return language("en") if is_latin and own.code not in LATIN_SCRIPT else own

    def _known(self, asked: Evidence) -> frozenset[str]:
        return self._document.all_stems | asked.all_stems

    def _coverage(
        self, form: Form, language: Language, stems: list[str], share: float, *, is_supported: bool
    ) -> list[Absence]:
        limits = COVERAGE[form, "characters" if language.without_spaces else "words"]
        if len(set(stems)) < limits.min_stems or (is_supported and form in {"short", "yes_no"}):
            return []
        missing = f"{share:.0%} of the answer's content words"
        if share <= limits.dropped_at and not is_supported:
            return [Absence("not_in_document", f"the document and the question together contain only {missing}")]
        minimum = limits.undecided_below * self._strictness
        if share < (minimum / 2 if is_supported else minimum):
            text = f"the document and the question contain only {missing}"
            return [Absence("low_coverage", text, is_certain=False)]
        return []

    def _beyond_question(
        self, form: Form, answer: str, language: Language, stems: list[str], asked: Evidence
    ) -> list[Absence]:
        """Check whether the document has the content words that are in the answer but not in the question."""
        known = asked.all_stems | generic_stems(language)
        added = list(dict.fromkeys(one for one in stems if one not in known))
        # "No, it isn't." adds nothing that could be looked up.
        if len(added) < (_MIN_STEMS_OF_REASON if form == "yes_no" else 1):
            return []
        share = covered(added, self._document.all_stems, self._document.lower)
        unrelated = UNRELATED["characters" if language.without_spaces else "words"]
        if len(added) >= unrelated.min_stems and share <= unrelated.dropped_at:
            text = f"it contains only {share:.0%} of the content words that the answer adds to its question"
            return [Absence("not_in_document", text)]
        if not share:
            return [Absence("only_in_question", answer, is_certain=False)]
        if len(added) >= _MIN_ADDED_STEMS and share < unrelated.undecided_below * self._strictness:
            text = f"the document contains only {share:.0%} of the content words that the answer adds to its question"
            return [Absence("low_coverage", text, is_certain=False)]
        return []

    def _sentences(self, form: Form, answer: str, language: Language, asked: Evidence) -> list[Absence]:
        """
        Check the sentences of an answer against the most similar sentences of the document.

        A sentence of the answer must not contradict the similar sentence of the document. It must also not replace
        words of that sentence: for example, the answer must not say "queue" where the document says "bucket".
        """
        absences = []
        # Numbers and their units are compared as facts.
        measured = {word for quantity in quantities(answer, language) if quantity.unit for word in words(quantity.text)}

        def is_new(word: str) -> bool:
            if word in language.numbers or word in measured:
                return False
            return not (self._has_unit(unit, asked) if (unit := unit_named(word)) else self._has_word(word, asked))

        for text in sentences(answer):
            said = words(text)
            # "No, it is encrypted." denies the question, not its own words.
            if said and said[0] in language.affirmations | language.denials:
                said = said[1:]
            sentence = Sentence(text, frozenset(content_stems(text, language)), tuple(said))
            if contradicts(sentence, self._document.sentences, language):
                absences.append(Absence("polarity", text, is_certain=False))
            replaced: str | None
            is_certain = False
            if language.without_spaces:
                # The steps of a list are too short to tell a rephrased verb from a name.
                replaced = None if form == "list" else replaced_characters(text, self._document.text, asked.text)
            elif language.code in LATIN_SCRIPT:
                replacement = replaced_words(sentence, self._document.sentences, language, is_new)
                replaced = replacement.text if replacement else None
                is_certain = replacement is not None and replacement.is_noun and language.code == "en"
                # "Every day" can be "every 24 hours".
                is_certain = is_certain and not any(map(unit_named, words(replaced or "")))
            else:
                replaced = replaced_names(sentence, self._document.sentences, language, is_new)
            if replaced:
                absences.append(Absence("replaced_word", replaced, is_certain=is_certain))
        return absences

    def _has_unit(self, unit: Unit, asked: Evidence) -> bool:
        named = self._document.named_units | asked.named_units
        known = self._document.base_values | asked.base_values
        return unit in named or (unit.dimension, unit.factor.normalize()) in known

    def _has_word(self, word: str, asked: Evidence) -> bool:
        part = stem(word)
        return part in self._document.all_stems or part in asked.all_stems or part in self._document.lower


def form_of(answer: str, language: Language) -> Form:
    """Return the form of a cleaned answer, such as a list or a table. The check's thresholds depend on the form."""
    if len(_TABLE_LINE.findall(answer)) >= 2:
        return "table"
    if list_entries(answer) >= 2:
        return "list"
    first = words(answer)[:1]
    if (first and first[0] in (language.affirmations | language.denials)) or (
        language.without_spaces and answer.startswith(tuple(language.affirmations | language.denials))
    ):
        return "yes_no"
    return "short" if len(content_stems(answer, language)) <= SHORT_STEMS else "prose"
