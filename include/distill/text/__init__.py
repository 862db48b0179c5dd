"""Compare texts: normalization, MinHash near-duplicates and an index of questions."""

from __future__ import annotations
