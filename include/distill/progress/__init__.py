"""Record how far the tasks of a run are, and estimate how long they still take."""

from __future__ import annotations
