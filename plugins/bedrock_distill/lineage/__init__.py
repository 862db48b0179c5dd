"""Say what each task reads and writes: lineage for OpenLineage, and Airflow assets."""

from __future__ import annotations
