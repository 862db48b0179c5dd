"""The Airflow side of the pipeline: operators, sensors, triggers, hooks and pages."""

from __future__ import annotations
