"""
Show the account as an HTML page: settings, ledger, jobs, models, throughputs, deployments, faults and last requests.

The page runs no scripts and loads nothing. Jinja escapes every value, because clients choose names and ARNs. If the
escaping failed, the content security policy would still forbid scripts and requests.
"""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.account.faults import FaultPlan
from tools.aws_simulator.account.ledger import Ledger, throughput_seconds
from tools.aws_simulator.account.records import CustomizationJobBody
from tools.aws_simulator.account.settings import Settings, SettingsStore
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.resources.deployments import Deployments
from tools.aws_simulator.resources.throughput import Throughputs

ROWS_SHOWN = 100
REQUESTS_SHOWN = 50
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_NOTHING = "–"
_ENDED = frozenset({"Completed", "Failed", "Stopped", "PartiallyCompleted", "Expired"})
# All other columns have short values, which stay on one line.
LONG_COLUMNS = frozenset({"value", "meaning", "model", "name", "failure", "message", "ARN", "match"})
_BILLED = ("tokens billed", "teacher tokens billed")
_OWN_TABLES = ("job", "custom_model", "throughput", "deployment", "batch", "evaluation", "optimization")


@dataclass(frozen=True)
class Table:
    """
    One table of the page.

    :param total: number of all rows, including those that the page leaves out.
    :param numeric: names of the columns with numbers.
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    total: int
    empty: str
    note: str = ""
    numeric: frozenset[str] = frozenset()


class AdminPage:
    """The HTML page that shows the account."""

    def __init__(
        self,
        state: State,
        settings: SettingsStore,
        ledger: Ledger,
        faults: FaultPlan,
        throughputs: Throughputs,
        deployments: Deployments,
    ) -> None:
        self._state = state
        self._settings = settings
        self._ledger = ledger
        self._faults = faults
        self._status = throughputs.status
        self._deployments_now = deployments
        loader = FileSystemLoader(Path(__file__).parent)
        environment = Environment(
            loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._template = environment.get_template("admin.html.j2")

    def render(self) -> str:
        """Return the page with the present state of the account."""
        ledger, now = self._ledger.as_json(), time.time()
        throughputs = self._state.throughputs.all()
        tables = (
            self._state.jobs,
            self._state.batch_jobs,
            self._state.evaluation_jobs,
            self._state.optimization_jobs,
        )
        statuses = [job.body["status"] for table in tables for job in table.all()]
        page = self._template.render(
            account=ACCOUNT_ID,
            now=_moment(now),
            regions=self._regions(),
            long_columns=LONG_COLUMNS,
            facts={
                "model calls billed": f"{ledger['billed_calls']:,}",
                "jobs running": sum(status not in _ENDED for status in statuses),
                "throughputs billed now": sum(self._status(throughput) != "Failed" for throughput in throughputs),
                "seconds of throughput billed": f"{ledger['throughput_seconds']:,.0f}",
            },
            tables=[
                _settings_table(self._settings.current),
                _calls_table(ledger["by_model"], ledger["batch_by_model"]),
                self._jobs(),
                self._models(),
                self._throughputs(now),
                self._deployments(ledger["deployments"]),
                self._batches(),
                self._evaluations(),
                self._optimizations(),
                self._others(),
                _faults_table(self._faults.as_json()),
                _requests_table(self._ledger.requests()),
            ],
        )
        return page.encode("utf-8", "replace").decode("utf-8")

    def _regions(self) -> list[str]:
        rows = self._state.execute("SELECT DISTINCT region FROM resources WHERE deleted IS NULL ORDER BY region")
        return [region for (region,) in rows]

    def _jobs(self) -> Table:
        jobs = self._state.jobs.all()
        rows = [
            (
                job.name,
                job.body["status"],
                job.body.get("failureMessage", _NOTHING),
                job.body["baseModelId"],
                job.body["customizationType"],
                job.region,
                _moment(job.created),
                f"{job.body['billed_tokens']:,}",
                _teacher_tokens(job),
            )
            for job in jobs
        ]
        columns = ("name", "status", "failure", "base model", "type", "Region", "created", *_BILLED)
        return _newest_first("Customization jobs", columns, rows, "No customization job was created.", *_BILLED)

    def _models(self) -> Table:
        models = self._state.custom_models.all(with_deleted=True)
        rows = [
            (
                model.name,
                "Active" if model.deleted is None else _deleted(model),
                model.body["baseModelId"],
                model.body["jobName"],
                model.region,
                _moment(model.created),
            )
            for model in models
        ]
        columns = ("name", "status", "base model", "job", "Region", "created")
        return _newest_first("Custom models", columns, rows, "No custom model exists.")

    def _throughputs(self, now: float) -> Table:
        rows = [
            (
                throughput.name,
                self._status(throughput) if throughput.deleted is None else _deleted(throughput),
                throughput.body["desiredModelArn"],
                throughput.region,
                _moment(throughput.created),
                throughput.body["units"],
                f"{throughput_seconds(throughput, now):,.0f}",
            )
            for throughput in self._state.throughputs.all(with_deleted=True)
        ]
        columns = ("name", "status", "model", "Region", "created", "units", "seconds billed")
        empty = "No provisioned throughput was bought."
        return _newest_first("Provisioned throughputs", columns, rows, empty, "units", "seconds billed")

    def _deployments(self, billed: Iterable[Mapping[str, Any]]) -> Table:
        counts = {entry["arn"]: entry for entry in billed}
        rows = [
            (
                deployment.name,
                self._deployments_now.status(deployment) if deployment.deleted is None else _deleted(deployment),
                self._deployments_now.serving(deployment),
                deployment.region,
                _moment(deployment.created),
                *(f"{counts[deployment.arn][name]:,}" for name in ("calls", "input_tokens", "output_tokens")),
            )
            for deployment in self._state.deployments.all(with_deleted=True)
        ]
        columns = ("name", "status", "model", "Region", "created", "calls billed", "input tokens", "output tokens")
        empty = "No custom model was deployed."
        return _newest_first("Custom model deployments", columns, rows, empty, *columns[5:])

    def _batches(self) -> Table:
        rows = [
            (
                job.name,
                job.body["status"],
                job.body.get("message", _NOTHING),
                job.body["modelId"],
                job.region,
                _moment(job.created),
                f"{job.body['counts']['totalRecordCount']:,}",
                f"{job.body['counts']['successRecordCount']:,}",
            )
            for job in self._state.batch_jobs.all()
        ]
        columns = ("name", "status", "message", "model", "Region", "created", "records", "records billed")
        empty = "No batch job was created."
        return _newest_first("Batch inference jobs", columns, rows, empty, "records", "records billed")

    def _evaluations(self) -> Table:
        rows = [
            (
                job.name,
                job.body["status"],
                "; ".join(job.body.get("failureMessages", [])) or _NOTHING,
                job.body["jobType"],
                job.region,
                _moment(job.created),
                f"{job.body['prompts']:,}",
                f"{job.body['evaluations']:,}",
            )
            for job in self._state.evaluation_jobs.all()
        ]
        columns = ("name", "status", "failure", "type", "Region", "created", "prompts", "ratings billed")
        empty = "No evaluation job was created."
        return _newest_first("Evaluation jobs", columns, rows, empty, "prompts", "ratings billed")

    def _optimizations(self) -> Table:
        rows = [
            (
                job.name,
                job.body["status"],
                job.body.get("failureMessage", _NOTHING),
                ", ".join(model["modelId"] for model in job.body["modelConfigurations"]),
                job.region,
                _moment(job.created),
                f"{job.body['samples']:,}",
                f"{sum(use['input_tokens'] + use['output_tokens'] for use in job.body['billed_use']):,}",
            )
            for job in self._state.optimization_jobs.all()
        ]
        columns = ("name", "status", "failure", "model", "Region", "created", "samples", "tokens billed")
        empty = "No prompt optimization job was created."
        return _newest_first("Prompt optimization jobs", columns, rows, empty, "samples", "tokens billed")

    def _others(self) -> Table:
        marks = ", ".join("?" * len(_OWN_TABLES))
        sql = f"SELECT kind, name, arn, region, created FROM resources WHERE deleted IS NULL AND kind NOT IN ({marks})"  # noqa: S608 - question marks
        found = self._state.execute(f"{sql} ORDER BY created, rowid", _OWN_TABLES)
        rows = [(kind.replace("_", " "), name, arn, region, _moment(made)) for kind, name, arn, region, made in found]
        columns = ("kind", "name", "ARN", "Region", "created")
        return _newest_first("Other resources", columns, rows, "No other resource exists.")


def _newest_first(
    title: str, columns: tuple[str, ...], rows: Sequence[Sequence[object]], empty: str, *numeric: str
) -> Table:
    shown = list(reversed(rows[-ROWS_SHOWN:]))
    note = f"Only the newest {ROWS_SHOWN} of {len(rows):,} are shown." if len(rows) > ROWS_SHOWN else ""
    return Table(title, columns, shown, len(rows), empty, note, frozenset(numeric))


def _settings_table(settings: Settings) -> Table:
    values, defaults = settings.model_dump(mode="json"), Settings().model_dump(mode="json")
    rows = [
        (name, _shown(values[name]), _shown(defaults[name]), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return Table("Settings", ("setting", "value", "default", "meaning"), rows, len(rows), "")


def _calls_table(by_model: Mapping[str, Mapping[str, int]], batch: Mapping[str, Mapping[str, int]]) -> Table:
    names = ("calls", "rejected", "input_tokens", "output_tokens")
    rows = [
        (model, *(f"{counts[name]:,}" for name in names), f"{batch[model]['calls']:,}" if model in batch else "0")
        for model, counts in by_model.items()
    ]
    columns = ("model", "billed", "rejected", "input tokens", "output tokens", "billed in batch jobs")
    note = "Rejected calls ended in an error and are free. The records of batch jobs are part of the billed calls."
    numeric = frozenset(columns[1:])
    return Table("Models that were called", columns, rows, len(rows), "No model was called.", note, numeric)


def _faults_table(rules: Iterable[Mapping[str, Any]]) -> Table:
    names = ("kind", "operation", "match", "after", "times", "seconds", "seen", "fired")
    rows = [tuple(_shown(rule[name]) for name in names) for rule in rules]
    empty = "No fault is planned. All requests are answered as AWS would answer them."
    return Table("Fault plan", names, rows, len(rows), empty, numeric=frozenset(names[3:]))


def _requests_table(requests: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        (f"{entry['number']:,}", _moment(entry["time"]), entry["operation"], entry["outcome"], _shown(entry["fault"]))
        for entry in reversed(requests[-REQUESTS_SHOWN:])
    ]
    columns = ("number", "time", "operation", "outcome", "fault")
    more = f"Only the last {REQUESTS_SHOWN} of {len(requests):,} are shown." if len(requests) > REQUESTS_SHOWN else ""
    note = f"Requests to Bedrock. {more}".strip()
    empty = "No request to Bedrock was sent."
    return Table("Last requests", columns, rows, len(requests), empty, note, frozenset({"number"}))


def _teacher_tokens(job: Resource[CustomizationJobBody]) -> str:
    use = job.body.get("billed_teacher_use")
    return f"{use['input_tokens'] + use['output_tokens']:,}" if use else _NOTHING


def _shown(value: object) -> str:
    """Return a JSON value as text: lists and objects as JSON, None and an empty object as a dash."""
    if value is None or value == {}:
        return _NOTHING
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _deleted(resource: Resource[Any]) -> str:
    return f"deleted {_moment(resource.deleted or 0)}"


def _moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
