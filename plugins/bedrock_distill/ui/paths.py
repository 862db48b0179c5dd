"""Build paths below the root of Airflow's UI. Keep imports few, because every Airflow process loads this module."""

from __future__ import annotations

from urllib.parse import urlsplit

from airflow.configuration import conf


def ui_path(path: str) -> str:
    """Return ``path`` below the root of Airflow's UI, which may be a subfolder of its host."""
    root = urlsplit(conf.get("api", "base_url", fallback="/")).path.rstrip("/")
    return f"{root}/{path}"
