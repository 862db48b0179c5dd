"""Say at which call of which process a fault happens on a real Airflow, and pass files between processes about it."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.simulate.faults import KILLS, Call, Kind, Way

VARIABLE = "CHAOS_PLANS"  # names the folder of the plans in the processes of Airflow


@dataclass(frozen=True)
class Place:
    """
    A call, in a way that means the same in the simulation and on a real Airflow.

    :ivar task: the id of the task, with the number of the instance of a mapped task.
    :ivar process: ``task`` or ``trigger``.
    :ivar number: which of the processes of this kind it is that the run has had for the task, counted from 1.
    :ivar what: the operation of AWS, or the message to Airflow.
    :ivar occurrence: which of the process's calls of this operation it is, counted from 1.
    """

    task: str
    process: str
    number: int
    what: str
    occurrence: int

    def __str__(self) -> str:
        return f"{self.process} {self.number} of {self.task}, {self.what} {self.occurrence}"


@dataclass(frozen=True)
class PlannedFault:
    """A fault of a run, at a place of its first run."""

    run_id: str
    place: Place
    kind: Kind
    way: Way

    @property
    def is_acted_on(self) -> bool:
        """Whether a person acts after the fault."""
        return self.way is not Way.RETRY

    @property
    def is_kill(self) -> bool:
        """Whether the process ends at the call."""
        return self.kind in KILLS

    def as_json(self) -> dict[str, Any]:
        """Return the fault in the form that a plan stores."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> PlannedFault:
        """Return the fault of a plan."""
        return cls(stored["run_id"], Place(**stored["place"]), Kind(stored["kind"]), Way(stored["way"]))


def places_of(calls: Iterable[Call]) -> list[Place]:
    """Return the place of each call of an undisturbed run, in which no process follows another one of its kind."""
    found: list[Place] = []
    before: tuple[str, str] | None = None
    numbers: Counter[tuple[str, str]] = Counter()
    seen: Counter[str] = Counter()
    for call in calls:
        of = call.task, call.process
        if of != before:
            numbers[of] += 1
            seen.clear()
            before = of
        seen[call.what] += 1
        found.append(Place(*of, numbers[of], call.what, seen[call.what]))
    return found


class Plans:
    """
    A folder in which the driver leaves plans, and the processes of Airflow leave marks.

    :param folder: exists.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def from_environment(cls) -> Plans:
        """Return the plans of the stack to which this process belongs."""
        return cls(Path(os.environ[VARIABLE]))

    def write(self, dag_id: str, planned: PlannedFault) -> None:
        """Plan the fault of a DAG, before its run starts."""
        (self._folder / f"{dag_id}.json").write_text(json.dumps(planned.as_json()), encoding="utf-8")

    def read(self, dag_id: str) -> PlannedFault | None:
        """Return the planned fault of a DAG; ``None`` if nothing is planned."""
        try:
            return PlannedFault.from_json(json.loads((self._folder / f"{dag_id}.json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def mark(self, dag_id: str, name: str, text: str = "") -> bool:
        """Leave a mark. Return whether it is the first one of this name."""
        draft = self._folder / f"{dag_id}.{name}.{os.getpid()}.draft"
        draft.write_text(text, encoding="utf-8")
        try:
            os.link(draft, self._folder / f"{dag_id}.{name}")  # so that a reader never sees half a mark
        except FileExistsError:
            return False
        finally:
            draft.unlink()
        return True

    def marked(self, dag_id: str, name: str) -> str | None:
        """Return the text of a mark; ``None`` if nobody has left it."""
        try:
            return (self._folder / f"{dag_id}.{name}").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def record(self, dag_id: str, run_id: str, place: Place) -> None:
        """Record that a process makes a call."""
        line = json.dumps({"run_id": run_id, **asdict(place)}) + "\n"
        with (self._folder / f"{dag_id}.calls").open("a", encoding="utf-8") as file:
            file.write(line)

    def recorded(self, dag_id: str, run_id: str) -> list[Place]:
        """Return the calls of a run that were recorded."""
        path = self._folder / f"{dag_id}.calls"
        stored = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
        return [Place(**one) for one in stored if one.pop("run_id") == run_id]
