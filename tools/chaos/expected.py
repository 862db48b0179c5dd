"""
Draw schedules of one fault and compute how they end in the simulation: ``python -m tools.chaos.expected``.

The simulation replaces the time of its process, so ``make chaos`` runs it in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.distill.core.paths import PROJECT_ROOT
from tools.chaos.planned_fault import Place, places_of
from tools.simulate.environment import prepare
from tools.simulate.faults import KILLS, OTHERS, SLEEPS, Fault, Kind, Way
from tools.simulate.parts import ON_DEMAND, SERVING, TRAINING, Part
from tools.simulate.schedules import Schedule, single_faults, spread

if TYPE_CHECKING:
    from tools.simulate.record import Record
    from tools.simulate.world import World

PARTS = (TRAINING, SERVING, ON_DEMAND)
POLLS = 2  # later polls of a trigger depend on the speed of the machine
# Why a fault of the simulation is not repeated on a real Airflow.
LEFT_OUT = {
    "the metadata is lost": "all cases share one database",
    "the triggerer is killed": "all cases share one triggerer",
    "a process sleeps": "nothing on a real Airflow stops a task for minutes at an exact call",
    "another run takes place": "the task would have to wait for a whole run at an exact call",
    "a poll of a trigger after the second one": "how many polls there are depends on the speed of the machine",
}


@dataclass(frozen=True)
class Expected:
    """
    A schedule, and how it ends.

    :ivar fault: ``None`` for the run without faults.
    :ivar place: where the fault happens.
    :ivar calls: the calls of the first run without faults; empty for other schedules.
    :ivar ended: the states in which the runs have ended.
    :ivar tasks: the states of the tasks at the end of each run.
    :ivar bought: what was bought, as :func:`bought_in` describes it.
    """

    part: str
    fault: Fault | None
    place: Place | None
    calls: tuple[Place, ...]
    ended: tuple[str, ...]
    tasks: tuple[Mapping[str, str | None], ...]
    bought: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return the schedule in the form in which one process passes it to the other."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Expected:
        """Return the schedule that another process has passed on."""
        return cls(
            part=stored["part"],
            fault=Fault.from_json(stored["fault"]) if stored["fault"] else None,
            place=Place(**stored["place"]) if stored["place"] else None,
            calls=tuple(Place(**one) for one in stored["calls"]),
            ended=tuple(stored["ended"]),
            tasks=tuple(stored["tasks"]),
            bought=stored["bought"],
        )


def left_out(fault: Fault, place: Place) -> str | None:
    """Return why a fault is not repeated on a real Airflow; ``None`` if it is."""
    if fault.way is Way.LOSE_METADATA:
        return "the metadata is lost"
    if fault.kind in SLEEPS:
        return "a process sleeps"
    if fault.kind in OTHERS:
        return "another run takes place"
    if place.process == "trigger":
        if fault.kind is Kind.DEAD_TRIGGERER or (fault.kind in KILLS and fault.way is Way.RETRY):
            return "the triggerer is killed"
        if place.occurrence > POLLS:
            return "a poll of a trigger after the second one"
    return None


def bought_in(ledger: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was bought: for each job, whether it was stopped, and for each endpoint, whether it still exists."""
    jobs = sorted(ledger["jobs"], key=lambda job: job["created"])
    return {
        "jobs": ["stopped" if job["status"] in ("Stopping", "Stopped") else "kept" for job in jobs],
        "throughputs": sorted(bool(one["alive"]) for one in ledger["throughputs"]),
        "deployments": sorted(bool(one["alive"]) for one in ledger["deployments"]),
    }


def draw(count: int, seed: int, scratch: Path) -> list[Expected]:
    """
    Return the run without faults of each part, and ``count`` schedules of one fault in all.

    The parts take turns. Within a part, rare situations come early.

    :param scratch: an empty folder.
    """
    found: list[Expected] = []
    for number, part in enumerate(PARTS):
        own = len(range(number, count, len(PARTS)))
        found += _draw_part(part, own, seed, scratch / part.name)
    return found


def _draw_part(part: Part, count: int, seed: int, folder: Path) -> Iterator[Expected]:
    from tools.simulate.world import open_world  # imports Airflow and the plugins, which need the environment

    with open_world(folder, part) as world, world.worker.remembering():
        record = world.run(())
        places = places_of(record.calls)
        yield _expected(world, record, None, None, tuple(places))
        possible = (one for one in single_faults(record.calls) if not left_out(one[0], places[one[0].at]))
        schedules: list[Schedule] = spread(possible, record.calls, seed)
        for (fault,) in schedules[:count]:
            yield _expected(world, world.run((fault,)), fault, places[fault.at], ())


def _expected(
    world: World, record: Record, fault: Fault | None, place: Place | None, calls: tuple[Place, ...]
) -> Expected:
    tasks = tuple({label: task.state for label, task in run.tasks.items()} for run in world.api.runs.values())
    return Expected(world.part.name, fault, place, calls, tuple(record.ended), tasks, bought_in(record.ledgers[-1]))


def compute(count: int, seed: int) -> list[Expected]:
    """Draw schedules in another process, and return them."""
    with tempfile.TemporaryDirectory(prefix="calibrate-") as folder:
        out = Path(folder) / "expected.json"
        command = [sys.executable, "-m", "tools.chaos.expected", str(count), str(seed), str(out)]
        subprocess.run(command, check=True, cwd=PROJECT_ROOT)  # noqa: S603 our own
        return [Expected.from_json(one) for one in json.loads(out.read_text(encoding="utf-8"))]


def main(arguments: Sequence[str]) -> int:
    """Draw schedules, and write them to a file."""
    count, seed, out = int(arguments[0]), int(arguments[1]), Path(arguments[2])
    with tempfile.TemporaryDirectory(prefix="expected-") as folder:
        prepare(Path(folder))
        drawn = draw(count, seed, Path(folder) / "use_cases")
    out.write_text(json.dumps([one.as_json() for one in drawn]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
