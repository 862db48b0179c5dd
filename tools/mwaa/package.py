"""Write the folder that MWAA is set up from: DAGs, ``plugins.zip``, requirements, startup script and pools."""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from include.distill.config.loader import load_use_cases
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError
from include.distill.core.paths import PROJECT_ROOT
from tools.mwaa.contents import dag_files, plugin_files
from tools.mwaa.pools import FILE as POOLS
from tools.mwaa.pools import SCRIPT, pools_request
from tools.mwaa.requirements import mwaa_requirements
from tools.mwaa.settings import USE_CASES, startup_script

DAGS, PLUGINS, REQUIREMENTS = "dags", "plugins.zip", "requirements.txt"
STARTUP, CREATE_POOLS = "startup.sh", "create_pools.sh"
_MEMBERS = {DAGS, PLUGINS, REQUIREMENTS, STARTUP, POOLS, CREATE_POOLS}
_MOMENT = (1980, 1, 1, 0, 0, 0)  # a fixed date, so that equal files give an equal archive
_MODE = 0o644 << 16  # Airflow's user must be able to read every file


@dataclass(frozen=True)
class Package:
    """
    What was written.

    :ivar problems: one message for each use case that Airflow will not load with these settings.
    """

    folder: Path
    use_cases: tuple[str, ...]
    problems: tuple[str, ...]


def build(settings: Mapping[str, str], folder: Path) -> Package:
    """
    Write the package into a folder, and replace an earlier package.

    The package is written into a folder next to it first, so that a failure leaves no half of a package.

    :param settings: the variables of the pipeline, all of which the startup script exports.
    :raises InputError: no use case is valid with the settings, or the folder contains other files.
    """
    use_cases = load_use_cases(USE_CASES, settings)
    if not use_cases.valid:
        problems = "".join(f"\n- {problem}" for problem in use_cases.problems)
        raise InputError(f"No use case is valid with these settings, so no package was built.{problems}")
    _require_own(folder)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write(settings, use_cases.valid, new)
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in new.iterdir():
            path.rename(folder / path.name)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return Package(folder, tuple(case.name for case in use_cases.valid), use_cases.problems)


def has_package(folder: Path) -> bool:
    """Return whether a folder contains a package, or a part of one."""
    return folder.is_dir() and any((folder / name).exists() for name in _MEMBERS)


def _write(settings: Mapping[str, str], use_cases: Sequence[UseCase], folder: Path) -> None:
    requirements = mwaa_requirements((PROJECT_ROOT / "requirements.txt").read_text(encoding="utf-8"))
    for name, file in dag_files(PROJECT_ROOT).items():
        _copy(file, folder / DAGS / name)
    write_archive(plugin_files(PROJECT_ROOT, use_cases), folder / PLUGINS)
    (folder / REQUIREMENTS).write_text(requirements, encoding="utf-8")
    (folder / STARTUP).write_text(startup_script(settings), encoding="utf-8")
    (folder / POOLS).write_text(json.dumps(pools_request(use_cases), indent=2) + "\n", encoding="utf-8")
    (folder / CREATE_POOLS).write_text(SCRIPT, encoding="utf-8")
    (folder / CREATE_POOLS).chmod(0o755)


def write_archive(files: Mapping[str, Path], archive: Path) -> None:
    """Write a zip archive. Equal files give an equal archive, so MWAA gets a new version only after a change."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, file in sorted(files.items()):
            member = zipfile.ZipInfo(name, _MOMENT)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = _MODE
            writer.writestr(member, file.read_bytes())


def _require_own(folder: Path) -> None:
    """Create the folder. One with other files than a package is refused, because they are not ours to delete."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The folder {folder} for the package cannot be created: {error.strerror}. No package was built. Choose"
            " another folder."
        ) from None
    if others := sorted({path.name for path in folder.iterdir()} - _MEMBERS):
        raise InputError(
            f"The folder {folder} contains {', '.join(others)}, which no package contains. No package was built, and no"
            " file was changed. Choose an empty folder."
        )


def _copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
