"""Kill real Airflow processes at chosen instants and count what was bought: the crash table."""

from __future__ import annotations
