"""Trigger forms of the DAGs."""

from __future__ import annotations
