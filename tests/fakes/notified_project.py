"""A copy of the project that shares all files, except for its use cases, which notify people."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from include.distill.config.loader import USE_CASES_FOLDER
from include.distill.core.paths import INCLUDE, PROJECT_ROOT
from tests.fakes.receivers import LOOPBACK, Mailbox, WebHook

SHARED = ("plugins", "tools", "tests", "deploy")
SAMPLE = "aws_docs_qa"
NIGHTLY = "nightly"


@dataclass(frozen=True)
class NotifiedProject:
    """
    A project whose sample asks a person, and whose use case ``nightly`` is late and fails.

    :param ready_by: the time of day by which ``nightly`` should have succeeded today.
    """

    folder: Path
    ready_by: str

    def variables(self, mailbox: Mailbox, slack: WebHook) -> dict[str, str]:
        """Return the variables of all processes: schedules, and connections to the two servers."""
        mail = f"smtp://{LOOPBACK}:{mailbox.port}?disable_ssl=true&disable_tls=true&from_email=airflow%40example.com"
        hook = quote(f"http://{LOOPBACK}:{slack.port}/services", safe="")
        return {
            "DISTILL_SCHEDULES": "",
            "DISTILL_INPUT_ROOTS": str(INCLUDE / "data"),  # of this project, which the copy only links to
            "AIRFLOW_CONN_MAIL": mail,
            "AIRFLOW_CONN_SLACK": f"slackwebhook://:T0%2FB0%2Fs3cret@{hook}",
        }


def write_notified_project(folder: Path, now: datetime.datetime) -> NotifiedProject:
    """Write a project, in which the nightly run should have started ten minutes ago and be ready by now."""
    for name in SHARED:
        (folder / name).symlink_to(PROJECT_ROOT / name)
    (folder / "dags").mkdir()
    (folder / "dags" / "distill.py").symlink_to(PROJECT_ROOT / "dags" / "distill.py")
    use_cases = folder / "include" / "use_cases"
    use_cases.mkdir(parents=True)
    for path in INCLUDE.iterdir():
        if path.name not in (use_cases.name, "__pycache__"):
            (folder / "include" / path.name).symlink_to(path)
    start, ready = (now.astimezone(datetime.UTC) - datetime.timedelta(minutes=minutes) for minutes in (10, 5))
    write(use_cases, SAMPLE, schedule=None, approval={"before_spending": "always"})
    missing = {"training_csv": "include/data/no_such_file.csv"}
    late = {"schedule": f"{start:%M %H} * * *", "timezone": "UTC", "ready_by": f"{ready:%H:%M}"}
    write(use_cases, NIGHTLY, source=missing, **late)
    return NotifiedProject(folder, late["ready_by"])


def write(folder: Path, name: str, **changes: Any) -> None:
    """Write a use case that is the sample with changes, and that sends all messages as e-mails and to Slack."""
    sample = yaml.safe_load((USE_CASES_FOLDER / f"{SAMPLE}.yaml").read_text(encoding="utf-8"))
    source = {**sample["source"], **changes.pop("source", {})}
    plain = yaml.safe_dump({**sample, **changes, "name": name, "source": source})
    # As a person would write it, without quotation marks around the key "on".
    channels = (
        "notify:\n- on: all\n  slack: {conn_id: slack}\n- on: all\n  smtp: {conn_id: mail, to: [ml@example.com]}\n"
    )
    (folder / f"{name}.yaml").write_text(plain + channels, encoding="utf-8")
