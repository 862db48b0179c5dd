"""Write the messages about the events of runs, and put them into the formats of the channels."""

from __future__ import annotations
