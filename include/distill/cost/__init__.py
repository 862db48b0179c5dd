"""Estimate and count the cost of a run, and stop a task that has used up its budget."""

from __future__ import annotations
