"""Access a run of the pipeline: its folder, its frozen use case, the ids of its tasks, and its state in Airflow."""

from __future__ import annotations
