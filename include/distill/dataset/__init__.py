"""Read a team's CSV into rows, reject bad ones, and split rows into training and evaluation."""

from __future__ import annotations
