"""Check that every reader of a stored record reads format 1, and refuses a newer format with both versions named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from include.distill.batch.pending_jobs import BatchJobPlan, BatchOutcome, PendingBatchJobs
from include.distill.cleanup.listing import list_project_root
from include.distill.config.frozen_use_case import dump_use_case, restore_use_case
from include.distill.config.layout import champion_uri, rollback_choice_uri, smoke_prompts_uri
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.notification_layout import unsent_message_uri
from include.distill.config.prompt_loader import dump_prompts, load_prompts, restore_prompts
from include.distill.config.root_owner import claim_root, read_owner
from include.distill.config.run_record import RunIdentity, claim_run_folder, read_run_record
from include.distill.core.errors import ContractError, NewerFormatError
from include.distill.core.formats import FORMAT
from include.distill.core.storage import read_json, write_json, write_json_if_absent
from include.distill.core.version import VERSION
from include.distill.cost.critic_budget import BudgetedCritic, BudgetShare
from include.distill.dataset.row_changes import compare_with_last_run
from include.distill.dataset.stored_split import StoredSplit
from include.distill.evaluation.champion import champion_snapshot, read_champion, save_champion_snapshot
from include.distill.evaluation.champion_parts import ChampionEndpoint, RecordChange, WithdrawnModel
from include.distill.evaluation.endpoint_change import ChangeAim, ChangeLock, Holder
from include.distill.evaluation.endpoint_records import RollbackChoice, SmokePrompts
from include.distill.history.months import read_history, update_run
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.lost_calls import LostCalls, lost_call_records
from include.distill.labeling.label_store import read_labels, store_labels
from include.distill.notification.message import Message
from include.distill.notification.outbox import Outbox, Unsent
from include.distill.report.build import build_report
from include.distill.report.past_runs import list_entry, read_entry
from tests.distill.conftest import make_request
from tests.distill.dataset.test_document_groups import groups_of, split
from tests.distill.history.test_months import NOVEMBER, entry
from tests.distill.report.example_report import inputs
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.variables import VARIABLES
from tests.plugins.conftest import FOLDER, make_champion

USE_CASE = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES)
PROMPTS = load_prompts(USE_CASE.prompts, None)[1]
CHAMPION, SPLIT, ENTRY = champion_uri(FOLDER.root, "aws_docs_qa"), FOLDER.splits("aws_docs_qa"), f"{FOLDER.root}/e.json"
MARKER, TOMBSTONE = FOLDER.critic_ended(0), FOLDER.release_record("tuned", 1)
REQUEST = make_request()
PLAN = BatchJobPlan("job", "judge", "m", "i", "0" * 64, 1, 9, FOLDER.run_key, "s3://b/i", "s3://b/o")
LABEL: Any = {
    "row_id": "1", "candidate": "a", "baseline": "b", "answers": "h", "labeller": "me", "verdict": "tie",
    "labelled_at": "2026-11-26T00:00:00+00:00",
}  # fmt: skip
GROUPS = groups_of("one", "two")
SMOKE, CHOICE = smoke_prompts_uri(FOLDER.root, "aws_docs_qa"), rollback_choice_uri(FOLDER.root, "aws_docs_qa", "r")
HOLDER, AIM = Holder("d", "r", "k"), ChangeAim("promotion", "arn:m", None, "on_demand", "standing")
PROMPT: Any = {"row_id": "1", "system": "", "user": "u", "max_tokens": 9, "temperature": None}
ROLLBACK: Any = {
    "use_case": "aws_docs_qa", "to": "previous", "target": make_champion().model_dump(mode="json"), "replaces": "arn:m",
    "chosen_at": "2026-11-27T00:00:00+00:00", "dag_id": "distill_rollback", "run_id": "r", "price": None,
}  # fmt: skip
ENDPOINT_CHAMPION = make_champion(
    endpoint=ChampionEndpoint(
        kind="on_demand", name="n", arn="arn:e", region="us-east-1", created="2026-11-27T00:00:00+00:00"
    ),
    history=(make_champion(),),
    withdrawn=(WithdrawnModel(model_arn="arn:w", at="2026-11-27", run_key="r"),),
    revision=3,
    changed_by=RecordChange(kind="rollback", dag_id="d", run_id="r", run_key="k", at="2026-11-27"),
)
UNSENT_URI = unsent_message_uri(FOLDER.root, "test", "aws_docs_qa", NOVEMBER, "0" * 32)
UNSENT = Unsent(
    Message("failed", "", "t", ("a",), (("Task", "u"),)),
    {"kind": "slack", "conn_id": None, "position": 0, "settings": "h"},
)


def lock(store: MemoryStore) -> ChangeLock:
    return ChangeLock(store, FOLDER.root, "aws_docs_qa")


def outbox(store: MemoryStore) -> Outbox:
    return Outbox(store, FOLDER.root, "test")


def budgeted(store: MemoryStore, usd: float) -> BudgetedCritic:
    share = BudgetShare(usd=usd, cap_usd=1.0, calls=9)
    return BudgetedCritic(lambda request: None, None, store, share=share, marker_uri=MARKER)  # type: ignore[arg-type,return-value]


def answers(store: MemoryStore) -> AnswerStore:
    return AnswerStore(store, FOLDER.responses, FOLDER.run_key)


def list_owned_root(store: MemoryStore) -> object:
    claimed = MemoryStore()
    claim_root(claimed, FOLDER.root, "test")
    owned = MemoryStore()
    owned.objects.update(store.objects | claimed.objects)
    return list_project_root(owned, FOLDER.root, frozenset({"aws_docs_qa"}), "test")


def rows_file(store: MemoryStore) -> None:
    store.write(FOLDER.row_list, b"")


@dataclass(frozen=True)
class Stored:
    """How one kind of record is written and read."""

    write: Callable[[MemoryStore], object]
    read: Callable[[MemoryStore], object]


def changes(store: MemoryStore) -> object:
    rows_file(store)
    return compare_with_last_run(store, FOLDER, use_case=USE_CASE, prompts=PROMPTS)


KINDS = {
    "owner of a root": Stored(
        lambda store: claim_root(store, FOLDER.root, "test"), lambda store: read_owner(store, FOLDER.root)
    ),
    "run record": Stored(
        lambda store: claim_run_folder(store, FOLDER, RunIdentity("test", "d", "r"), use_case="aws_docs_qa"),
        lambda store: read_run_record(store, FOLDER),
    ),
    "use case": Stored(
        lambda store: store.write(FOLDER.use_case, dump_use_case(USE_CASE)),
        lambda store: restore_use_case(store.read(FOLDER.use_case), FOLDER.use_case),
    ),
    "use case in a clean-up": Stored(
        lambda store: store.write(FOLDER.use_case, dump_use_case(USE_CASE)),
        lambda store: list_owned_root(store),
    ),
    "prompts": Stored(
        lambda store: write_json(store, FOLDER.prompts, dump_prompts(PROMPTS)),
        lambda store: restore_prompts(read_json(store, FOLDER.prompts, dict[str, Any])),
    ),
    "champion": Stored(
        lambda store: write_json(store, CHAMPION, make_champion().model_dump()),
        lambda store: read_champion(store, CHAMPION),
    ),
    "champion in a clean-up": Stored(
        lambda store: write_json(store, CHAMPION, make_champion().model_dump()),
        lambda store: list_owned_root(store),
    ),
    "champion with a standing endpoint": Stored(
        lambda store: write_json(store, CHAMPION, ENDPOINT_CHAMPION.model_dump(mode="json")),
        lambda store: read_champion(store, CHAMPION),
    ),
    "change of the standing endpoint": Stored(
        lambda store: lock(store).take(HOLDER, AIM, is_live=lambda *_: False),
        lambda store: lock(store).read(),
    ),
    "smoke prompts": Stored(
        lambda store: write_json(store, SMOKE, {"prompts": [PROMPT]}),
        lambda store: read_json(store, SMOKE, SmokePrompts),
    ),
    "choice of a rollback": Stored(
        lambda store: write_json_if_absent(store, CHOICE, ROLLBACK),
        lambda store: read_json(store, CHOICE, RollbackChoice),
    ),
    "champion of the run": Stored(
        lambda store: save_champion_snapshot(store, FOLDER, make_champion()),
        lambda store: champion_snapshot(store, FOLDER),
    ),
    "labels": Stored(
        lambda store: store_labels(store, FOLDER, [LABEL]),
        lambda store: read_labels(store, FOLDER),
    ),
    "labels, to add one": Stored(
        lambda store: store_labels(store, FOLDER, [LABEL]),
        lambda store: store_labels(store, FOLDER, [LABEL]),
    ),
    "split": Stored(
        lambda store: StoredSplit(store, SPLIT, seed=7).remember(GROUPS, split(GROUPS)),
        lambda store: StoredSplit(store, SPLIT, seed=7),
    ),
    "last run": Stored(changes, changes),
    "pending batch job": Stored(
        lambda store: PendingBatchJobs(store, FOLDER).add(PLAN),
        lambda store: PendingBatchJobs(store, FOLDER).find("job"),
    ),
    "pending batch jobs": Stored(
        lambda store: PendingBatchJobs(store, FOLDER).add(PLAN),
        lambda store: list(PendingBatchJobs(store, FOLDER).all()),
    ),
    "collected batch job": Stored(
        lambda store: PendingBatchJobs(store, FOLDER).mark_collected(PLAN, BatchOutcome(1, 1, 0)),
        lambda store: PendingBatchJobs(store, FOLDER).outcome("job"),
    ),
    "answer": Stored(
        lambda store: answers(store).get_or_ask(REQUEST, FakeBedrock(lambda _: "a")),  # type: ignore[arg-type]
        lambda store: answers(store).find(REQUEST),
    ),
    "lost call": Stored(
        lambda store: LostCalls(store, FOLDER.lost_calls, "t 0", 0).add(REQUEST),
        lambda store: list(lost_call_records(store, FOLDER.lost_calls)),
    ),
    "end of the critic's budget": Stored(
        lambda store: budgeted(store, 0.5)._end(),
        lambda store: budgeted(store, 0.5)._ended,
    ),
    "history": Stored(
        lambda store: update_run(store, FOLDER.root, "aws_docs_qa", "a", NOVEMBER, lambda _: entry("a", NOVEMBER)),
        lambda store: read_history(store, FOLDER.root, "aws_docs_qa"),
    ),
    "history, to change a run": Stored(
        lambda store: update_run(store, FOLDER.root, "aws_docs_qa", "a", NOVEMBER, lambda _: entry("a", NOVEMBER)),
        lambda store: update_run(
            store, FOLDER.root, "aws_docs_qa", "a", NOVEMBER, lambda _: entry("a", NOVEMBER, spent=1.0)
        ),
    ),
    "unsent message": Stored(
        lambda store: outbox(store).keep(UNSENT_URI, UNSENT),
        lambda store: [outbox(store).read(kept) for kept in outbox(store).list()],
    ),
    "entry in the list of reports": Stored(
        lambda store: write_json(store, ENTRY, list_entry(build_report(**inputs()))),
        lambda store: read_entry(store.read(ENTRY)),
    ),
}


# Objects of these results are equal only if they are the same object.
RESULTS_WITHOUT_EQUALITY = ("use case in a clean-up", "champion in a clean-up", "split")


def without_new_key(result: Any) -> Any:
    """Return the result of a reader without ``new_key``, which a reader may pass on."""
    if isinstance(result, list):
        return [without_new_key(item) for item in result]
    return {key: value for key, value in result.items() if key != "new_key"} if isinstance(result, dict) else result


def rewrite(store: MemoryStore, mark: dict[str, Any] | None) -> None:
    """Replace the mark of each record and of each line in the store; without ``mark``, remove it."""
    found = 0
    for uri, body in list(store.objects.items()):
        if not body or uri.endswith(".txt"):
            continue
        lines = body.decode().splitlines() if uri.endswith(".jsonl") else [body.decode()]
        parse, dump = (yaml.safe_load, yaml.safe_dump) if uri.endswith(".yaml") else (json.loads, json.dumps)
        records = [parse(line) for line in lines]
        for record in records:
            found += "format" in record
            if "format" in record:
                del record["format"], record["version"]
                record.update(mark or {})
        store.objects[uri] = "\n".join(dump(record) for record in records).encode()
    assert found, "no record in the store has a format"


@pytest.mark.parametrize("kind", KINDS)
def test_a_newer_record_is_refused_with_both_versions_named_and_is_left_unchanged(kind: str) -> None:
    store = MemoryStore()
    KINDS[kind].write(store)
    rewrite(store, {"format": FORMAT + 1, "version": "7.8.9"})
    before = dict(store.objects)
    with pytest.raises(NewerFormatError, match=rf"version 7\.8\.9 \(format {FORMAT + 1}\), but .* version {VERSION}"):
        KINDS[kind].read(store)
    assert store.objects == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_without_a_mark_is_read_like_one_of_this_version(kind: str) -> None:
    present, earlier = MemoryStore(), MemoryStore()
    for store in (present, earlier):
        KINDS[kind].write(store)
    rewrite(earlier, None)
    first, second = KINDS[kind].read(present), KINDS[kind].read(earlier)
    if kind not in RESULTS_WITHOUT_EQUALITY:
        assert first == second


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"use case", "use case in a clean-up"}))
def test_a_key_that_this_version_does_not_know_is_ignored(kind: str) -> None:
    present, later = MemoryStore(), MemoryStore()
    for store in (present, later):
        KINDS[kind].write(store)
    rewrite(later, {"format": FORMAT, "version": "7.8.9", "new_key": 1})
    first, second = KINDS[kind].read(present), KINDS[kind].read(later)
    if kind not in RESULTS_WITHOUT_EQUALITY:
        assert without_new_key(first) == without_new_key(second)


@pytest.mark.parametrize("kind", ["pending batch job", "pending batch jobs", "collected batch job"])
def test_a_record_of_a_batch_job_without_a_key_is_refused_with_its_uri_and_is_left_unchanged(kind: str) -> None:
    store = MemoryStore()
    KINDS[kind].write(store)
    (uri,) = store.objects
    record = json.loads(store.objects[uri])
    del record["records"]
    store.objects[uri] = json.dumps(record).encode()
    before = dict(store.objects)
    with pytest.raises(ContractError, match=rf"{uri} has no records.*not changed.*may be billed.*Restore"):
        KINDS[kind].read(store)
    assert store.objects == before


def test_prompts_of_format_1_are_read_even_if_one_is_named_like_a_key() -> None:
    flat = dump_prompts(PROMPTS)["prompts"]
    for name in ("prompts", "format", "version", "answering.j2"):
        (prompt,) = restore_prompts({name: flat["answering.j2"]}).values()
        assert (prompt.name, prompt.template) == (name, PROMPTS["answering.j2"].template)
