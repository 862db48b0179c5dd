"""
Airflow and the AWS simulator on one machine: starts, watches and stops them for ``make run``, ``up`` and
``down``.

Imports no Airflow: Airflow's own commands run as processes of their own and are spoken to over HTTP.
Everything at module level is standard library, so that ``make clean`` works before anything is installed.
"""

from __future__ import annotations
