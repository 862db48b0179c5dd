"""
Read the settings of a local command: its paths and the requested run.

The requested run is read from environment variables that ``make`` exports: ``CSV``, ``EVALUATION_CSV``, ``USE_CASE``,
``DOCUMENTS``, ``EVALUATION``, ``APPROVE`` and ``AS_OF``. Their values never pass through a shell, so a file name may
contain any character.
"""

from __future__ import annotations

import datetime
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from include.distill.core.errors import InputError
from include.distill.core.paths import PROJECT_ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

# The shipped use cases have no default for these variables, so that nobody uses a bucket of another account by mistake.
# stack_deployment.yaml creates the role and the buckets in the simulated account.
LOCAL_INSTALLATION = {
    "DISTILL_ENVIRONMENT": "local",
    "DISTILL_ROLE_ARN": "arn:aws:iam::123456789012:role/bedrock-distill-local-jobs",
    "DISTILL_TRAINING_BUCKET": "bedrock-distill-training",
    "DISTILL_OUTPUT_BUCKET": "bedrock-distill-output",
    # The AWS simulator accepts any flow definition. Programs answer in place of its workers.
    "DISTILL_FLOW_DEFINITION_ARN": "arn:aws:sagemaker:us-east-1:123456789012:flow-definition/simulated-workers",
}
DEFAULT_USE_CASE = "aws_docs_qa"
DEFAULT_DOCUMENTS = 40
DEFAULT_EVALUATION_ROWS = 100  # the minimum number of questions for a verdict
# If one of these variables is set, `make up` triggers a new run even if an earlier run has finished.
_ROWS = ("CSV", "EVALUATION_CSV", "DOCUMENTS", "EVALUATION", "APPROVE")
BEDROCK_OPENED = datetime.date(2023, 9, 28)
USE_CASE_NAME = re.compile(r"[a-z0-9][a-z0-9_]*")


@dataclass(frozen=True)
class Layout:
    """
    The paths of a checkout and of the state of its local runs.

    :param use_cases: the use cases of the checkout, which an installation loads too.
    :param past_use_cases: use cases whose models Bedrock has retired. Only the local Airflow loads them.
    :param as_of: the day of the simulated account; None for today. Each day has an account and an Airflow of its own,
        because models, jobs and endpoints of one day may not exist on another day.
    """

    project: Path = PROJECT_ROOT
    dags: Path = PROJECT_ROOT / "dags"
    use_cases: Path = PROJECT_ROOT / "include" / "use_cases"
    past_use_cases: Path = PROJECT_ROOT / "tools" / "local_airflow" / "past_use_cases"
    state: Path = PROJECT_ROOT / ".local"
    as_of: datetime.date | None = None

    @property
    def airflow_home(self) -> Path:
        """Airflow's home: its metadata database and task logs."""
        return self._of_day("airflow")

    @property
    def task_logs(self) -> Path:
        """The folder of the task logs, with one file per attempt of each task."""
        return self.airflow_home / "logs"

    @property
    def database(self) -> Path:
        """The metadata database in use."""
        return self.airflow_home / "airflow.db"

    @property
    def aws_simulator(self) -> Path:
        """The folder with the state of the AWS simulator: buckets, jobs, models, paid answers and the ledger."""
        return self._of_day("aws_simulator")

    @property
    def all_use_cases(self) -> Path:
        """The folder with links to all use cases that the local Airflow loads."""
        return self.state / "all_use_cases"

    def use_case_file(self, name: str) -> Path:
        """Return the file of a use case. A file of the checkout takes precedence over one of the past."""
        own = self.use_cases / f"{name}.yaml"
        past = self.past_use_cases / own.name
        return past if past.is_file() and not own.is_file() else own

    def _of_day(self, name: str) -> Path:
        return self.state / (name if self.as_of is None else f"{name}-as-of-{self.as_of}")

    @property
    def logs(self) -> Path:
        """The folder of the component logs, with one file per component."""
        return self.state / "logs"

    @property
    def report(self) -> Path:
        """The folder for the report of the last successful run."""
        return self.state / "report"

    @property
    def access(self) -> Path:
        """The file that says what the last run asked of AWS, and what the policies refused."""
        return self.state / "access.json"

    @property
    def lock(self) -> Path:
        """The file that a command locks while it is working in this checkout."""
        return self.state / "lock"

    @property
    def ended(self) -> Path:
        """The file that says why the stack of ``make up`` ended, if nobody stopped it."""
        return self.state / "ended"

    @property
    def input_folders(self) -> Path:
        """The file with the folders outside the project from which runs in this state have read CSV files."""
        return self.state / "input_folders.json"

    def make_private(self) -> None:
        """Create the state folder. Only its owner can read it, because it has copies of the CSV files."""
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = self.state.stat().st_mode
        if not mode & stat.S_ISVTX:  # not for a folder such as /tmp, which everybody must be able to use
            self.state.chmod(0o700)

    def log_of(self, component: str) -> Path:
        """Return the log file of a component."""
        return self.logs / f"{component}.log"

    @property
    def secrets(self) -> Path:
        """The file with this checkout's generated secrets; only its owner can read it."""
        return self.state / "secrets.json"


@dataclass(frozen=True)
class RunRequest:
    """
    The use case to run and the rows to use.

    :param training_csv: an absolute path or an ``s3://`` URI; None means the file that the use case names.
    :param evaluation_csv: the file with the evaluation questions, in the same form.
    :param documents: maximum number of rows to use from the training CSV; None means the limit of the use case, if any.
    :param evaluation_rows: maximum number of rows to use from the evaluation CSV; None has the same meaning.
    :param is_explicit: whether the person set ``CSV``, ``EVALUATION_CSV``, ``DOCUMENTS``, ``EVALUATION`` or
        ``APPROVE``. If so, ``make up`` triggers a new run even if an earlier run has finished.
    :param asks_person: whether the run asks the person before it buys anything, and the command waits for the answer.
    :param names_use_case: whether the person set ``USE_CASE``. If so, ``make up`` triggers a run even in a stack that
        is already running, unless this use case has a run that did not fail.
    """

    use_case: str = DEFAULT_USE_CASE
    training_csv: str | None = None
    evaluation_csv: str | None = None
    documents: int | None = DEFAULT_DOCUMENTS
    evaluation_rows: int | None = DEFAULT_EVALUATION_ROWS
    is_explicit: bool = False
    names_use_case: bool = False
    asks_person: bool = False

    @property
    def dag_id(self) -> str:
        """The id of the use case's DAG."""
        return f"distill_{self.use_case}"

    @property
    def conf(self) -> dict[str, str | int]:
        """The configuration to trigger the DAG with."""
        params: dict[str, str | int | None] = {
            "training_csv": self.training_csv,
            "evaluation_csv": self.evaluation_csv,
            "documents": self.documents,
            "evaluation_rows": self.evaluation_rows,
            "ask_before_spending": self.asks_person or None,
        }
        return {name: value for name, value in params.items() if value is not None}

    @property
    def described(self) -> str:
        """Describe the files that are read, and the maximum number of rows."""
        training = _with_limit(self.training_csv or "the use case's training CSV", self.documents, "documents")
        evaluation = _with_limit(
            self.evaluation_csv or "the use case's evaluation CSV", self.evaluation_rows, "questions"
        )
        return f"Trains on {training}; compares the models on {evaluation}."

    def input_roots(self, project: Path) -> list[Path]:
        """Return the folders outside ``include/`` that the pipeline must be allowed to read."""
        local = [csv for csv in (self.training_csv, self.evaluation_csv) if csv and not csv.startswith("s3://")]
        folders = dict.fromkeys(_folder(Path(csv)) for csv in local)
        return [folder for folder in folders if not folder.is_relative_to(project / "include")]


def read_request(
    environ: Mapping[str, str], *, working_folder: Path, use_cases: Path, past_use_cases: Path | None = None
) -> RunRequest:
    """
    Read the requested run from the environment. An empty variable counts as not set.

    :param past_use_cases: a second folder of use cases, if the command can run them.
    :raises InputError: a variable has a wrong value. The message names the variable, its value and the allowed values.
    """
    use_case = environ.get("USE_CASE") or DEFAULT_USE_CASE
    folders = [use_cases, *filter(None, [past_use_cases])]
    known = {path.stem for folder in folders for path in folder.glob("*.yaml") if path.is_file()}
    if not USE_CASE_NAME.fullmatch(use_case) or use_case not in known:
        names = ", ".join(sorted(known)) or "(the folder contains no use case)"
        raise InputError(
            f"USE_CASE={use_case!r} has no file in {use_cases}. Nothing was started. Set it to one of: {names}."
        )
    other = use_case != DEFAULT_USE_CASE
    return RunRequest(
        use_case=use_case,
        training_csv=_read_csv(environ, "CSV", working_folder),
        evaluation_csv=_read_csv(environ, "EVALUATION_CSV", working_folder),
        # Only the sample's files have a default limit here, because a first run should be quick. For other files and
        # use cases, the limit in the use case applies.
        documents=_read_count(environ, "DOCUMENTS") or (None if environ.get("CSV") or other else DEFAULT_DOCUMENTS),
        evaluation_rows=_read_count(environ, "EVALUATION")
        or (None if environ.get("EVALUATION_CSV") or other else DEFAULT_EVALUATION_ROWS),
        names_use_case=bool(environ.get("USE_CASE")),
        is_explicit=any(environ.get(name, "").strip() for name in _ROWS),
        asks_person=asks_person(environ),
    )


def asks_person(environ: Mapping[str, str]) -> bool:
    """
    Return whether the run asks the person who typed the command to approve its purchases (``APPROVE=ask``).

    :raises InputError: ``APPROVE`` is neither empty nor ``ask``.
    """
    text = environ.get("APPROVE", "").strip()
    if text not in ("", "ask"):
        raise InputError(
            f"APPROVE={text!r} must be `ask`, or empty to let the command approve what the run buys in the simulated"
            " account. Nothing was started. Correct the value or do not set the variable."
        )
    return bool(text)


def read_day(environ: Mapping[str, str]) -> datetime.date | None:
    """
    Read the day of the simulated account from ``AS_OF``. None means today.

    :raises InputError: the value is not a day, or the day is not between the opening of Bedrock and today.
    """
    text = environ.get("AS_OF", "").strip()
    if not text:
        return None
    expected = f"a day from {BEDROCK_OPENED} to today, such as 2025-02-12"
    try:
        day = datetime.date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII) else None
    except ValueError:
        day = None
    if day is None or not BEDROCK_OPENED <= day <= datetime.datetime.now(datetime.UTC).date():
        raise InputError(
            f"AS_OF={text!r} must be {expected}. Nothing was started. Correct the value, or do not set the variable to"
            " use the simulated account of today."
        )
    return day


def _with_limit(file: str, limit: int | None, things: str) -> str:
    return f"{file} (at most {limit} {things})" if limit else file


def _read_csv(environ: Mapping[str, str], name: str, working_folder: Path) -> str | None:
    text = environ.get(name, "")
    if not text or text.startswith("s3://"):
        return text or None
    path = Path(os.path.abspath(working_folder / text))  # noqa: PTH100 keep the typed name of a symbolic link
    if not path.exists():
        raise InputError(f"{name}={text!r}: there is no file {path}. Nothing was started. Check the path.")
    if os.pathsep in str(_folder(path)):
        raise InputError(
            f"{name}={text!r}: the folder's name contains {os.pathsep!r}, which separates the folders that the "
            "pipeline may read. Nothing was started. Move the file to another folder."
        )
    return f"{path}/" if path.is_dir() else str(path)


def _folder(path: Path) -> Path:
    return path.resolve() if path.is_dir() else path.resolve().parent


def _read_count(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise InputError(
            f"{name}={text!r} must be a whole number above 0. Nothing was started. Correct the value or do not set the"
            " variable."
        )
    return int(text)
