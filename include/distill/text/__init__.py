"""Compare texts: normalize them, find near-duplicates with MinHash, and look up similar questions."""

from __future__ import annotations
