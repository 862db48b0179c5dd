"""
Gather the use cases of the local Airflow in one folder of links.

They are those of the checkout and those of the past. Bedrock has retired the models of the latter, so no installation
loads them. The local Airflow can run them, because its simulated account can be of a past day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tools.local_airflow.settings import Layout


def gather_use_cases(layout: Layout) -> Path:
    """
    Link all use-case files into one folder, and remove the links to files that no longer exist. Return the folder.

    A file of the checkout takes the place of a file of the past with the same name. Links are used, so that Airflow
    sees a changed file at once.
    """
    folder = layout.all_use_cases
    folder.mkdir(parents=True, exist_ok=True)
    sources = (layout.past_use_cases, layout.use_cases)
    files = {path.name: path for source in sources for path in source.glob("*.y*ml")}
    for link in folder.iterdir():
        if not link.is_symlink() or link.readlink() != files.get(link.name):
            link.unlink()
    for name, path in files.items():
        link = folder / name
        if not link.is_symlink():
            link.symlink_to(path)
    return folder
