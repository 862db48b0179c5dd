"""Build the crash table: kill real Airflow processes at chosen moments and count what was bought."""

from __future__ import annotations
