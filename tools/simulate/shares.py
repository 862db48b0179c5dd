"""Store the result of each share of a simulation, and merge the shares that belong together."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from tools.simulate.plan import Plan
from tools.simulate.states import MUST_BE_REACHED


class Noticed(TypedDict):
    """
    After how many schedules the removal of a mechanism was noticed, and by which sentence of the checker.

    ``number`` orders the mechanisms. ``error`` says why the trial proves nothing, and is left out otherwise.
    """

    number: int
    mechanism: str
    caught_after: int | None
    noticed_by: str | None
    error: NotRequired[str]


class Found(TypedDict):
    """
    What the search of a share has found.

    ``pairs`` is the number of schedules with two faults that were enumerated, and ``of_pairs`` the number of those that
    exist.
    """

    schedules: int
    failures: int
    reached: list[str]
    scoreboard: list[Noticed]
    pairs: int
    of_pairs: int


class Fuzzed(TypedDict):
    """What became of the mutated inputs."""

    inputs: int
    seconds: float
    failures: int


class Share(Found):
    """The stored result of a share. The times are those of ``time.time``. ``fuzz`` is ``None`` if no input was read."""

    began: float
    ended: float
    fuzz: Fuzzed | None


def write_json(path: Path, value: object) -> None:
    """Write a file that is never seen half-written, even if this process is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    draft.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def store(folder: Path, number: int, share: Share) -> None:
    """Store a share. It replaces an older result of the same share."""
    write_json(folder / f"{number}.json", share)


def load(folder: Path, plan: Plan) -> dict[int, Share]:
    """Return the stored shares by their numbers."""
    paths = {number: folder / f"{number}.json" for number in range(1, plan.of + 1)}
    return {number: json.loads(path.read_text(encoding="utf-8")) for number, path in paths.items() if path.exists()}


def forget(folder: Path) -> None:
    """
    Remove all shares of a simulation, because each of them runs again, and the shares of other code.

    Shares of other code can never be merged again. Other shares of the same code stay, because their simulation may
    go on in another night.
    """
    code = folder.name.partition("-")[0]
    for other in folder.parent.glob("*/"):
        if other == folder or other.name.partition("-")[0] != code:
            shutil.rmtree(other)


def merge(plan: Plan, shares: Mapping[int, Share]) -> dict[str, Any]:
    """
    Return what ``.local/simulate.json`` contains.

    ``missing`` names the shares that have not run; it is left out if all have run.
    """
    found = list(shares.values())
    noticed = sorted((one for share in found for one in share["scoreboard"]), key=lambda one: one["number"])
    result: dict[str, Any] = {
        "schedules": sum(share["schedules"] for share in found),
        "seconds": round(covered((share["began"], share["ended"]) for share in found), 1),
        "seed": plan.seed,
        "failures": sum(share["failures"] for share in found),
        "unreached": sorted(MUST_BE_REACHED.difference(*(share["reached"] for share in found))),
        "scoreboard": [{key: value for key, value in one.items() if key != "number"} for one in noticed],
    }
    if plan.depth > 1:
        result["pairs"] = sum(share["pairs"] for share in found)
        result["of_pairs"] = sum(share["of_pairs"] for share in found)
    if fuzzed := [share["fuzz"] for share in found if share["fuzz"]]:
        result["fuzz"] = {
            "inputs": sum(one["inputs"] for one in fuzzed),
            "seconds": round(sum(one["seconds"] for one in fuzzed), 1),
            "failures": sum(one["failures"] for one in fuzzed),
        }
    if missing := _missing(plan, shares):
        result["missing"] = missing
    return result


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Return how many seconds at least one of the spans covers. Shares run at the same time, or one after another."""
    total, reached = 0.0, 0.0
    for began, ended in sorted(spans):
        total += max(0.0, ended - max(began, reached))
        reached = max(reached, ended)
    return total


def _missing(plan: Plan, there: Collection[int]) -> list[str]:
    return [f"{number}/{plan.of}" for number in range(1, plan.of + 1) if number not in there]
