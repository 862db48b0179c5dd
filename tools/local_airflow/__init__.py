"""
Start, watch and stop Airflow and the AWS simulator on one machine, for ``make run``, ``up`` and ``down``.

This package does not import Airflow. It runs Airflow's own commands as processes and calls Airflow's API. The modules
that ``make clean`` imports use only the standard library at module level, because that command must work before
anything is installed.
"""

from __future__ import annotations
