"""A fake account with a standing endpoint, the runs that change it, and crashes at any call."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, cast

from bedrock_distill.hooks.bedrock import Throughput
from bedrock_distill.hooks.deployments import Deployment
from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.lifecycle.endpoints import ENDPOINT_KINDS, kind_named
from bedrock_distill.lifecycle.settling import Settling
from bedrock_distill.lifecycle.standing import StandingSite, champion_endpoint, confirm, switch, switched_arn
from include.distill.config.layout import RunFolder, rollback_choice_uri
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.core.naming import run_key
from include.distill.core.storage import read_json, write_json_if_absent
from include.distill.evaluation.champion import (
    Champion,
    champion_before_run,
    promote,
    read_champion,
    read_stored_champion,
    save_champion_snapshot,
)
from include.distill.evaluation.champion_history import restore_champion, rollback_choices
from include.distill.evaluation.champion_parts import RecordChange
from include.distill.evaluation.endpoint_change import ChangeAim, Holder
from include.distill.evaluation.endpoint_records import RollbackChoice, SettleManifest, SwitchManifest
from include.distill.evaluation.records import ChangeKind, StandingKind
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.variables import VARIABLES

ROOT = "s3://bedrock-distill-training/distill"
USE_CASE = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES)
OLD, NEW = "arn:model/old", "arn:model/new"


class StandingAccount(FakeBedrock):
    """A fake Bedrock in which every new endpoint gets a new ARN, as in AWS. A change ends while a task waits."""

    def __init__(self) -> None:
        super().__init__()
        self.models |= {OLD, NEW}
        self.created = 0
        self.tokens: set[str] = set()
        self.fails = False
        self.standing_tags: dict[str, str] = {}

    def create_deployment(self, *, name: str, token: str, model_arn: str, tags: Mapping[str, str]) -> None:
        if token in self.tokens:  # AWS ignores a repeated token, even after the endpoint was deleted
            return
        super().create_deployment(name=name, token=token, model_arn=model_arn, tags=tags)
        self.tokens.add(token)
        self.created += 1
        arn = f"arn:deployment/{name}#{self.created}"
        self.tags_of[arn] = dict(tags)
        self.deployments[name] = dataclasses.replace(self.deployments[name], arn=arn)

    def create_throughput(self, *, name: str, token: str, model_arn: str, units: int, tags: Mapping[str, str]) -> None:
        if token in self.tokens:
            return
        super().create_throughput(name=name, token=token, model_arn=model_arn, units=units, tags=tags)
        self.tokens.add(token)
        self.created += 1
        arn = f"arn:throughput/{name}#{self.created}"
        self.tags_of[arn] = dict(tags)
        self.throughputs[name] = dataclasses.replace(self.throughputs[name], arn=arn)

    def find_deployment(self, name: str) -> Deployment | None:
        return next((one for one in self.deployments.values() if name in (one.name, one.arn)), None)

    def find_throughput(self, name: str) -> Throughput | None:
        return next((one for one in self.throughputs.values() if name in (one.name, one.arn)), None)

    def update_deployment(self, name: str, model_arn: str) -> None:
        super().update_deployment(name.partition("#")[0], model_arn)

    def update_throughput(self, name: str, model_arn: str) -> None:
        super().update_throughput(name.partition("#")[0], model_arn)

    def delete_deployment(self, name: str) -> None:
        super().delete_deployment(name.partition("#")[0])

    def delete_throughput(self, name: str) -> None:
        super().delete_throughput(name.partition("#")[0])

    def pass_time(self, _: float = 0) -> None:
        """End all changes in progress."""
        self.end_change(fails=self.fails)


class Crash(BaseException):
    """A process is killed."""


class Crashes:
    """
    Count the calls to AWS, and kill the process at one of them.

    :ivar at: number of the call at which the process is killed, counted from 1; 0 for no crash.
    :ivar after: whether AWS still carries out the call.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.at = 0
        self.after = False

    def watch(self, target: Any) -> Any:
        """Return an object whose methods are those of ``target``, with a crash at the chosen call."""
        return _Watched(target, self)

    def around(self, call: Callable[[], Any]) -> Any:
        """Make a call, unless the process is killed before it."""
        self.calls += 1
        if self.calls != self.at:
            return call()
        if self.after:
            with suppress(Exception):
                call()
        raise Crash


class _Watched:
    def __init__(self, target: Any, crashes: Crashes) -> None:
        self._target, self._crashes = target, crashes

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if not callable(value):
            return value
        return lambda *arguments, **named: self._crashes.around(lambda: value(*arguments, **named))


@dataclasses.dataclass
class Run:
    """A run that promotes a model. Each step is a task of the DAG, and all state is outside the process."""

    bedrock: StandingAccount
    store: MemoryStore
    run_id: str
    model_arn: str = NEW
    kind: StandingKind = "on_demand"
    crashes: Crashes = dataclasses.field(default_factory=Crashes)
    live: tuple[str, ...] = ()
    change: ChangeKind = "promotion"

    @property
    def holder(self) -> Holder:
        return Holder("distill_aws_docs_qa", self.run_id, run_key("distill_aws_docs_qa", self.run_id))

    @property
    def site(self) -> StandingSite:
        return StandingSite(self.crashes.watch(self.bedrock), self.crashes.watch(self.store), USE_CASE, ROOT)

    @property
    def folder(self) -> RunFolder:
        return RunFolder(f"{ROOT}/runs/{USE_CASE.name}/{self.holder.run_key}")

    def is_live(self, dag_id: str, run_id: str) -> bool:
        return run_id in self.live

    def preflight(self) -> None:
        """Save the champion that the run's model is compared with."""
        save_champion_snapshot(self.store, self.folder, champion_before_run(self.store, self.folder, USE_CASE.name))

    def switch(self) -> SwitchManifest:
        """Do what the task ``switch`` does."""
        champion = read_champion(self.site.store, self.site.champion_uri)
        replaces = champion.model_arn if champion else None
        aim = ChangeAim(self.change, self.model_arn, replaces, self.kind, self.site.name)
        change = self.site.lock.take(self.holder, aim, is_live=self.is_live)
        switched = switch(self.site, change, is_live=self.is_live)
        return {
            "kind": self.kind,
            "name": self.site.name,
            "arn": switched.endpoint.arn,
            "model_arn": self.model_arn,
            "student": "nova-micro",
            "number": switched.change["number"],
            "created": switched.created,
        }

    def wait(self, manifest: SwitchManifest) -> str:
        """Do what the sensor ``switched`` does."""
        for _ in range(3):
            if arn := switched_arn(self.site, manifest):
                return arn
            self.bedrock.pass_time()
        raise AssertionError("the endpoint never answers with the model")

    def promote(self, manifest: SwitchManifest) -> Champion:
        """Do what the task ``promote`` does."""
        site, folder = self.site, self.folder
        stored = read_stored_champion(site.store, site.champion_uri)
        endpoint = confirm(site, manifest, self.holder)
        winner = Champion(
            use_case=USE_CASE.name, model_arn=self.model_arn, student="nova-micro", arm="tuned",
            run_key=folder.run_key, dag_id="distill_aws_docs_qa", run_id=self.run_id, verdict="tuned is better",
            promoted_at="2026-11-27T02:00:00+00:00", simulated=True, report_uri=f"{folder.uri}/report/report.json",
        )  # fmt: skip
        change = RecordChange(
            kind="promotion", dag_id=winner.dag_id, run_id=self.run_id, run_key=folder.run_key, at="2026-11-27T02:00:00"
        )
        recorded = champion_endpoint(site, kind_named(self.kind), endpoint)
        champion = promote(site.store, folder, winner, endpoint=recorded, change=change, stored=stored)
        confirm(site, manifest, self.holder)
        return champion

    def settle(self) -> SettleManifest:
        """Do what the task ``settle`` does."""
        return Settling(self.site, self.holder, is_live=self.is_live, sleep=self.bedrock.pass_time).run()

    def all_tasks(self) -> SettleManifest:
        """Promote the model."""
        manifest = self.switch()
        self.wait(manifest)
        self.promote(manifest)
        return self.settle()


def agreement(bedrock: StandingAccount, store: MemoryStore) -> str:
    """Return the champion's model after checking that the endpoint agrees with the record; empty without a champion."""
    run = Run(bedrock, store, "any")
    champion, change = read_champion(store, run.site.champion_uri), run.site.lock.read()
    endpoints = [(kind, one) for kind in ENDPOINT_KINDS for one in kind.list(bedrock)]  # type: ignore[arg-type]
    assert change is None or change["state"] == "settled"
    if champion is None or champion.endpoint is None:
        assert endpoints == []
        return champion.model_arn if champion else ""
    [(kind, endpoint)] = endpoints
    served = kind.served(endpoint)
    assert (endpoint.arn, served.progress) == (champion.endpoint.arn, Progress.SUCCEEDED)
    assert served.model_arn == champion.model_arn
    return champion.model_arn


@dataclasses.dataclass
class Rollback(Run):
    """A run that makes an earlier champion the champion again. Each step is a task of the DAG."""

    model_arn: str = OLD
    change: ChangeKind = "rollback"

    def preflight(self) -> None:
        """Freeze the choice, as the task ``choose`` does."""
        site = StandingSite(cast(Any, self.bedrock), self.store, USE_CASE, ROOT)
        champion = read_champion(self.store, site.champion_uri)
        assert champion is not None
        target = next(one for one in rollback_choices(champion) if one.model_arn == self.model_arn)
        choice: RollbackChoice = {
            "use_case": USE_CASE.name, "to": self.model_arn, "target": target.alone().model_dump(mode="json"),
            "replaces": champion.model_arn, "chosen_at": "2026-11-27T03:00:00", "dag_id": self.holder.dag_id,
            "run_id": self.run_id, "price": None,
        }  # fmt: skip
        write_json_if_absent(self.store, self._choice_uri, choice)

    @property
    def _choice_uri(self) -> str:
        return rollback_choice_uri(ROOT, USE_CASE.name, self.holder.run_key)

    def promote(self, manifest: SwitchManifest) -> Champion:
        """Do what the task ``restore`` does."""
        site = self.site
        endpoint = confirm(site, manifest, self.holder)
        choice = read_json(site.store, self._choice_uri, RollbackChoice)
        change = RecordChange(
            kind="rollback", dag_id=self.holder.dag_id, run_id=self.run_id, run_key=self.holder.run_key, at="2026-11-27"
        )
        recorded = champion_endpoint(site, kind_named(self.kind), endpoint)
        champion = restore_champion(site.store, site.champion_uri, choice, change=change, endpoint=recorded)
        confirm(site, manifest, self.holder)
        return champion
