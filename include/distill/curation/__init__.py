"""Decide which synthetic pairs are good enough to train on: filters, grounding, refusals and the critic."""

from __future__ import annotations
