"""Import the real DAG `distill_release_leftovers`, so that Airflow finds it in this folder."""

from __future__ import annotations

import dags.release_leftovers  # noqa: F401
