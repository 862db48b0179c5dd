"""Locate the project's root and its folder ``include/``."""

from __future__ import annotations

from pathlib import Path

INCLUDE = Path(__file__).parents[2]
PROJECT_ROOT = INCLUDE.parent
