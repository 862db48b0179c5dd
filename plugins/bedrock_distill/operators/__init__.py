"""Operators: one class per kind of task."""

from __future__ import annotations
