"""Build a run's report: report.json, report.html, tables and charts."""

from __future__ import annotations
