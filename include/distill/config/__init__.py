"""Load and check a use case: the YAML file, the model catalog, the prompts and the layout of a run's folder."""

from __future__ import annotations
