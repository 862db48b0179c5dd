"""Each run keeps what belongs to it, and what both runs use."""

from __future__ import annotations

from tests.tools.simulate.checks.ends import BACKFILL, OTHER, ledger, met
from tools.simulate.divided import Sharing, divide, endpoints_of
from tools.simulate.faults import Way
from tools.simulate.record import Record

JOBS = ledger(
    {"name": "e-simulated-tuned-0"},
    {"name": "e-neighbour-tuned-0"},
    throughputs=({"name": "e-a-s1"}, {"name": "e-b-s1"}, {"name": "e-champion-0"}),
)
ALL = {
    **JOBS,
    "custom_models": [],
    "evaluation_jobs": [],
    "optimization_jobs": [],
    "batch_jobs": [{"name": "e-neighbour-synthesize-0"}],
}
OBJECTS = {
    "s3://b/simulated/runs/simulated/r/x": b"1",
    "s3://b/simulated/runs/neighbour/r/x": b"2",
    "s3://b/simulated/champions/neighbour.json": b"3",
    "s3://b/simulated/responses/0/x": b"4",
}


def names(found: dict[str, list[dict[str, str]]], kind: str) -> list[str]:
    return [one["name"] for one in found[kind]]


def test_jobs_belong_to_the_use_case_in_their_name_and_batch_jobs_to_both() -> None:
    sharing = Sharing("neighbour", is_backfill=False, endpoints=())
    own, other = sharing.ledger(ALL, is_other=False), sharing.ledger(ALL, is_other=True)
    assert (names(own, "jobs"), names(other, "jobs")) == (["e-simulated-tuned-0"], ["e-neighbour-tuned-0"])
    assert own["batch_jobs"] == other["batch_jobs"] == ALL["batch_jobs"]


def test_runs_of_a_use_case_share_its_jobs_and_its_standing_endpoint() -> None:
    sharing = Sharing("neighbour", is_backfill=True, endpoints={"e-b-s1"})
    own, other = sharing.ledger(ALL, is_other=False), sharing.ledger(ALL, is_other=True)
    assert names(own, "jobs") == names(other, "jobs") == ["e-simulated-tuned-0"]
    assert names(own, "throughputs") == ["e-a-s1", "e-champion-0"]
    assert names(other, "throughputs") == ["e-b-s1", "e-champion-0"]
    assert endpoints_of(ALL) == {"e-a-s1", "e-b-s1"}


def test_objects_belong_to_the_use_case_below_the_prefix() -> None:
    sharing = Sharing("neighbour", is_backfill=False, endpoints=())
    own, other = sharing.objects(OBJECTS, is_other=False), sharing.objects(OBJECTS, is_other=True)
    assert sorted(own.values()) == [b"1", b"4"]
    assert sorted(other.values()) == [b"2", b"3", b"4"]


def test_each_run_is_judged_by_its_own_faults() -> None:
    own, others = met(Way.RETRY), met(Way.CLEAR, run=OTHER)
    record, other = Record((), met=[own, others]), Record((), started={OTHER: 0.0})
    divide(record, other, Sharing("neighbour", is_backfill=False, endpoints=()), ALL)
    assert (record.met, record.elsewhere, other.met, other.elsewhere) == ([own], [others], [others], [own])
    assert (record.others, record.together) == ([other], ALL)


def test_both_runs_of_a_use_case_ask_about_the_same_endpoint() -> None:
    record, other = Record((), choices=["Reject"]), Record((), choices=["Approve"], started={BACKFILL: 0.0})
    divide(record, other, Sharing("neighbour", is_backfill=True, endpoints=()), ALL)
    assert record.choices == other.choices == ["Reject", "Approve"]
