"""Make the fixtures of the report pages available to the tests of other pages."""

from __future__ import annotations

from tests.plugins.ui.test_report_pages import auth, database, objects, viewer  # noqa: F401 - the fixtures
