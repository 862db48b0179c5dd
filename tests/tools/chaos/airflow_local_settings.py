"""
Import once what every task of the crash table would import, and read AWS's service models once.

The crash table copies this file into Airflow's configuration folder, where Airflow imports it. Each task is forked from
the scheduler and already has the modules. The imports change only how long a task takes. The file also lets the faults
of ``--calibrate`` happen.
"""

from __future__ import annotations

import functools

import boto3
import pandas  # noqa: F401
import scipy.stats  # noqa: F401
from botocore.loaders import JSONFileLoader

from bedrock_distill.operators import estimate, outcome, preflight, report, synthesize  # noqa: F401
from bedrock_distill.task_groups import arms  # noqa: F401
from tools.chaos.faults_in_airflow import Faults
from tools.chaos.planned_fault import Plans

read = functools.cache(functools.partial(JSONFileLoader.load_file, JSONFileLoader()))
JSONFileLoader.load_file = lambda _, file_path: read(file_path)
Faults(Plans.from_environment()).install()  # without a plan, this only records the calls
for service in ("s3", "bedrock", "bedrock-runtime"):
    boto3.client(service, region_name="us-east-1")
