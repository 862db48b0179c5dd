"""Create and connect the tasks of a distill DAG. Each module creates one part of the graph."""

from __future__ import annotations
