"""The crash table: kills real Airflow processes at chosen instants and counts what was bought."""

from __future__ import annotations
