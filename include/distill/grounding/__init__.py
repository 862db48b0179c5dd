"""Check without a model whether a document supports an answer: numbers, units, dates, names, quotations, negation."""

from __future__ import annotations
