"""The history of a use case's runs: one record per run, for trends, drift and budgets."""

from __future__ import annotations
