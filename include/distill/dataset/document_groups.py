"""
Collect the documents of the input files, with the data that shows which documents are related.

Only hashes, signatures and sketches are kept, not texts.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Mapping

import numpy as np

from include.distill.dataset.passage_table import PassageTable
from include.distill.text.minhash import SIGNATURE_BYTES, Signature, signature_of_normalized
from include.distill.text.normalization import normalize

# In characters. In a shorter text, a single word contributes too many of the n-grams for a meaningful similarity.
_MINIMUM_COMPARED_LENGTH = 200
# In characters: the beginning of a document that counts as its title.
_TITLE = 60


class DocumentGroups:
    """
    The documents in the input files, numbered in the order in which they are added.

    The texts are not kept. Texts with the same signature count as one document: they differ at most in case, spacing,
    markup or a few characters.

    Public attributes that are indexed by document number: ``stated_groups`` has the values of the group column in the
    document's rows, with each value replaced by a number. ``first_rows`` has the location of the document's first row,
    ``rows`` has the number of its rows, and ``titles`` has a hash of its first words.

    Other public attributes: ``passages`` has the sketches of the documents and of answers. ``questions`` has a hash of
    each question that was added, and ``question_documents`` has the number of the question's document.
    """

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._numbers_by_signature: dict[bytes, int] = {}
        self._signatures = bytearray()
        self._group_numbers: dict[bytes, int] = {}
        self.stated_groups: dict[int, list[int]] = {}
        self.first_rows = array("Q")
        self.rows = array("L")
        self.titles = array("Q")
        self.passages = PassageTable()
        self.questions = array("Q")
        self.question_documents = array("L")

    def __len__(self) -> int:
        return len(self.first_rows)

    def add(self, document: str, *, group: str | None, row: int) -> int:
        """Add the document of a row if it is new, and return the number of the document.

        :param group: the value of the group column in this row, if any.
        :param row: the row's location. Only the location of the document's first row is kept.
        """
        key = _hash(document.encode())
        if key not in self._numbers:
            self._numbers[key] = self._number(document, row)
        number = self._numbers[key]
        self.rows[number] += 1
        if group is not None:
            group_number = self._group_numbers.setdefault(_hash(group.encode()), len(self._group_numbers))
            if group_number not in (stated_groups := self.stated_groups.setdefault(number, [])):
                stated_groups.append(group_number)
        return number

    def add_question(self, number: int, question: str) -> None:
        """Add the question of a row. ``number`` is the number of the row's document."""
        self.questions.append(question_key(question))
        self.question_documents.append(number)

    def _number(self, document: str, row: int) -> int:
        normalized = normalize(document)
        text_signature = _signature(document, normalized).tobytes()
        number = self._numbers_by_signature.setdefault(_hash(text_signature), len(self))
        if number == len(self):
            self._signatures += text_signature
            self.first_rows.append(row)
            self.rows.append(0)
            self.titles.append(int.from_bytes(_hash(normalized[:_TITLE].encode("utf-8", "surrogatepass"))))
            self.passages.add_document(normalized, number)
        return number

    def ids(self) -> Mapping[bytes, int]:
        """Return the document numbers, keyed by the first 8 bytes of each text's sha256."""
        return self._numbers

    def signatures(self) -> Iterator[Signature]:
        """Yield the MinHash signature of each document, in the order of the document numbers."""
        width = len(self._signatures) // max(1, len(self))
        for start in range(0, len(self._signatures), width or 1):
            yield np.frombuffer(self._signatures, np.uint8, width, start)


def question_key(question: str) -> int:
    """Return a hash of a question. Differences that readers do not see, such as spacing or markup, are ignored."""
    return int.from_bytes(_hash(normalize(question).encode("utf-8", "surrogatepass")))


def _signature(document: str, normalized: str) -> Signature:
    """Compute a document's signature. Different short texts ("Unit 1" and "Unit 2") have different signatures."""
    if len(document) >= _MINIMUM_COMPARED_LENGTH:
        return signature_of_normalized(normalized)
    digest = hashlib.shake_256(normalized.encode("utf-8", "surrogatepass")).digest(SIGNATURE_BYTES)
    return np.frombuffer(digest, np.uint8)


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:8]
