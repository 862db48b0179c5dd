"""Buy each resource once, tag it, release it, and stop abandoned jobs."""

from __future__ import annotations
