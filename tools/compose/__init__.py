"""
The deployment of ``docker-compose.yaml``: small programs that its containers run, and ``make celery``.

``make celery`` runs the very services of that file on one machine without Docker. Inside the containers only
``answers``, ``password_file`` and ``aws_simulator`` are used.
"""

from __future__ import annotations
