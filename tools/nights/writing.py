"""
Write the simulated nights of a use case: run folders, reports, the list of past runs, the history and the champion.

The nights of an earlier ``make nights`` are removed first. Nothing of other runs is changed.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from include.distill.config.frozen_use_case import dump_use_case
from include.distill.config.history_layout import history_uri
from include.distill.config.layout import Layout, RunFolder, list_uri
from include.distill.config.prompt_loader import load_prompts
from include.distill.config.prompts import Prompt
from include.distill.config.run_record import RunIdentity, claim_run_folder
from include.distill.config.use_case import UseCase
from include.distill.core.naming import run_key
from include.distill.core.storage import (
    ObjectStore,
    read_json,
    read_versioned_json,
    replace_json,
    write_json,
)
from include.distill.cost.prices import total_usd
from include.distill.drift.detection import find_drift
from include.distill.evaluation.candidate import Evidence, new_champion
from include.distill.evaluation.champion import Champion, read_stored_champion, winning_decision, write_champion
from include.distill.history.months import update_run
from include.distill.history.records import HistoryEntry, HistoryMonth
from include.distill.report.drift_inputs import drift_inputs, hash_compared_settings
from include.distill.report.history_entry import call_figures, with_bill, with_champion, with_results
from include.distill.report.html import render_html
from include.distill.report.past_runs import list_entry
from include.distill.report.records import PastRun, Report
from include.distill.report.schema import check_report
from include.distill.synthesis.new_pairs import sum_new_pairs
from tools.nights.plan import RUN_ID_START, Night, UseCasePlan
from tools.nights.run import SimulatedRun, simulated_use_case

_FAILED_AFTER = datetime.timedelta(minutes=31)


@dataclass(frozen=True)
class Written:
    """
    What was written for a use case.

    :ivar entries: the records of the nights in the history, oldest first.
    :ivar removed: number of nights of an earlier command that were removed.
    :ivar keeps_champion: whether the champion of another run was kept, so no night's champion was recorded.
    """

    use_case: str
    entries: list[HistoryEntry]
    removed: int
    keeps_champion: bool

    @property
    def promoted(self) -> list[HistoryEntry]:
        """The nights that promoted a model."""
        return [entry for entry in self.entries if "promoted" in entry]

    @property
    def drifted(self) -> list[HistoryEntry]:
        """The nights on which the drift detection found a change."""
        return [entry for entry in self.entries if entry.get("drift")]

    @property
    def failed(self) -> list[HistoryEntry]:
        """The nights that failed."""
        return [entry for entry in self.entries if entry["state"] == "failed"]


@dataclass
class NightWriter:
    """
    Writes the nights of one use case, oldest first.

    :ivar use_case: the use case as it is installed.
    :ivar environment: the name of the installation.
    """

    store: ObjectStore
    use_case: UseCase
    plan: UseCasePlan
    environment: str
    champion: Champion | None = None
    champion_strength: float = 0.0
    before: str | None = None
    entries: list[HistoryEntry] = field(default_factory=list)

    def write(self, nights: Sequence[Night]) -> Written:
        """Replace all simulated nights of the use case by ``nights``."""
        removed = self._remove()
        for night in nights:
            self._write_night(night)
        return Written(self.use_case.name, self.entries, removed, keeps_champion=not self._record_champion())

    @property
    def _root(self) -> str:
        return Layout(self.use_case.storage).roots[0]

    def _remove(self) -> int:
        """Remove the nights of an earlier command, and return their number."""
        months = self.store.list(history_uri(self._root, self.use_case.name))
        removed = sum(self._remove_from_month(uri) for uri in months)
        for uri in self.store.list(list_uri(self._root, self.use_case.name)):
            entry = read_json(self.store, uri, PastRun)
            if is_simulated_night(entry["run_id"]):
                self.store.delete(uri)
                self._remove_folder(entry["run_id"])
        return removed

    def _remove_from_month(self, uri: str) -> int:
        month, version = read_versioned_json(self.store, uri, HistoryMonth)
        kept = [run for run in month["runs"] if not is_simulated_night(run["run_id"])]
        for run in month["runs"]:
            if run not in kept:
                self._remove_folder(run["run_id"])
        if len(kept) < len(month["runs"]):
            replace_json(self.store, uri, {**month, "runs": kept}, version)
        return len(month["runs"]) - len(kept)

    def _remove_folder(self, run_id: str) -> None:
        key = run_key(self.use_case.dag_id, run_id)
        for uri in self.store.list(f"{Layout(self.use_case.storage).run_uri(self.use_case.name, key)}/"):
            self.store.delete(uri)

    def _write_night(self, night: Night) -> None:
        use_case = simulated_use_case(self.use_case, compares_champion=self.plan.compares_champion, pairs=night.pairs)
        run = SimulatedRun(night, use_case, self.champion, self.champion_strength, self.before)
        identity = RunIdentity(self.environment, use_case.dag_id, night.run_id)
        claim_run_folder(self.store, run.folder, identity, use_case=use_case.name)
        self.store.write(run.folder.use_case, dump_use_case(use_case))
        entry = self._failed(run) if night.fails else self._reported(run)
        self.entries.append(entry)
        update_run(self.store, self._root, use_case.name, entry["run_key"], night.started, lambda stored: entry)

    def _failed(self, run: SimulatedRun) -> HistoryEntry:
        ended = run.night.started + _FAILED_AFTER
        entry = with_bill(first_record(run), [line.as_record() for line in run.lines_until_failure()])
        failed = [next(arm.name for arm in run.use_case.arms if arm.is_trained) + ".trained"]
        return {**entry, "ended_at": ended.isoformat(), "state": "failed", "simulated": True, "failed_tasks": failed}

    def _reported(self, run: SimulatedRun) -> HistoryEntry:
        _, prompts = load_prompts(run.use_case.prompts, None)
        report = run.report({name: prompt.version for name, prompt in prompts.items()})
        entry = self._with_results(run, report, prompts)
        report = check_report({**report, "drift": entry["drift"]})
        self._write_report(run, report)
        self.before = run.folder.run_key
        return self._with_promotion(run, report, entry)

    def _with_results(self, run: SimulatedRun, report: Report, prompts: Mapping[str, Prompt]) -> HistoryEntry:
        answers = [answer for arm in run.arms for answer in arm.answers]
        calls = call_figures([run.curated, *run.judgments, *answers], [])
        entry = with_champion(with_results(first_record(run), report, calls), self.champion)
        inputs = drift_inputs(
            report,
            settings=hash_compared_settings(run.use_case, prompts),
            new_pairs=sum_new_pairs([run.curated]),
            champion=self.champion.model_arn if self.champion else None,
        )
        entry = {**entry, **inputs, "ended_at": run.ended.isoformat(), "state": "succeeded"}
        return {**entry, "drift": find_drift(self.entries, entry)}

    def _write_report(self, run: SimulatedRun, report: Report) -> None:
        write_json(self.store, run.folder.report("json"), report)
        self.store.write(run.folder.report("html"), render_html(report).encode())
        write_json(self.store, run.folder.report_entry(run.use_case.name, run.night.started), list_entry(report))

    def _with_promotion(self, run: SimulatedRun, report: Report, entry: HistoryEntry) -> HistoryEntry:
        """Promote the winner of the report, as the task ``promote`` does."""
        decision = winning_decision(report["promotion"])
        if decision is None:
            return entry
        winner = new_champion(
            decision,
            evidence_of(run.folder, report),
            use_case=run.use_case,
            model_arn=run.model_arn(decision["candidate"]),
            approved_by=None,
        )
        previous = self.champion.alone() if self.champion else None
        self.champion = winner.model_copy(
            update={"promoted_at": run.ended.isoformat(timespec="seconds"), "previous": previous}
        )
        self.champion_strength = run.night.strength[decision["candidate"]]
        return {**entry, "promoted": self.champion.arm, "champion_model_arn": self.champion.model_arn}

    def _record_champion(self) -> bool:
        """Record the champion of the nights; return whether this was done. The champion of another run is kept."""
        uri = Layout(self.use_case.storage).champion(self.use_case.name)
        stored, version = read_stored_champion(self.store, uri)
        if stored and not is_simulated_night(stored.run_id):
            return False
        if self.champion:
            write_champion(self.store, uri, self.champion, version)
        return True


def is_simulated_night(run_id: str) -> bool:
    """Return whether a run is one of the simulated nights."""
    return run_id.startswith(RUN_ID_START)


def first_record(run: SimulatedRun) -> HistoryEntry:
    """Return the record of a run as ``estimate`` writes it."""
    return {
        "run_key": run.folder.run_key,
        "use_case": run.use_case.name,
        "dag_id": run.use_case.dag_id,
        "run_id": run.night.run_id,
        "owner": run.use_case.owner,
        "started_at": run.night.started.isoformat(),
        "ended_at": None,
        "state": "running",
        "scheduled": run.night.scheduled,
        "estimated_usd": total_usd(run.estimated_lines()),
        "spent_usd": None,
        "spent_by_kind": {},
        "example": True,
    }


def evidence_of(folder: RunFolder, report: Report) -> Evidence:
    """Return what the record of a new champion says about the run."""
    return Evidence(
        dag_id=report["dag_id"],
        run_id=report["run_id"],
        run_key=folder.run_key,
        verdict=report["verdict"],
        simulated=report["simulated"],
        report_uri=folder.report("json"),
    )
