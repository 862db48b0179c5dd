"""Retry policies, and how many rows of a task may fail."""

from __future__ import annotations
