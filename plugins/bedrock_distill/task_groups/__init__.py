"""Create and connect the tasks of a distill DAG, one module for each part of the graph."""

from __future__ import annotations
