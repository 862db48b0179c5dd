from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from include.distill.core.errors import ChangeInProgressError, ContractError, EndedAttemptError, TransientError
from include.distill.evaluation.endpoint_change import ChangeAim, ChangeLock, Holder
from include.distill.evaluation.endpoint_records import EndpointChange
from tests.fakes.memory_store import MemoryStore

ROOT = "s3://train/distill"
ONE, TWO = Holder("distill_docs", "night-1", "key-1"), Holder("distill_rollback", "night-2", "key-2")
AIM = ChangeAim("promotion", "arn:model/new", "arn:model/old", "on_demand", "standing")


def live(*run_ids: str) -> Any:
    return lambda dag_id, run_id: run_id in run_ids


NOBODY = live()


@pytest.fixture
def lock(store: MemoryStore) -> ChangeLock:
    return ChangeLock(store, ROOT, "docs")


def take(lock: ChangeLock, holder: Holder, aim: ChangeAim = AIM, **more: Any) -> EndpointChange:
    return lock.take(holder, aim, **{"is_live": NOBODY, **more})


class TestTake:
    def test_the_first_change_has_the_number_1(self, lock: ChangeLock, store: MemoryStore) -> None:
        assert lock.read() is None
        change = take(lock, ONE)
        assert change == lock.read()
        assert (change["number"], change["state"], change["run_id"], change["arn"]) == (1, "switching", "night-1", None)
        assert store.writes == [f"{ROOT}/endpoints/docs/change.json"]

    def test_a_process_that_may_not_take_it_writes_nothing(self, lock: ChangeLock, store: MemoryStore) -> None:
        def refuse() -> None:
            raise EndedAttemptError("It has ended.")

        with pytest.raises(EndedAttemptError):
            take(lock, ONE, require_running=refuse)
        assert store.writes == []

    def test_a_run_that_ends_between_the_question_and_the_write_is_noticed(
        self, lock: ChangeLock, store: MemoryStore
    ) -> None:
        asked: list[int] = []

        def settled_after_the_first_question() -> None:
            asked.append(1)
            if len(asked) > 1:
                raise EndedAttemptError("It has ended.")
            lock.end(take(lock, ONE), arn="arn:endpoint")

        with pytest.raises(EndedAttemptError):
            take(lock, ONE, require_running=settled_after_the_first_question)
        change = lock.read()
        assert change is not None
        assert (change["state"], change["number"]) == ("settled", 1)

    def test_another_attempt_goes_on_with_the_same_change(self, lock: ChangeLock, store: MemoryStore) -> None:
        first = take(lock, ONE)
        assert take(lock, ONE, is_live=live("night-1")) == first
        assert len(store.writes) == 1

    @pytest.mark.parametrize(
        "aim",
        [
            dataclasses.replace(AIM, model_arn="arn:model/other"),
            dataclasses.replace(AIM, endpoint_kind="provisioned"),
            dataclasses.replace(AIM, kind="rollback"),
        ],
    )
    def test_another_aim_of_the_same_run_is_another_change(self, lock: ChangeLock, aim: ChangeAim) -> None:
        take(lock, ONE)
        assert take(lock, ONE, aim)["number"] == 2

    def test_a_renewed_change_has_another_number_so_that_bedrock_creates_the_endpoint_again(
        self, lock: ChangeLock
    ) -> None:
        take(lock, ONE)
        renewed = take(lock, ONE, renew=True)
        assert (renewed["number"], take(lock, ONE)) == (2, renewed)

    def test_a_run_in_progress_keeps_the_lock(self, lock: ChangeLock) -> None:
        first = take(lock, ONE)
        with pytest.raises(ChangeInProgressError, match=r"Run night-1 of distill_docs has been changing .*standing"):
            take(lock, TWO, is_live=live("night-1"))
        assert lock.read() == first

    def test_a_run_that_has_ended_or_is_unknown_loses_the_lock(self, lock: ChangeLock) -> None:
        first = take(lock, ONE)
        second = take(lock, TWO)
        assert (second["number"], second["run_key"]) == (2, "key-2")
        assert (lock.is_held(first), lock.is_held(second)) == (False, True)

    def test_a_settled_change_is_free_also_while_its_run_is_in_progress(self, lock: ChangeLock) -> None:
        lock.end(take(lock, ONE), arn="arn:deployment/standing")
        second = take(lock, TWO, is_live=live("night-1"))
        assert (second["number"], second["arn"]) == (2, "arn:deployment/standing")

    def test_a_run_that_is_cleared_after_its_change_was_settled_begins_another_change(self, lock: ChangeLock) -> None:
        lock.end(take(lock, ONE), arn=None)
        assert take(lock, ONE)["number"] == 2

    def test_if_another_run_is_faster_the_lock_is_judged_again(
        self, lock: ChangeLock, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = store.write_if_absent

        def lose_the_race(uri: str, body: bytes) -> bool:
            monkeypatch.setattr(store, "write_if_absent", write)
            take(lock, ONE)
            return write(uri, body)

        monkeypatch.setattr(store, "write_if_absent", lose_the_race)
        with pytest.raises(ChangeInProgressError):
            take(lock, TWO, is_live=live("night-1"))

    def test_a_lock_that_others_write_again_and_again_is_a_transient_error(
        self, lock: ChangeLock, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        take(lock, ONE)
        monkeypatch.setattr(store, "write_if_unchanged", lambda *_: False)
        with pytest.raises(TransientError, match="5 times"):
            take(lock, TWO)

    def test_an_unreadable_record_is_never_taken(self, lock: ChangeLock, store: MemoryStore) -> None:
        store.write(lock.uri, b'{"number": 1}')
        with pytest.raises(ContractError):
            take(lock, ONE)


class TestSettling:
    def test_settling_takes_the_lock_from_the_run_itself_so_that_its_other_tasks_can_no_longer_act(
        self, lock: ChangeLock
    ) -> None:
        change = take(lock, ONE)
        settling = lock.begin_settling(ONE, change, AIM)
        assert settling is not None
        assert (settling["state"], settling["number"]) == ("settling", 2)
        assert not lock.is_held(change)
        assert not lock.is_held(settling)
        assert take(lock, ONE)["number"] == 3

    def test_settling_begins_only_if_the_lock_is_as_the_caller_saw_it(self, lock: ChangeLock) -> None:
        seen = take(lock, ONE)
        taken = take(lock, TWO)
        assert lock.begin_settling(ONE, seen, AIM) is None
        assert lock.begin_settling(ONE, None, AIM) is None
        assert lock.read() == taken

    def test_an_endpoint_that_was_never_changed_can_be_settled(self, lock: ChangeLock) -> None:
        settling = lock.begin_settling(ONE, None, AIM)
        assert settling is not None
        assert (settling["number"], settling["state"]) == (1, "settling")

    def test_a_change_ends_only_if_it_still_has_the_lock(self, lock: ChangeLock, store: MemoryStore) -> None:
        first = take(lock, ONE)
        second = take(lock, TWO)
        lock.end(first, arn=None)
        assert lock.read() == second
        lock.end(second, arn="arn:e")
        ended = lock.read()
        assert ended == {**second, "state": "settled", "arn": "arn:e"}
        writes = len(store.writes)
        lock.end(None, arn=None)
        assert len(store.writes) == writes
