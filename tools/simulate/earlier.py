"""Execute the earlier runs that the schedules of a part find, and say what of them must stay and what must go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from include.distill.core.naming import run_key, throughput_names
from tools.simulate.environment import TRAINING_BUCKET
from tools.simulate.parts import (
    APPROVE,
    EARLIER_RUN,
    LEFT_DEPLOYMENT,
    LEFT_THROUGHPUT,
    NAME,
    PROMOTION,
    Approval,
)

if TYPE_CHECKING:
    from tools.simulate.account import MemoryAccount
    from tools.simulate.api_server import ApiServer
    from tools.simulate.clock import VirtualClock
    from tools.simulate.dag_run import DagRun
    from tools.simulate.parts import Part

DAY = 86_400.0
NEIGHBOUR, LIVE = "it belongs to a neighbour", "its run is live"
UNKNOWN = "Airflow does not know its run, but it has not expired"
UNSEEN = "nobody has seen it in the list"
# A run that no database knows, and its throughput.
FORGOTTEN_RUN = "manual__forgotten"
FORGOTTEN_KEY = run_key(f"distill_{NAME}", FORGOTTEN_RUN)
FORGOTTEN = throughput_names("simulated", NAME, "tuned", FORGOTTEN_KEY, 1).name


class Installation(Protocol):
    """What the earlier runs need of the simulated installation."""

    part: Part
    account: MemoryAccount
    api: ApiServer
    clock: VirtualClock

    def run_earlier(self, part: Part, number: int, first_row: int) -> DagRun:
        """Execute a run of a part before the schedules."""


@dataclass(frozen=True)
class Expected:
    """
    What a clean-up or the sweeper must leave, and what it must delete.

    Each thing is the name of an endpoint or a model, or the URI of a folder.

    :ivar stays: what must stay, and why.
    """

    stays: Mapping[str, str] = field(default_factory=dict, hash=False)
    goes: frozenset[str] = frozenset()


NOTHING = Expected()


def promote_twice(world: Installation) -> Expected:
    """Let two runs promote a model each, so that a person can go back from the second one to the first one."""
    for number in (EARLIER_RUN, EARLIER_RUN + 1):
        run = world.run_earlier(PROMOTION, number, first_row=100 * number)
        if run.state != "success":
            raise RuntimeError(f"The earlier run {run.run_id} has not promoted its model: it is {run.state}.")
        world.clock.sleep(DAY)
    return Expected()


def train(world: Installation) -> Expected:
    """Let an approved run train the model of the part, so that other runs find it."""
    trains = ("approve_spending", "tuned.merge", "tuned.upload", "tuned.submit", "tuned.trained", "outcome")
    run = world.run_earlier(replace(world.part, tasks=trains, approval=Approval(APPROVE)), EARLIER_RUN, first_row=0)
    if run.state != "success":
        raise RuntimeError(f"The earlier run {run.run_id} has not trained its model: it is {run.state}.")
    world.clock.sleep(DAY)
    return NOTHING


def leave_endpoints(world: Installation) -> Expected:
    """
    Leave the endpoints of runs that have ended, and others that the sweeper must not delete.

    Two runs are unknown to Airflow. The endpoint of one of them has expired. The endpoint of a live run expires within
    the hour.
    """
    deployed = world.run_earlier(LEFT_DEPLOYMENT, EARLIER_RUN + 3, first_row=0)
    lost = world.run_earlier(LEFT_THROUGHPUT, EARLIER_RUN, first_row=0)
    goes = {*_of_runs(world, lost)}
    del world.api.runs[lost.run_id]
    world.clock.sleep(2 * DAY)
    live = world.run_earlier(LEFT_THROUGHPUT, EARLIER_RUN + 1, first_row=0)
    live.state = "running"
    world.clock.sleep(DAY - 3600)
    failed = world.run_earlier(LEFT_THROUGHPUT, EARLIER_RUN + 2, first_row=0)
    failed.state = deployed.state = "failed"
    goes |= {*_of_runs(world, failed), *_of_runs(world, deployed)}
    world.run_earlier(PROMOTION, EARLIER_RUN + 4, first_row=0)
    unknown = world.run_earlier(LEFT_THROUGHPUT, EARLIER_RUN + 5, first_row=0)
    stays = {**dict.fromkeys(_of_runs(world, live), LIVE), **dict.fromkeys(_of_runs(world, unknown), UNKNOWN)}
    del world.api.runs[unknown.run_id]
    [standing] = [one["name"] for one in world.account.ledger["throughputs"] if "-champion-" in one["name"]]
    stays[standing] = "applications call it"
    return Expected({**stays, **_neighbours(world)}, frozenset(goes))


def _of_runs(world: Installation, run: DagRun) -> Iterator[str]:
    """Yield the names of the endpoints that a run has created."""
    ledger = world.account.ledger
    key = run_key(run.graph.dag.dag_id, run.run_id)
    hook = BedrockDistillHook("aws_default")
    for one in (*ledger["throughputs"], *ledger["deployments"]):
        tags = hook.tags(one["arn"])
        if tags.get("run-key") == key and tags.get("role") != "standing":
            yield one["name"]


def _neighbours(world: Installation) -> Mapping[str, str]:
    """
    Create an endpoint of another environment, one of another project, and one whose tags a person has changed.

    Airflow does not know the runs that their tags name, and they have expired. They serve the champion.
    """
    hook = BedrockDistillHook("aws_default")
    ours = next(one for one in hook.list_throughputs() if "-champion-" not in one.name)
    model = next(one.model_arn for one in hook.list_throughputs() if "-champion-" in one.name)
    tags = {**hook.tags(ours.arn), "run-id": "unknown", "run-key": "unknown", "expires-at": "2026-01-01T00:00:00Z"}
    owners = {
        f"prod{ours.name.removeprefix('simulated')}": {**tags, "environment": "prod"},
        "other-project": {},
        "changed-tags": tags,
    }
    for name, of in owners.items():
        hook.create_throughput(name=name, token=name, model_arn=model, units=1, tags=of)
    world.clock.sleep(3600)
    return dict.fromkeys(owners, NEIGHBOUR)


def leave_a_run(world: Installation) -> Expected:
    """Leave two champions with a standing endpoint, and a failed run with a model, a folder and throughput."""
    promote_twice(world)
    stays = {**_of_champions(world)}
    failed = world.run_earlier(LEFT_THROUGHPUT, EARLIER_RUN + 2, first_row=0)
    failed.state = "failed"
    goes = {*_of_runs(world, failed), _model(world), _folder(failed)}
    world.clock.sleep(2 * DAY)
    return Expected({**stays, **_neighbours(world), FORGOTTEN: UNSEEN}, frozenset(goes))


def leave_a_live_run(world: Installation) -> Expected:
    """Leave two champions with a standing endpoint, and a live run."""
    promote_twice(world)
    stays = {**_of_champions(world)}
    goes = {name for name in stays if "-champion-" in name}
    live = world.run_earlier(LEFT_THROUGHPUT, EARLIER_RUN + 2, first_row=0)
    live.state = "running"
    stays |= dict.fromkeys((*_of_runs(world, live), _model(world), _folder(live)), LIVE)
    return Expected({name: why for name, why in stays.items() if name not in goes}, frozenset(goes))


def _of_champions(world: Installation) -> Mapping[str, str]:
    """Return what belongs to the champion, to the one before it, or to nobody alone."""
    ledger, runs = world.account.ledger, world.api.runs.values()
    names = [one["name"] for one in (*ledger["throughputs"], *ledger["custom_models"])]
    return dict.fromkeys([*names, *(_folder(run) for run in runs)], "it belongs to a champion")


def _model(world: Installation) -> str:
    models: list[dict[str, str]] = world.account.ledger["custom_models"]
    return max(models, key=lambda model: model["created"])["name"]


def _folder(run: DagRun) -> str:
    return f"s3://{TRAINING_BUCKET}/{NAME}/runs/{NAME}/{run_key(run.graph.dag.dag_id, run.run_id)}/"


EARLIER: Mapping[str, Callable[[Installation], Expected]] = {
    "promote_twice": promote_twice,
    "train": train,
    "leave_endpoints": leave_endpoints,
    "leave_a_run": leave_a_run,
    "leave_a_live_run": leave_a_live_run,
}
