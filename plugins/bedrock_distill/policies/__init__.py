"""Decide what is retried: tasks, and rows of a task."""

from __future__ import annotations
