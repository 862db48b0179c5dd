"""
Copied into Airflow's configuration folder by the crash table: what every task would import and read is taken in once.

Tasks are forked from the scheduler, so each of them finds it there. It changes how long a task takes, and nothing else.
"""

from __future__ import annotations

import functools

import boto3
import pandas  # noqa: F401
import scipy.stats  # noqa: F401
from botocore.loaders import JSONFileLoader

from bedrock_distill.operators import estimate, outcome, preflight, report, synthesize  # noqa: F401
from bedrock_distill.task_groups import arms  # noqa: F401

read = functools.cache(functools.partial(JSONFileLoader.load_file, JSONFileLoader()))
JSONFileLoader.load_file = lambda _, file_path: read(file_path)
for service in ("s3", "bedrock", "bedrock-runtime"):
    boto3.client(service, region_name="us-east-1")
