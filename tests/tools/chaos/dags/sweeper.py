"""Airflow finds the real DAG `distill_release_leftovers` through this file."""

from __future__ import annotations

import dags.release_leftovers  # noqa: F401
