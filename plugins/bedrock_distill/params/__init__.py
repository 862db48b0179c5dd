"""Trigger forms, one module per DAG."""

from __future__ import annotations
