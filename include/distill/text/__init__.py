"""Normalize texts, find near-duplicates with MinHash, and find similar questions."""

from __future__ import annotations
