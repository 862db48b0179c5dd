"""Send notifications about runs through Airflow's notifiers."""

from __future__ import annotations
