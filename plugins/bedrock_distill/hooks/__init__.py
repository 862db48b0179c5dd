"""Call AWS: the only package that uses boto3. Every failure becomes a named error."""

from __future__ import annotations
