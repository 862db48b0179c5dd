"""Compute the statistics of a verdict: intervals, significance, power and rater agreement."""

from __future__ import annotations
