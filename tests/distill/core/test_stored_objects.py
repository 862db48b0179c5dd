"""Test that the message about a stored object that cannot be used names the task to clear and what that costs."""

from __future__ import annotations

import datetime

import pytest

from include.distill.config.history_layout import history_month_uri
from include.distill.config.layout import RunFolder
from include.distill.config.notification_layout import unsent_message_uri
from include.distill.core.errors import ContractError, MissingObjectError, NotFoundError, StoredRecordError
from include.distill.core.storage import read_json, read_jsonl
from include.distill.core.stored_objects import advice_on, missing_object
from include.distill.cost.records import CriticBudgetEnd
from include.distill.dataset.records import LatestRun, Row
from include.distill.evaluation.records import Answer
from tests.fakes.memory_store import MemoryStore

FOLDER = RunFolder("s3://train/team/distill/runs/docs/manual-0123456789abcdef0123456789abcdef")
FORMER = RunFolder("s3://train/distill/runs/manual-1-abcdef01")
NOVEMBER = datetime.datetime(2026, 11, 26, tzinfo=datetime.UTC)
NO_MATCH = advice_on("s3://elsewhere/x.json")


@pytest.mark.parametrize("folder", [FOLDER, FORMER])
def test_every_object_that_a_later_step_reads_has_its_advice(folder: RunFolder) -> None:
    cases = {
        folder.champion: "clear preflight with downstream",
        folder.prompts: "clear preflight with downstream",
        folder.source("train"): "Clear ingest with downstream",
        folder.row_list: "Clear ingest with downstream",
        folder.shard("train", 3): "Clear shards with downstream",
        folder.shard("evaluation", 3): "Clear evaluation_shards with downstream",
        folder.estimate: "Clear estimate",
        folder.critic_ended(0): "Delete the object, then clear synthesize",
        folder.synthetic(0): "Clear synthesize with downstream",
        folder.synthetic_texts(12): "Clear synthesize with downstream",
        folder.synthetic_repeated: "Clear curate with downstream",
        folder.merged("tuned", "data_card.json"): "Clear tuned.merge with downstream",
        folder.answers("tuned", 0): "Clear tuned.answer with downstream",
        folder.optimized_prompt("prompted"): "Clear prompted.optimize.collect with downstream",
        folder.judgments("haiku", "tuned", "base"): "Clear judge.haiku with downstream",
        folder.report("json"): "Clear report",
        folder.label_sample("tuned", "base", "key-1.jsonl"): "Clear draw_sample",
        folder.labels_by("ada"): "the labels in it are lost",
        folder.release_record("tuned", 1): "Do not delete the object: the bill",
        f"{folder.lost_calls}a-b-1.json": "Do not delete the object: the bill",
        folder.task_progress("synthesize", 3): "Only the live page of the run reads it",
        folder.last_run("docs"): "Delete the object, then clear ingest",
        history_month_uri(folder.root, "docs", NOVEMBER): "the trend and the budget of the use case",
        unsent_message_uri(folder.root, "prod", "docs", NOVEMBER, "0" * 32): "a message that has not been sent",
        folder.splits("docs"): "answers and verdicts are bought again",
        f"{folder.pending_batches}job.json": "would be bought again",
        folder.batch_outcome("job"): "would be bought again",
        folder.batch_input("0" * 64): "would be bought again",
        folder.batch_claim("0" * 64): "written again before a purchase",
    }
    assert {uri: text for uri, text in cases.items() if text not in advice_on(uri)["to_do"]} == {}
    assert all(advice_on(uri) != NO_MATCH for uri in cases)
    jobs = {folder.batch_outcome("job"), f"{folder.pending_batches}job.json"}
    jobs |= {folder.batch_input("0" * 64), folder.batch_claim("0" * 64)}
    assert {uri for uri in cases if "batch job that the object describes" in missing_object(uri).left} == jobs


@pytest.mark.parametrize("body", [b"{}", b"null", b"[]", b"3", b'"x"', b"{", b"", b"\xff", b'{"run_key": 1}'])
def test_a_broken_record_of_the_last_run_names_the_object_and_the_task_to_clear(
    store: MemoryStore, body: bytes
) -> None:
    uri = FOLDER.last_run("docs")
    store.write(uri, body)
    with pytest.raises(StoredRecordError, match=rf"^{uri} .*not changed.*Delete the object, then clear ingest"):
        read_json(store, uri, LatestRun)
    assert store.objects == {uri: body}


def test_the_note_about_the_end_of_the_critics_budget_may_lack_its_key(store: MemoryStore) -> None:
    store.write(FOLDER.critic_ended(0), b"{}")
    with pytest.raises(ContractError, match=r"has no part_usd\..*clear synthesize.*max_spend_usd"):
        read_json(store, FOLDER.critic_ended(0), CriticBudgetEnd)


def test_a_line_without_a_key_is_named(store: MemoryStore) -> None:
    right = b'{"row_id": "r", "arm": "tuned", "question": "q", "answer": "a"}\n'
    uri = FOLDER.answers("tuned", 0)
    store.write(uri, right + b"\n" + right.replace(b'"answer"', b'"text"'))
    with pytest.raises(StoredRecordError, match=rf"^{uri} line 3 has no answer\..*Clear tuned\.answer with downstream"):
        read_jsonl(store, uri, Answer)


def test_a_deleted_object_of_a_run_names_the_task_to_clear(store: MemoryStore) -> None:
    with pytest.raises(MissingObjectError, match=r"source/train\.jsonl does not exist.*Clear ingest with downstream"):
        read_jsonl(store, FOLDER.source("train"), Row)
    with pytest.raises(NotFoundError, match=r"does not exist.*Clear estimate"):
        read_json(store, FOLDER.estimate, dict)
