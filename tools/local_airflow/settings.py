"""
What a local command works with: where its state lies, what the person asked for, and which ports are used.

Everything is read from the environment (``make`` exports ``CSV``, ``USE_CASE``, ``DOCUMENTS``,
``EVALUATION``) and never passes through a shell, so a file name may hold any character.
"""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from include.distill.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"
DEFAULT_USE_CASE = "aws_docs_qa"
DEFAULT_DOCUMENTS = 40
DEFAULT_EVALUATION_ROWS = 100  # the fewest questions that allow a verdict
USE_CASE_NAME = re.compile(r"[a-z0-9][a-z0-9_]*")


@dataclass(frozen=True)
class Layout:
    """Where the code of a checkout and the state of its local runs lie."""

    project: Path = PROJECT
    dags: Path = PROJECT / "dags"
    use_cases: Path = PROJECT / "include" / "use_cases"
    state: Path = PROJECT / ".local"

    @property
    def airflow_home(self) -> Path:
        """Airflow's home: its metadata database and task logs."""
        return self.state / "airflow"

    @property
    def task_logs(self) -> Path:
        """The folder under which every try of every task has a log file."""
        return self.airflow_home / "logs"

    @property
    def database(self) -> Path:
        """The metadata database in use."""
        return self.airflow_home / "airflow.db"

    @property
    def aws_simulator(self) -> Path:
        """State of the AWS simulator: buckets, jobs, models, paid answers, the ledger."""
        return self.state / "aws_simulator"

    @property
    def logs(self) -> Path:
        """One log file per component."""
        return self.state / "logs"

    @property
    def report(self) -> Path:
        """Where the last successful run's report is copied to."""
        return self.state / "report"

    @property
    def lock(self) -> Path:
        """The file whose lock says that a command is at work in this checkout."""
        return self.state / "lock"

    def log_of(self, component: str) -> Path:
        """Name the log file of a component."""
        return self.logs / f"{component}.log"

    @property
    def secrets(self) -> Path:
        """Generated keys of this checkout, readable by their owner only."""
        return self.state / "secrets.json"


@dataclass(frozen=True)
class RunRequest:
    """
    Which DAG to run, on what.

    :param training_csv: an absolute path or an ``s3://`` URI; None leaves the use case's own source.
    :param evaluation_csv: the same for the questions that the models are compared on.
    :param documents: records of the training CSV to use; None takes all of them.
    """

    use_case: str = DEFAULT_USE_CASE
    training_csv: str | None = None
    evaluation_csv: str | None = None
    documents: int | None = DEFAULT_DOCUMENTS
    evaluation_rows: int | None = DEFAULT_EVALUATION_ROWS

    @property
    def dag_id(self) -> str:
        """The DAG that serves the use case."""
        return f"distill_{self.use_case}"

    @property
    def conf(self) -> dict[str, str | int]:
        """The trigger's configuration."""
        given = {
            "training_csv": self.training_csv,
            "evaluation_csv": self.evaluation_csv,
            "documents": self.documents,
            "evaluation_rows": self.evaluation_rows,
        }
        return {name: value for name, value in given.items() if value is not None}

    @property
    def described(self) -> str:
        """Say what is read, and at most how much of it."""
        own = "the use case's own file"
        learnt = _most(self.documents, "documents", self.training_csv or own)
        asked = _most(self.evaluation_rows, "questions", self.evaluation_csv or own)
        return f"Learns from {learnt}; is compared on {asked}."

    def input_roots(self, project: Path) -> list[Path]:
        """Name the folders outside ``include/`` that the pipeline has to be allowed to read."""
        local = [csv for csv in (self.training_csv, self.evaluation_csv) if csv and not csv.startswith("s3://")]
        folders = dict.fromkeys(_folder(Path(csv)) for csv in local)
        return [folder for folder in folders if not folder.is_relative_to(project / "include")]


@dataclass(frozen=True)
class Ports:
    """The two loopback ports of a running local stack."""

    api: int
    simulator: int

    @property
    def ui_url(self) -> str:
        """Where a browser finds Airflow."""
        return f"http://{LOOPBACK}:{self.api}"

    @property
    def simulator_url(self) -> str:
        """Where boto3 finds the AWS simulator."""
        return f"http://{LOOPBACK}:{self.simulator}"


def read_request(environ: Mapping[str, str], *, working_folder: Path, use_cases: Path) -> RunRequest:
    """
    Read what the person asked for; an empty variable counts as not given.

    :raises InputError: naming the variable, its value and what it may be.
    """
    use_case = environ.get("USE_CASE") or DEFAULT_USE_CASE
    if not USE_CASE_NAME.fullmatch(use_case) or not (use_cases / f"{use_case}.yaml").is_file():
        known = ", ".join(sorted(path.stem for path in use_cases.glob("*.yaml"))) or "there is none"
        raise InputError(f"USE_CASE={use_case!r} is not a file of {use_cases} (known: {known}). Nothing was started.")
    other = use_case != DEFAULT_USE_CASE
    return RunRequest(
        use_case=use_case,
        training_csv=_read_csv(environ, "CSV", working_folder),
        evaluation_csv=_read_csv(environ, "EVALUATION_CSV", working_folder),
        # The sample is large and a first look should be quick; somebody's own rows are all meant, and another use case
        # says itself how much it needs.
        documents=_read_count(environ, "DOCUMENTS") or (None if environ.get("CSV") or other else DEFAULT_DOCUMENTS),
        evaluation_rows=_read_count(environ, "EVALUATION")
        or (None if environ.get("EVALUATION_CSV") or other else DEFAULT_EVALUATION_ROWS),
    )


def _most(count: int | None, things: str, file: str) -> str:
    return f"{file} (at most {count} {things})" if count else file


def choose_ports(environ: Mapping[str, str]) -> Ports:
    """
    Take the ports that the person set, else free ones.

    :raises InputError: when a port that was asked for is not a port or is in use.
    """
    with socket.socket() as first, socket.socket() as second:
        return Ports(
            api=_bind(first, environ, "DISTILL_PORT"),
            simulator=_bind(second, environ, "DISTILL_STAND_IN_PORT"),
        )


def _read_csv(environ: Mapping[str, str], name: str, working_folder: Path) -> str | None:
    given = environ.get(name, "")
    if not given or given.startswith("s3://"):
        return given or None
    path = Path(os.path.abspath(working_folder / given))  # noqa: PTH100 a link keeps the name that was typed
    if not path.exists():
        raise InputError(f"{name}={given!r}: there is no file {path}. Nothing was started.")
    if os.pathsep in str(_folder(path)):
        raise InputError(
            f"{name}={given!r}: the folder's name holds {os.pathsep!r}, which separates the folders that the "
            "pipeline may read. Nothing was started; move the file."
        )
    return f"{path}/" if path.is_dir() else str(path)


def _folder(path: Path) -> Path:
    return path.resolve() if path.is_dir() else path.resolve().parent


def _read_count(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise InputError(f"{name}={text!r} must be a whole number above 0. Nothing was started.")
    return int(text)


def _bind(probe: socket.socket, environ: Mapping[str, str], name: str) -> int:
    """Reserve a port until the caller closes the probe, so that two choices never agree."""
    text = environ.get(name, "").strip() or "0"
    if not (text.isascii() and text.isdigit()) or int(text) > 65535:
        raise InputError(f"{name}={text!r} must be a port number, 1 to 65535. Nothing was started.")
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free for a server
    try:
        probe.bind((LOOPBACK, int(text)))
    except OSError as error:
        raise InputError(
            f"{name}={text}: that port cannot be used on {LOOPBACK} ({error.strerror}). Nothing was started; "
            f"choose another, or leave {name} out to have a free one chosen."
        ) from None
    return int(probe.getsockname()[1])
