"""Answer evaluation questions, judge the answers pairwise, compare arms and decide on promotion."""

from __future__ import annotations
