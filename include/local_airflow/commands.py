"""``make run``, ``up``, ``down`` and ``clean``, step by step, with what each tells the person who typed it."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from include.distill.errors import InputError
from include.local_airflow.account import enter_account, read_ledger
from include.local_airflow.environment import build_environment, load_keys
from include.local_airflow.interruption import uninterrupted
from include.local_airflow.lock import CheckoutLock
from include.local_airflow.outcome import describe_outcome, fetch_report
from include.local_airflow.progress import clock
from include.local_airflow.runs import explain_failure, follow_run, trigger_run, wait_for_dag
from include.local_airflow.server import ServedStack, launch_server, serving_holder, stop_server
from include.local_airflow.settings import DEFAULT_DOCUMENTS, choose_ports, read_request
from include.local_airflow.stack import LocalStack, airflow_version
