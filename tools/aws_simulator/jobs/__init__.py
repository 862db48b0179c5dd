"""Simulated customization and batch inference jobs."""

from __future__ import annotations
