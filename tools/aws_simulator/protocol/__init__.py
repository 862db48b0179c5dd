"""AWS wire protocol: routes, validation and errors from botocore's service models."""

from __future__ import annotations
