"""Load and check a use case: its YAML, the model catalog, prompts and the layout of a run's folder."""

from __future__ import annotations
