"""Triggers: wait for something in AWS without a worker slot."""

from __future__ import annotations
