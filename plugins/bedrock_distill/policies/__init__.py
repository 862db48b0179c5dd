"""Decide which tasks, and which rows of a task, are retried."""

from __future__ import annotations
