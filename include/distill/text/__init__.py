"""Normalize and compare texts, find reserved strings, and estimate numbers of tokens."""

from __future__ import annotations
