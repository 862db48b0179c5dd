"""Run the real tasks in one process on a virtual clock, under every crash, and check what was bought."""

from __future__ import annotations
