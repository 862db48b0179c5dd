"""Pages and links that the pipeline adds to Airflow's UI."""

from __future__ import annotations
