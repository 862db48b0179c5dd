"""
Find or install PostgreSQL and Redis, and build the commands that run them for one installation.

The module uses Debian's names for programs and packages. Neither server runs as root: PostgreSQL refuses to, and Redis
does not need to.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from include.distill.core.errors import InputError
from tools.local_airflow.ports import LOOPBACK

PACKAGES = {"postgres": "postgresql", "redis-server": "redis-server"}
DEBIAN_POSTGRES = Path("/usr/lib/postgresql")  # Debian installs each version in its own folder outside the PATH
INSTALL_SECONDS = 300
INITIALISE = """
"$1/initdb" --pgdata="$2" --username="$3" --pwfile="$4" --auth=scram-sha-256 --no-sync --encoding=UTF8 --locale=C
echo "CREATE DATABASE $5" | "$1/postgres" --single -D "$2" -c fsync=off postgres
"""


def ensure_servers(say: Callable[[str], None]) -> None:
    """
    Install missing servers with apt-get. This needs root.

    :raises InputError: a missing server cannot be installed. The message says what to do.
    """
    missing = _missing()
    if not missing:
        return
    names = " ".join(PACKAGES[program] for program in missing)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise InputError(
            f"make celery needs programs that are not installed: {', '.join(missing)}. Nothing was started. On Debian "
            f"or Ubuntu, install them with: sudo apt-get install {names}"
        )
    say(f"Installing {names} with apt-get ...")
    _apt_get("update", "-qq")
    _apt_get("install", "-y", "-qq", "--no-install-recommends", *names.split())
    if _missing():
        raise InputError(
            f"apt-get installed {names}, but these programs cannot be found: {', '.join(_missing())}. Nothing was"
            " started. Add their folder to the PATH."
        )


def find_program(name: str) -> str | None:
    """Find a server's program in Debian's PostgreSQL folders (newest version first), on the PATH or in /usr/sbin."""
    versions = DEBIAN_POSTGRES.glob("*/bin") if DEBIAN_POSTGRES.is_dir() else []
    newest = sorted(versions, key=lambda folder: float(folder.parent.name), reverse=True)
    path = os.pathsep.join([*map(str, newest), os.environ.get("PATH", os.defpath), "/usr/sbin"])
    return shutil.which(name, path=path)


def as_user(name: str, command: Sequence[str]) -> list[str]:
    """Build a command that runs as the user ``name`` if this process is root, and otherwise as the current user."""
    if os.geteuid() != 0:
        return list(command)
    # The parent-death signal ends a process when its guard ends. A change of user clears it; --pdeathsig sets it again.
    drop = ["setpriv", f"--reuid={name}", f"--regid={name}", "--init-groups", "--pdeathsig=KILL"]
    return [*drop, "--", *command]


def create_database_folder(folder: Path) -> None:
    """Create a folder that belongs to PostgreSQL's user and that only this user can enter."""
    folder.mkdir(mode=0o700, parents=True)
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)


def can_reach(folder: Path) -> bool:
    """Return whether PostgreSQL's user can enter a folder. Folders that root owns are often closed to this user."""
    return subprocess.run(as_user("postgres", ["test", "-x", str(folder)]), check=False).returncode == 0  # noqa: S603


def initialise_command(data: Path, user: str, database: str, password_file: Path) -> list[str]:
    """Build the command that creates PostgreSQL's data folder with one empty database and one user with a password."""
    programs = Path(_program("initdb")).parent
    return as_user(
        "postgres", ["sh", "-euc", INITIALISE, "sh", str(programs), str(data), user, str(password_file), database]
    )


def postgres_command(data: Path, port: int) -> list[str]:
    """Build the command for a PostgreSQL server that listens only on loopback and trades durability for speed."""
    settings = {
        "listen_addresses": LOOPBACK,
        "port": port,
        "unix_socket_directories": "",
        "max_connections": 200,
        "fsync": "off",  # the data is needed only for one run
        "synchronous_commit": "off",
        "full_page_writes": "off",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return as_user("postgres", [_program("postgres"), "-D", str(data), *options])


def redis_command(command: Sequence[str], port: int) -> list[str]:
    """Extend the compose file's Redis command so that Redis listens only on loopback and writes nothing to disk."""
    local = ["--bind", LOOPBACK, "--port", str(port), "--save", "", "--appendonly", "no"]
    return as_user("redis", [*command, *local])


def _missing() -> list[str]:
    return [program for program in PACKAGES if find_program(program) is None]


def _program(name: str) -> str:
    program = find_program(name)
    if program is None:
        raise InputError(
            f"The PostgreSQL program {name} cannot be found, although the server is installed. Nothing was started."
            " Reinstall the package postgresql."
        )
    return program


def _apt_get(*arguments: str) -> None:
    # RUNLEVEL=1 keeps Debian from starting the packages' own services, which are not needed.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    result = subprocess.run(  # noqa: S603 arguments are ours
        ["apt-get", *arguments],  # noqa: S607 root's own PATH
        env=environment,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    if result.returncode != 0:
        raise InputError(
            f"apt-get {' '.join(arguments)} failed. Nothing was started. Fix the error that apt-get reported:\n"
            f"{result.stderr.strip()}"
        )
