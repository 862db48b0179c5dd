"""
Write documents as records of continued pre-training: each distinct document once, in parts if it is too long.

A document is split at the end of a paragraph if possible, else at the end of a line, a sentence or a word. Joined in
order, the parts give the document again. Nothing is lost, except for white space and invisible characters that would be
a part of their own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from include.distill.config.catalog import Family
from include.distill.dataset.records import Row
from include.distill.text.normalization import is_blank
from include.distill.training.formats import DOCUMENTS
from include.distill.training.limits import token_limit_count
from include.distill.training.records import DocumentCounts, DocumentRecord

# Where a document may be split, the best place first. A part ends after the match.
_ENDS = tuple(re.compile(pattern) for pattern in (r"\n\s*\n", r"\n", r"[.!?…][\"'”’)\]]*\s+|[。！？।]", r"\s+"))
# A part may be this much shorter than the limit to end at a better place.
_SHORTEST_SHARE = 0.5
_SHRINK = 0.9


@dataclass
class DocumentRecords:
    """
    The records of the documents in a training or validation file, with their counts.

    :param family: the family whose limits the records must keep.
    """

    family: Family
    distinct: int = 0
    repeated: int = 0
    split: int = 0
    _seen: set[bytes] = field(default_factory=set)

    def of_rows(self, rows: Iterable[Row]) -> Iterator[tuple[str, DocumentRecord]]:
        """Yield the records of the documents that are not written yet, each with the id of its row."""
        for row in rows:
            document = row["document"]
            name = hashlib.sha256(document.encode(errors="surrogatepass")).digest()
            if name in self._seen:
                self.repeated += 1
                continue
            self._seen.add(name)
            self.distinct += 1
            parts = list(split_document(document, self.family))
            self.split += len(parts) > 1
            yield from ((row["row_id"], DOCUMENTS.write(part)) for part in parts)

    @property
    def counts(self) -> DocumentCounts:
        """The counts for the data card."""
        return {"distinct": self.distinct, "repeated": self.repeated, "split": self.split}


def split_document(document: str, family: Family) -> Iterator[str]:
    """Yield the parts of a document that each fit into a record. White space between two parts belongs to the first."""
    start = 0
    while start < len(document):
        end = _end_of_part(document, start, family)
        if not is_blank(document[start:end]):  # a record without a visible character would be invalid
            yield document[start:end]
        start = end


def _end_of_part(document: str, start: int, family: Family) -> int:
    """Return the end of the longest part that begins at ``start``, at the best place in its second half."""
    longest = _longest(document, start, family)
    if longest == len(document):
        return longest
    earliest = start + max(1, int(_SHORTEST_SHARE * (longest - start)))
    for ends in _ENDS:
        found = [match.end() for match in ends.finditer(document, start, longest) if match.end() >= earliest]
        if found:
            return found[-1]
    return longest


def _longest(document: str, start: int, family: Family) -> int:
    """Return the end of the longest text from ``start`` that is within the limit, found in steps of a tenth."""
    length = min(len(document) - start, family.tokens_per_record * family.characters_per_token)
    while length > 1 and token_limit_count([document[start : start + length]], family) > family.tokens_per_record:
        length = int(_SHRINK * length)
    return start + length
