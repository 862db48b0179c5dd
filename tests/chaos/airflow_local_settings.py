"""Copied into Airflow's configuration folder by the crash table: imported once, before workers are forked."""

from __future__ import annotations

import airflow.providers.amazon.aws.hooks.base_aws
import boto3  # noqa: F401
import pandas  # noqa: F401
import scipy.stats  # noqa: F401
