"""Check whether an AWS account and Airflow have what the use cases need, before anything is bought."""

from __future__ import annotations
