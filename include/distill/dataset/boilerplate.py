"""
Find the headers and footers of documents, such as copyright notices. They do not show that documents are related.

A header or footer is a text at the beginning or the end of more than :data:`COMMON_DOCUMENTS` documents. It is at most
as long as a passage (:data:`PASSAGE_CHARACTERS`). Header and footer together are at most half of each document.

If more than a tenth of the documents that contain a text have it in another place, such as in the middle, the text is
not a header or footer. It may be a passage that was retrieved for many questions, which can be anywhere in a document.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from include.distill.dataset.passage_table import Mask, PassageTable, are_in, starts_of
from include.distill.text.passages import CHARACTERS_PER_HASH

# Text that occurs in at most this many documents is never common text. The limit matters only for small data sets.
COMMON_DOCUMENTS = 5
# In characters. Two documents that share a passage of this length are related, even if it is a small part of both.
PASSAGE_CHARACTERS = 640
_LONGEST = PASSAGE_CHARACTERS // CHARACTERS_PER_HASH  # in hashes
_GAP = 3  # maximum distance between repeated hashes of a header; a page number or a date may be between them
# A hash is part of a header or footer only if at least this share of the documents that contain it have it there.
_EDGE_SHARE = 0.9


def headers_and_footers(table: PassageTable) -> NDArray[np.uint32]:
    """Return the sorted hashes of headers and footers."""
    texts = ~table.answers
    frequent = table.frequent_hashes(texts, COMMON_DOCUMENTS)
    if not len(frequent):
        return frequent
    halvings = table.halvings
    occurrences, at_edges = [], [np.zeros(0, np.uint32)]
    for hashes, positions in table.blocks(texts):
        repeated = are_in(hashes, frequent)
        occurrences.append(hashes[repeated])
        starts = np.flatnonzero(starts_of(positions))
        ends = np.append(starts[1:], len(positions))
        outermost = [np.minimum(starts + n, ends - 1) for n in range(_GAP + 1)]
        outermost += [np.maximum(ends - 1 - n, starts) for n in range(_GAP + 1)]
        has_edge = repeated[np.stack(outermost)].any(axis=0)
        for start, end in zip(starts[has_edge].tolist(), ends[has_edge].tolist(), strict=True):
            edges = _edges(repeated[start:end], _LONGEST >> int(halvings[positions[start]]))
            at_edges.append(hashes[start:end][edges])
    edge_hashes, edge_counts = np.unique(np.concatenate(at_edges), return_counts=True)
    all_hashes, all_counts = np.unique(np.concatenate(occurrences), return_counts=True)
    counts = all_counts[np.searchsorted(all_hashes, edge_hashes)]
    found: NDArray[np.uint32] = edge_hashes[(edge_counts > COMMON_DOCUMENTS) & (edge_counts >= _EDGE_SHARE * counts)]
    return found


def _edges(repeated: Mask, longest: int) -> Mask:
    """
    Return, for each hash of a document, whether it is in the document's header or footer.

    :param repeated: for each hash, whether it is in many documents.
    :param longest: maximum length of a header or a footer, in hashes.
    """
    edges = np.zeros(len(repeated), np.bool_)
    first, last = _edge_length(repeated, longest), _edge_length(repeated[::-1], longest)
    if 2 * (first + last) <= len(repeated):
        edges[:first] = repeated[:first]
        edges[len(edges) - last :] = repeated[len(edges) - last :]
    return edges


def _edge_length(repeated: Mask, longest: int) -> int:
    """
    Return the length of a document's header, in hashes; 0 if it has none.

    If the repeated text at the beginning of the document is longer than ``longest``, it is not a header.
    """
    places = np.flatnonzero(repeated[: longest + _GAP])
    if not len(places) or places[0] > _GAP:
        return 0
    gaps = np.flatnonzero(np.diff(places) > _GAP)
    length = int(places[gaps[0]] if len(gaps) else places[-1]) + 1
    return length if length <= longest else 0
