"""Task groups of a DAG: arms, synthesis, batch steps, judging and promotion."""

from __future__ import annotations
