"""
Find rows that are too long for the student, so that ``ingest`` can reject them before the teacher is paid.

A training job fails if one record is longer than the student's family allows. ``write_training_set`` checks the same
limit again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from include.distill.config.catalog import Family, Model, load_catalog
from include.distill.config.prompts import Prompt
from include.distill.config.training_method import PRE_TRAINING, pair_family
from include.distill.config.use_case import UseCase
from include.distill.dataset.records import Role, Row, RowTexts, Side
from include.distill.dataset.tables import RowFault
from include.distill.text.token_count import conservative_token_count, fits
from include.distill.training.formats import record_texts
from include.distill.training.limits import TEMPLATE_TOKENS, token_limit_count
from include.distill.training.training_set import training_record

# Escaping reserved strings and delimiters makes a text longer, but not by more than this factor.
_ESCAPED = 1.25
_ROLES: tuple[Role, ...] = ("document", "question", "answer")


@dataclass(frozen=True)
class RowLimits:
    """
    The limits on the length of a row, for the student of a use case.

    :param prompt: the student's prompt.
    """

    use_case: UseCase
    prompt: Prompt
    model: Model
    family: Family

    @classmethod
    def from_use_case(cls, use_case: UseCase, prompt: Prompt) -> RowLimits:
        """Return the limits for the use case's student, which is the base model of all trained arms."""
        model = load_catalog().model(use_case.student)
        return cls(use_case, prompt, model, pair_family(model, use_case.training))

    def fault(self, row: Row, side: Side) -> RowFault | None:
        """Return why a row is too long, or ``None``."""
        return self._training_fault(row) if side == "train" else self._question_fault(row)

    def _training_fault(self, row: Row) -> RowFault | None:
        use_case = self.use_case
        if use_case.training.method == PRE_TRAINING:
            return None  # a long document is split
        tuned = [arm for arm in use_case.arms if arm.is_trained]
        is_original = any(arm.originals for arm in tuned) or bool(tuned and use_case.training.validation_share)
        if not is_original and not use_case.wants_pairs:
            return None
        texts: RowTexts = {"document": row["document"], "question": row["question"], "answer": row["answer"]}
        what = "training record"
        if not is_original:  # only new pairs about the document are trained on, so the shortest possible pair must fit
            curation = use_case.curation
            question, answer = "q" * curation.min_question_characters, "a" * curation.min_answer_characters
            texts, what = {**texts, "question": question, "answer": answer}, "shortest possible training record"
        maximum = self.family.tokens_per_record
        if self._fits_certainly(texts, maximum):
            return None
        tokens = token_limit_count(self._record(texts), self.family)
        if tokens <= maximum:
            return None
        return _too_long(
            texts,
            f"the row's {what} has up to {tokens:,} tokens by a cautious estimate; the student {use_case.student}"
            f" allows {maximum:,} tokens in a record ({self.family.source.url})",
        )

    def _question_fault(self, row: Row) -> RowFault | None:
        context = _context_tokens(self.model)
        if context is None:
            return None
        maximum = context - self.use_case.answering.max_tokens
        texts: RowTexts = {"document": row["document"], "question": row["question"], "answer": ""}
        if self._fits_certainly(texts, maximum):
            return None
        prompt = "".join(self._record(texts))
        if fits(prompt, maximum - TEMPLATE_TOKENS):
            return None
        tokens = conservative_token_count(prompt) + TEMPLATE_TOKENS
        return _too_long(
            texts,
            f"the row's question has up to {tokens:,} tokens with its document, by a cautious estimate; the student"
            f" {self.use_case.student} allows {maximum:,} tokens: {context:,} tokens of context, less"
            f" {self.use_case.answering.max_tokens:,} for the answer",
        )

    def _record(self, texts: RowTexts) -> list[str]:
        record = training_record(texts, use_case=self.use_case, prompt=self.prompt, family=self.family)
        return list(record_texts(record, self.family).values())

    def _fits_certainly(self, texts: RowTexts, maximum: int) -> bool:
        """
        Return whether the texts have so few bytes that their record certainly has at most ``maximum`` tokens.

        This is much faster than an estimate of the tokens.
        """
        template_size, copies = self._template
        size = sum(len(texts[role].encode(errors="surrogatepass")) for role in _ROLES)
        return template_size + _ESCAPED * copies * size + TEMPLATE_TOKENS <= maximum

    @cached_property
    def _template(self) -> tuple[int, int]:
        """Return the size in bytes of a record without a row's texts, and how often a text can occur in a record.

        The second value is the maximum number of times that one of the row's texts can occur in the record, because a
        prompt template may use the same text more than once.
        """
        mark = "\ue000"  # a private-use character, which no prompt contains
        record = "".join(self._record({"document": mark, "question": mark, "answer": mark}))
        return len(record.encode()), max(1, record.count(mark) - 2)


def _too_long(texts: RowTexts, problem: str) -> RowFault:
    sizes = {role: conservative_token_count(texts[role]) for role in _ROLES}
    column = max(_ROLES, key=sizes.__getitem__)
    message = f"{problem}. The {column} alone has {sizes[column]:,}. Shorten the {column}, or split the row."
    return RowFault("too_long", message, column)


def _context_tokens(model: Model) -> int | None:
    """
    Return the size of the model's context in tokens, from the suffix of the base model's id: 128,000 for ``:128k``.

    :return: ``None`` if the id has no such suffix.
    """
    match = re.search(r":(\d+)k$", model.customization.base_model_id) if model.customization else None
    return int(match[1]) * 1000 if match else None
