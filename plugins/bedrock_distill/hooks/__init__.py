"""Call AWS. Only this package uses boto3, and it turns every failure into a named error."""

from __future__ import annotations
