"""Plain Python of the pipeline; imports no Airflow."""

from __future__ import annotations
