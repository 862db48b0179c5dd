"""Decide which synthetic pairs are good enough for training: filters, grounding, refusals and the critic."""

from __future__ import annotations
