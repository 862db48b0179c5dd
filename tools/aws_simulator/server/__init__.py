"""HTTP server of the AWS simulator, with its admin interface."""

from __future__ import annotations
