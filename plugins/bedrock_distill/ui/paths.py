"""Build paths below the root of Airflow's UI. Keep imports few, because every Airflow process loads this module."""

from __future__ import annotations

from urllib.parse import urlsplit

from airflow.configuration import conf


def ui_path(path: str) -> str:
    """Return the URL path of a page in Airflow's UI, whose root may be a subfolder of the host."""
    root = urlsplit(conf.get("api", "base_url", fallback="/")).path.rstrip("/")
    return f"{root}/{path}"
