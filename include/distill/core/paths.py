"""Locate the project's files: the folder ``include/`` and the root that local input files must be under."""

from __future__ import annotations

from pathlib import Path

INCLUDE = Path(__file__).parents[2]
PROJECT_ROOT = INCLUDE.parent
