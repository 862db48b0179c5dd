"""Write the folder that MWAA is set up from: DAGs, ``plugins.zip``, requirements, startup script and pools."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from include.distill.config.loader import load_use_cases
from include.distill.core.errors import InputError
from include.distill.core.paths import PROJECT_ROOT
from tools.mwaa.contents import dag_files, plugin_files
from tools.mwaa.pools import FILE as POOLS
from tools.mwaa.pools import SCRIPT, pools_request
from tools.mwaa.requirements import mwaa_requirements
from tools.mwaa.settings import startup_script, used_variables

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
    :ivar left_out: the names of the settings that nothing in the package reads.
    """

    folder: Path
    use_cases: tuple[str, ...]
    problems: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def build(settings: Mapping[str, str], folder: Path) -> Package:
    """
    Write the package into a folder, and replace an earlier package.

    :param settings: the variables of the pipeline. Those that nothing reads are left out, because a value that nobody
        needs may be a secret.
    :raises InputError: no use case is valid with the settings, or the folder contains other files.
    """
    definitions = PROJECT_ROOT / "include" / "use_cases"
    used = used_variables(definitions)
    exported = {name: value for name, value in settings.items() if name in used}
    use_cases = load_use_cases(definitions, settings)
    if not use_cases.valid:
        problems = "".join(f"\n- {problem}" for problem in use_cases.problems)
        raise InputError(f"No use case is valid with these settings, so no package was built.{problems}")
    requirements = mwaa_requirements((PROJECT_ROOT / "requirements.txt").read_text(encoding="utf-8"))
    _empty(folder)
    for name, file in dag_files(PROJECT_ROOT).items():
        _copy(file, folder / DAGS / name)
    write_archive(plugin_files(PROJECT_ROOT, use_cases.valid), folder / PLUGINS)
    (folder / REQUIREMENTS).write_text(requirements, encoding="utf-8")
    (folder / STARTUP).write_text(startup_script(exported), encoding="utf-8")
    (folder / POOLS).write_text(json.dumps(pools_request(use_cases.valid), indent=2) + "\n", encoding="utf-8")
    (folder / CREATE_POOLS).write_text(SCRIPT, encoding="utf-8")
    (folder / CREATE_POOLS).chmod(0o755)
    names = tuple(case.name for case in use_cases.valid)
    return Package(folder, names, use_cases.problems, tuple(sorted(settings.keys() - used)))


def write_archive(files: Mapping[str, Path], archive: Path) -> None:
    """Write a zip archive. Equal files give an equal archive, so MWAA gets a new version only after a change."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, file in sorted(files.items()):
            member = zipfile.ZipInfo(name, _MOMENT)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = _MODE
            writer.writestr(member, file.read_bytes())


def _empty(folder: Path) -> None:
    """Remove an earlier package. A folder with other files is left as it is, because they are not ours to delete."""
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
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
