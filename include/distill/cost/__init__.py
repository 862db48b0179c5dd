"""Estimate and count what a run costs, and stop a task that reaches its budget."""

from __future__ import annotations
