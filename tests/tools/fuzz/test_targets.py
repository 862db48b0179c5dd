from __future__ import annotations

from tools.fuzz.targets import TARGETS, divide


def test_names_are_unique_and_each_target_has_seeds() -> None:
    assert all(name == target.name and target.seeds for name, target in TARGETS.items())
    assert {"csv", "ingest", "teacher", "verdict", "reply", "batch", "evaluation", "use_case", "api"} <= TARGETS.keys()


def test_inputs_are_divided_by_share() -> None:
    divided = divide(100_000, list(TARGETS.values()))
    assert round(divided["verdict"] / divided["use_case"]) == 8
    assert 99_900 <= sum(divided.values()) <= 100_000
    assert set(divide(1, list(TARGETS.values())).values()) == {1}
