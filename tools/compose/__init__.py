"""Run the services of ``docker-compose.yaml`` on one machine without Docker, for ``make celery``."""

from __future__ import annotations
