"""Buy each resource only once, tag and release resources, and stop abandoned jobs."""

from __future__ import annotations
