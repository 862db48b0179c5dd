"""Load and check use cases, the model catalog and prompts, and build the URIs of a run's objects."""

from __future__ import annotations
