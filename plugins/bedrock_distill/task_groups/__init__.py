"""
Create the DAGs of the use cases, and create and connect the tasks of a distill DAG.

``use_case_dags`` creates one DAG for each use case. Each other module creates one part of a distill DAG's graph.
"""

from __future__ import annotations
