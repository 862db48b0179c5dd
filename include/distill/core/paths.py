"""Locate the project's root folder and its ``include/`` folder."""

from __future__ import annotations

from pathlib import Path

INCLUDE = Path(__file__).parents[2]
PROJECT_ROOT = INCLUDE.parent
