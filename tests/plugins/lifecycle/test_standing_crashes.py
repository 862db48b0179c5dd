"""
Kill a promotion at every call to AWS, before and after the call, and continue in every way.

At the end, the standing endpoint always answers with the recorded champion, or there is neither.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from include.distill.core.errors import PromotionError
from include.distill.evaluation.champion import read_champion
from include.distill.evaluation.records import StandingKind
from tests.fakes.memory_store import MemoryStore
from tests.fakes.standing_account import NEW, OLD, Crash, Rollback, Run, StandingAccount, agreement

KINDS: tuple[StandingKind, ...] = ("on_demand", "provisioned")
MOST_CALLS = 200


def prepared(kind: StandingKind, *, has_champion: bool) -> Run:
    """Return the run that promotes the new model, in an account with or without a champion."""
    bedrock, store = StandingAccount(), MemoryStore()
    if has_champion:
        first = Run(bedrock, store, "first", OLD, kind)
        first.preflight()
        first.all_tasks()
    run = Run(bedrock, store, "second", NEW, kind)
    run.preflight()
    return run


def give_up_in_smoke(run: Run) -> object:
    """Fail the smoke test, so that only ``settle`` follows."""
    run.wait(run.switch())
    return run.settle()


def rollback(kind: StandingKind) -> Run:
    """Return the run that puts the old model back, in an account whose champion is the new model."""
    promotion = prepared(kind, has_champion=True)
    promotion.all_tasks()
    run = Rollback(promotion.bedrock, promotion.store, "back", OLD, kind)
    run.preflight()
    return run


def crash_everywhere(
    kind: StandingKind, has_champion: bool, tasks: Callable[[Run], object], prepare: Callable[[], Run] | None = None
) -> list[Run]:
    """Run the tasks once for every call, before and after which the process is killed."""
    crashed = []
    for after in (False, True):
        for number in range(1, MOST_CALLS):
            run = prepare() if prepare else prepared(kind, has_champion=has_champion)
            run.crashes.at, run.crashes.after = number, after
            try:
                tasks(run)
            except Crash:
                run.crashes.at = 0
                crashed.append(run)
            else:
                assert number > 20, "the tasks make more calls than this"
                break
    return crashed


@pytest.fixture(params=[(kind, has) for kind in KINDS for has in (False, True)], ids=lambda given: f"{given}")
def case(request: pytest.FixtureRequest) -> tuple[StandingKind, bool]:
    given: tuple[StandingKind, bool] = request.param
    return given


def test_a_promotion_that_is_repeated_after_any_crash_promotes_the_model(case: tuple[StandingKind, bool]) -> None:
    for run in crash_everywhere(*case, Run.all_tasks):
        arn = [one.arn for one in (*run.bedrock.deployments.values(), *run.bedrock.throughputs.values())]
        run.all_tasks()
        assert agreement(run.bedrock, run.store) == NEW
        after = [one.arn for one in (*run.bedrock.deployments.values(), *run.bedrock.throughputs.values())]
        assert not arn or after == arn, "applications would need another ARN"


def test_a_promotion_that_is_given_up_after_any_crash_leaves_the_recorded_champion(
    case: tuple[StandingKind, bool],
) -> None:
    before = OLD if case[1] else ""
    models = set()
    for run in crash_everywhere(*case, Run.all_tasks):
        run.settle()
        models.add(agreement(run.bedrock, run.store))
    assert models == {before, NEW}


def test_the_next_run_heals_what_a_crashed_run_left_also_without_a_winner(case: tuple[StandingKind, bool]) -> None:
    before = OLD if case[1] else ""
    models = set()
    for run in crash_everywhere(*case, Run.all_tasks):
        Run(run.bedrock, run.store, "third", kind=case[0]).settle()
        models.add(agreement(run.bedrock, run.store))
    assert models == {before, NEW}


def test_the_next_run_promotes_its_model_whatever_a_crashed_run_left(case: tuple[StandingKind, bool]) -> None:
    for run in crash_everywhere(*case, Run.all_tasks):
        run.bedrock.pass_time()
        run.bedrock.models.add("arn:model/third")
        third = Run(run.bedrock, run.store, "third", "arn:model/third", case[0])
        third.preflight()
        third.all_tasks()
        assert agreement(run.bedrock, run.store) == "arn:model/third"


def test_while_its_run_is_in_progress_another_run_leaves_the_endpoint_alone(case: tuple[StandingKind, bool]) -> None:
    for run in crash_everywhere(*case, Run.all_tasks):
        before = (dict(run.bedrock.deployments), dict(run.bedrock.throughputs))
        other = Run(run.bedrock, run.store, "third", kind=case[0], live=("second", "first"))
        action = other.settle()["action"]
        change = run.site.lock.read()
        if change is not None and change["state"] != "settled":
            assert action == "left_to_other"
        assert (run.bedrock.deployments, run.bedrock.throughputs) == before


def test_a_settle_that_is_repeated_after_any_crash_restores_the_old_model(case: tuple[StandingKind, bool]) -> None:
    for run in crash_everywhere(*case, give_up_in_smoke):
        run.settle()
        assert agreement(run.bedrock, run.store) == (OLD if case[1] else "")


def test_a_run_that_is_cleared_at_any_call_of_settle_promotes_its_model(case: tuple[StandingKind, bool]) -> None:
    for run in crash_everywhere(*case, give_up_in_smoke):
        run.bedrock.pass_time()
        run.all_tasks()
        assert agreement(run.bedrock, run.store) == NEW


@pytest.mark.parametrize("kind", KINDS)
class TestRollback:
    def test_a_rollback_that_is_repeated_after_any_crash_puts_the_old_model_back(self, kind: StandingKind) -> None:
        for run in crash_everywhere(kind, True, Run.all_tasks, lambda: rollback(kind)):
            run.all_tasks()
            assert agreement(run.bedrock, run.store) == OLD
            writes = len(run.store.writes)
            assert run.all_tasks()["action"] == "none"
            assert agreement(run.bedrock, run.store) == OLD
            champion = read_champion(run.store, run.site.champion_uri)
            assert champion is not None
            assert ([one.model_arn for one in champion.withdrawn], champion.history[0].model_arn) == ([NEW], NEW)
            # A change that is cleared after its success takes and ends the lock again, and changes nothing else.
            assert len(run.store.writes) == writes + 2

    def test_a_rollback_that_is_given_up_after_any_crash_leaves_the_recorded_champion(self, kind: StandingKind) -> None:
        models = set()
        for run in crash_everywhere(kind, True, Run.all_tasks, lambda: rollback(kind)):
            run.settle()
            models.add(agreement(run.bedrock, run.store))
        assert models == {OLD, NEW}

    def test_a_run_that_is_cleared_after_its_model_was_rolled_back_promotes_nothing(self, kind: StandingKind) -> None:
        run = rollback(kind)
        run.all_tasks()
        cleared = Run(run.bedrock, run.store, "second", NEW, kind)
        cleared.wait(cleared.switch())
        with pytest.raises(PromotionError, match="was rolled back"):
            cleared.promote(cleared.switch())
        assert cleared.settle()["action"] == "restored"
        assert agreement(run.bedrock, run.store) == OLD
