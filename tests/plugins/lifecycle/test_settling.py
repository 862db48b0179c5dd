from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from bedrock_distill.lifecycle.endpoints import DEPLOYMENT
from bedrock_distill.lifecycle.settling import Settling
from include.distill.core.errors import ContractError, PromotionError, SettleError, TransientError
from include.distill.core.storage import read_json, write_json
from include.distill.evaluation.champion import read_champion
from include.distill.evaluation.champion_history import set_champion_endpoint
from include.distill.evaluation.endpoint_change import ChangeAim
from include.distill.evaluation.records import StandingKind
from tests.fakes.standing_account import NEW, OLD, Rollback, Run, agreement
from tests.plugins.lifecycle.test_standing import change_endpoint, first_run, second_run


def served(run: Run) -> str | None:
    endpoint = run.site.find(DEPLOYMENT)
    return DEPLOYMENT.served(endpoint).model_arn if endpoint else None


def later(run: Run, run_id: str = "later", *, live: tuple[str, ...] = ()) -> Run:
    return Run(run.bedrock, run.store, run_id, kind=run.kind, live=live)


@pytest.mark.parametrize("kind", ["on_demand", "provisioned"])
def test_after_a_failed_first_promotion_no_endpoint_is_left(kind: StandingKind) -> None:
    run = first_run(kind)
    run.wait(run.switch())
    assert run.settle() == {"action": "deleted", "arn": None, "model_arn": None}
    assert agreement(run.bedrock, run.store) == ""


@pytest.mark.parametrize("kind", ["on_demand", "provisioned"])
@pytest.mark.parametrize("waited", [True, False], ids=["switched", "switching"])
def test_after_a_failed_promotion_the_old_model_answers_again(kind: StandingKind, waited: bool) -> None:
    run = second_run(kind)
    manifest = run.switch()
    if waited:
        run.wait(manifest)
    assert run.settle() == {"action": "restored", "arn": manifest["arn"], "model_arn": OLD}
    assert agreement(run.bedrock, run.store) == OLD
    assert run.settle()["action"] == "none"


def test_after_a_promotion_nothing_is_left_to_do() -> None:
    run = second_run()
    assert run.all_tasks()["action"] == "none"
    assert run.bedrock.updated == [NEW]
    assert agreement(run.bedrock, run.store) == NEW


def test_a_promote_that_is_still_running_can_no_longer_write_after_the_fence() -> None:
    run = second_run()
    manifest = run.switch()
    run.wait(manifest)
    champion = read_champion(run.store, run.site.champion_uri)
    write = run.store.write_if_unchanged

    def settled_first(uri: str, body: bytes, version: str) -> bool:
        run.store.write_if_unchanged = write  # type: ignore[method-assign]
        run.settle()
        return write(uri, body, version)

    run.store.write_if_unchanged = settled_first  # type: ignore[method-assign]
    with pytest.raises(PromotionError, match="Another task has written"):
        run.promote(manifest)
    assert champion is not None
    assert agreement(run.bedrock, run.store) == champion.model_arn == OLD


def test_a_promote_that_is_faster_than_the_fence_keeps_the_new_model() -> None:
    run = second_run()
    manifest = run.switch()
    run.wait(manifest)
    begin = run.store.write_if_unchanged

    def promoted_first(uri: str, body: bytes, version: str) -> bool:
        run.store.write_if_unchanged = begin  # type: ignore[method-assign]
        run.promote(manifest)  # after `settle` has read the record and before it takes the lock
        return begin(uri, body, version)

    run.store.write_if_unchanged = promoted_first  # type: ignore[method-assign]
    assert run.settle()["model_arn"] == NEW
    assert run.bedrock.updated == [NEW]
    assert agreement(run.bedrock, run.store) == NEW


def test_a_first_promote_that_sleeps_through_settle_is_an_error_and_a_rollback_to_the_present_champion_repairs_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Without a record there is nothing to fence, so this promotion names an endpoint that is gone."""
    run = first_run()
    manifest = run.switch()
    run.wait(manifest)
    write = run.store.write_if_absent

    def settled_first(uri: str, body: bytes) -> bool:
        run.store.write_if_absent = write  # type: ignore[method-assign]
        assert run.settle()["action"] == "deleted"
        return write(uri, body)

    run.store.write_if_absent = settled_first  # type: ignore[method-assign]
    with pytest.raises(PromotionError, match="does not exist any more"):
        run.promote(manifest)
    with caplog.at_level(logging.WARNING):
        later(run).settle()
    assert "to: current" in caplog.text
    repair = Rollback(run.bedrock, run.store, "repair", NEW)
    repair.preflight()
    repair.all_tasks()
    assert agreement(run.bedrock, run.store) == NEW
    champion = read_champion(run.store, run.site.champion_uri)
    assert champion is not None
    assert champion.withdrawn == ()


class TestOtherRuns:
    def test_a_change_of_a_run_in_progress_is_left_to_it(self) -> None:
        run = second_run()
        run.switch()
        assert later(run, live=("second",)).settle()["action"] == "left_to_other"
        assert run.site.lock.is_held({**run.site.lock.read()})  # type: ignore[typeddict-item]

    def test_a_change_of_a_run_that_has_ended_is_healed(self) -> None:
        run = second_run()
        run.wait(run.switch())
        assert later(run).settle()["action"] == "restored"
        assert agreement(run.bedrock, run.store) == OLD

    def test_a_model_that_a_person_put_behind_the_endpoint_is_replaced_by_the_champion(self) -> None:
        run = second_run()
        change_endpoint(run, model_arn=NEW)
        assert later(run).settle()["action"] == "restored"
        assert agreement(run.bedrock, run.store) == OLD

    def test_if_the_run_is_cleared_while_settle_waits_the_new_attempt_keeps_the_lock(self) -> None:
        run = second_run()
        run.wait(run.switch())

        def cleared(_: float) -> None:
            run.bedrock.pass_time()
            aim = ChangeAim("promotion", NEW, OLD, run.kind, run.site.name)
            run.site.lock.take(run.holder, aim, is_live=run.is_live)

        settling = Settling(run.site, run.holder, is_live=run.is_live, sleep=cleared)
        assert settling.run()["action"] == "left_to_other"
        change = run.site.lock.read()
        assert change is not None
        assert (change["state"], change["aim_model_arn"]) == ("switching", NEW)
        run.all_tasks()
        assert agreement(run.bedrock, run.store) == NEW


class TestMissing:
    def test_an_endpoint_of_unknown_records_is_left_with_a_warning(self, caplog: pytest.LogCaptureFixture) -> None:
        """The storage prefix was changed: applications still call the endpoint."""
        run = second_run()
        run.store.objects.clear()
        with caplog.at_level(logging.WARNING):
            assert run.settle()["action"] == "none"
        assert served(run) == OLD
        assert "no champion's record, but is not deleted" in caplog.text

    def test_an_unknown_endpoint_of_the_other_kind_is_left_and_the_recorded_one_is_reported(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        run = second_run()
        [standing] = run.bedrock.deployments.values()
        tags = run.bedrock.tags_of[standing.arn]
        run.bedrock.create_throughput(name=run.site.name, token="t", model_arn=NEW, units=1, tags=tags)
        with caplog.at_level(logging.WARNING):
            assert run.settle() == {"action": "none", "arn": standing.arn, "model_arn": OLD}
        assert "delete-provisioned-model-throughput" in caplog.text
        assert len(run.bedrock.throughputs) == 1

    def test_throughput_that_a_change_created_is_deleted_although_the_recorded_deployment_agrees(self) -> None:
        run = second_run()
        other = Run(run.bedrock, run.store, "other", NEW, "provisioned")
        other.switch()
        assert other.settle()["model_arn"] == OLD
        assert run.bedrock.throughputs == {}
        assert agreement(run.bedrock, run.store) == OLD

    def test_an_endpoint_is_kept_if_only_the_champions_record_is_missing(self) -> None:
        run = second_run()
        run.store.delete(run.site.champion_uri)
        run.settle()
        assert served(run) == OLD
        run.wait(run.switch())
        run.settle()
        assert served(run) == NEW

    def test_an_endpoint_whose_creation_reached_aws_after_settle_is_deleted_by_the_next_run(self) -> None:
        """A task was killed while its request was on the way, and its run was marked as failed."""
        run = first_run()
        manifest = run.switch()
        [created] = run.bedrock.deployments.values()
        run.bedrock.deployments.clear()
        assert run.settle()["action"] == "none"
        run.bedrock.deployments[manifest["name"]] = created
        assert later(run).settle()["action"] == "deleted"
        assert run.bedrock.deployments == {}

    def test_an_endpoint_that_a_clean_up_has_recorded_as_deleted_is_deleted(self) -> None:
        run = second_run()
        set_champion_endpoint(run.store, run.site.champion_uri, None)
        assert run.settle()["action"] == "deleted"
        assert agreement(run.bedrock, run.store) == OLD

    def test_an_endpoint_whose_key_an_earlier_version_dropped_is_recorded_again(self) -> None:
        run = second_run()
        stored = read_json(run.store, run.site.champion_uri, dict)
        new_keys = ("endpoint", "history", "withdrawn", "revision", "changed_by")
        write_json(run.store, run.site.champion_uri, {key: stored[key] for key in stored if key not in new_keys})
        run.wait(run.switch())
        assert run.settle()["action"] == "restored"
        assert agreement(run.bedrock, run.store) == OLD

    def test_a_recorded_endpoint_that_is_gone_is_never_created_again(self, caplog: pytest.LogCaptureFixture) -> None:
        run = second_run()
        run.bedrock.deployments.clear()
        with caplog.at_level(logging.WARNING):
            assert later(run).settle() == {"action": "none", "arn": None, "model_arn": None}
        assert "to: current" in caplog.text
        assert len(run.bedrock.bought) == 1

    def test_if_this_run_changed_an_endpoint_that_is_gone_the_run_fails(self) -> None:
        run = second_run()
        run.bedrock.deployments.clear()
        run.wait(run.switch())
        for _ in range(2):
            with pytest.raises(SettleError, match="does not exist any more") as raised:
                run.settle()
            assert "to: current" in raised.value.to_do
        assert run.bedrock.deployments == {}

    def test_an_unreadable_champions_record_changes_nothing(self) -> None:
        run = second_run()
        run.wait(run.switch())
        run.store.write(run.site.champion_uri, b"{")
        with pytest.raises(ContractError):
            run.settle()
        assert served(run) == NEW


def record_of(run: Run, state: str) -> None:
    """Put the champion's record into a state. The run before has recorded the endpoint and the old model."""
    uri = run.site.champion_uri
    stored = read_json(run.store, uri, dict)
    if state == "no record":
        run.store.delete(uri)
    elif state == "endpoint null":
        write_json(run.store, uri, {**stored, "endpoint": None})
    elif state == "no endpoint key":
        write_json(run.store, uri, {key: value for key, value in stored.items() if key != "endpoint"})


def endpoint_of(run: Run, state: str) -> None:
    """Put the endpoint into a state."""
    if state == "none":
        run.bedrock.deployments.clear()
    elif state == "new model":
        change_endpoint(run, model_arn=NEW, update_status="UpdateCompleted", update_model_arn=NEW)
    elif state == "updating":
        change_endpoint(run, update_status="Updating", update_model_arn=NEW)
    elif state == "update failed":
        change_endpoint(run, update_status="UpdateFailed", update_model_arn=NEW)
    elif state == "created by the change":
        run.bedrock.deployments.clear()
        run.bedrock.create_deployment(name=run.site.name, token="t", model_arn=NEW, tags=run.bedrock.standing_tags)


def change_of(run: Run, state: str) -> None:
    """Put the lock into a state."""
    if state == "none":
        run.store.delete(run.site.lock.uri)
    elif state != "settled":
        holder = run.holder if state.startswith("own") else later(run, "other").holder
        aim = ChangeAim("promotion", NEW, OLD, run.kind, run.site.name)
        change = run.site.lock.take(holder, aim, is_live=run.is_live)
        if state.endswith("settling"):
            run.site.lock.begin_settling(holder, change, aim)


RECORDS = ("recorded", "no record", "endpoint null", "no endpoint key")
ENDPOINTS = ("old model", "none", "new model", "updating", "update failed", "created by the change")
CHANGES = ("settled", "none", "own", "own settling", "other", "other settling", "live other")


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("change", CHANGES)
def test_whatever_is_found_the_endpoint_agrees_with_the_record_or_belongs_to_a_run_in_progress(
    record: str, endpoint: str, change: str
) -> None:
    run = second_run()
    [standing] = run.bedrock.deployments.values()
    run.bedrock.standing_tags = run.bedrock.tags_of[standing.arn]
    change_of(run, change)
    record_of(run, record)
    endpoint_of(run, endpoint)
    before, stored = dict(run.bedrock.deployments), dict(run.store.objects)
    run.live = ("other",) if change == "live other" else ()
    exists = endpoint not in ("none", "created by the change")  # with the ARN of the record
    is_new = endpoint == "created by the change" and change not in ("settled", "none", "live other")
    if record == "recorded" and not exists and (is_new or change.startswith("own")):
        with pytest.raises(SettleError, match="does not exist any more"):
            run.settle()
        assert run.bedrock.deployments == {}
        return
    action = run.settle()["action"]
    if change == "live other":
        assert (action, run.bedrock.deployments, run.store.objects) == ("left_to_other", before, stored)
        return
    left = run.site.lock.read()
    assert left is None or left["state"] == "settled"
    if exists and (record == "recorded" or (record == "no endpoint key" and change != "none")):
        [one] = run.bedrock.deployments.values()
        assert (one.arn, one.model_arn, one.update_status != "Updating") == (standing.arn, OLD, True)
        assert (action == "restored") == (endpoint in ("new model", "updating") or change == "own settling")
    elif is_new or (change != "none" and record == "endpoint null"):
        assert run.bedrock.deployments == {}
    else:
        assert run.bedrock.deployments == before


class TestErrors:
    @pytest.fixture
    def run(self) -> Run:
        run = second_run()
        run.wait(run.switch())
        return run

    def test_a_restore_that_bedrock_fails_has_the_command_to_do_it_by_hand(self, run: Run) -> None:
        run.bedrock.fails = True
        with pytest.raises(SettleError, match="the update failed") as raised:
            run.settle()
        error = raised.value
        assert f"answers with {NEW}, but the champion's record names {OLD}" in error.left
        assert "aws bedrock update-custom-model-deployment" in error.to_do
        assert f"--model-arn {OLD} --region us-east-1" in error.to_do
        run.bedrock.fails = False
        assert run.settle()["action"] == "restored"
        assert agreement(run.bedrock, run.store) == OLD

    def test_a_champion_that_no_longer_exists_in_bedrock_needs_a_rollback(self, run: Run) -> None:
        run.bedrock.models.discard(OLD)
        with pytest.raises(SettleError, match="this model no longer exists in Bedrock") as raised:
            run.settle()
        assert "distill_rollback" in raised.value.to_do
        assert run.bedrock.updated == [NEW]

    def test_a_change_that_never_ends_is_an_error(self, run: Run) -> None:
        settling = Settling(run.site, run.holder, is_live=run.is_live, wait_seconds=0, sleep=lambda _: None)
        with pytest.raises(SettleError, match="has not completed the creation or the update within 0 s"):
            settling.run()

    @pytest.mark.parametrize(
        ("spoil", "problem"),
        [
            (lambda run: change_endpoint(run, status="Failed", failure_message="no capacity"), "no capacity"),
            (lambda run: run.bedrock.deployments.clear(), "does not exist any more"),
        ],
    )
    def test_an_endpoint_that_fails_or_disappears_while_settle_waits_is_an_error(
        self, run: Run, spoil: Callable[[Run], None], problem: str
    ) -> None:
        settling = Settling(run.site, run.holder, is_live=run.is_live, sleep=lambda _: spoil(run))
        with pytest.raises(SettleError, match=problem):
            settling.run()

    def test_a_lock_that_others_write_again_and_again_is_a_transient_error(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(run.store, "write_if_unchanged", lambda *_: False)
        with pytest.raises(TransientError, match="while this task settled it"):
            run.settle()
        assert run.bedrock.updated == [NEW]
