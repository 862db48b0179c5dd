from __future__ import annotations

import json
from typing import Any

import pytest

from bedrock_distill.operators.curate import CuratePairsOperator
from bedrock_distill.operators.synthesize import BedrockSynthesizeOperator
from include.distill.config.use_case import UseCase
from include.distill.core.errors import (
    EarlierVersionError,
    MissingObjectError,
    StoredRecordError,
    TooManyFailuresError,
)
from include.distill.core.storage import read_jsonl, stream_jsonl, write_jsonl
from include.distill.curation.repeated_pairs import curated_pairs, curated_texts
from tests.fakes.dialogue import between, pairs
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze

TASK = {"run_uri": RUN_URI}


@pytest.fixture
def curate(equip: Any, context: Any) -> Any:
    def run(manifests: list[dict[str, Any]]) -> dict[str, Any]:
        manifest: dict[str, Any] = equip(CuratePairsOperator(task_id="curate", synthesis=manifests, **TASK)).execute(
            context
        )
        return manifest

    return run


@pytest.fixture
def synthesize(equip: Any, store: MemoryStore, bedrock: FakeBedrock, context: Any) -> Any:
    """Return a function that makes pairs for all ten rows, split into a number of shards."""
    rows = read_jsonl(store, FOLDER.source("train"), dict)

    def run(shards: int = 10) -> list[dict[str, Any]]:
        for number in range(shards):
            write_jsonl(store, FOLDER.shard("train", number), rows[number * 10 // shards : (number + 1) * 10 // shards])
        tasks = [BedrockSynthesizeOperator(task_id="synthesize", shard=number, **TASK) for number in range(shards)]
        return [equip(task).execute(context) for task in tasks]

    bedrock.say = pairs
    return run


def same_first_question(request: Any) -> str:
    """Return pairs that repeat: every row has the same first question, and repeats a question of row 3."""
    document = between("document", request.user)
    first, second, third = (json.loads(line) for line in pairs(request).splitlines())
    first["question"] = f"How do I turn versioning on for my bucket{'?' if '1' in document else ' ?!'}"
    second["question"] = "Please tell me: What says 3?"
    return "\n".join(map(json.dumps, (first, second, third)))


class TestRepeated:
    def test_different_pairs_are_all_kept(self, curate: Any, synthesize: Any, store: MemoryStore) -> None:
        manifest = curate(synthesize())
        assert {name: manifest[name] for name in ("requested", "accepted", "rejected", "missing", "dropped")} == {
            "requested": 30,
            "accepted": 30,
            "rejected": 0,
            "missing": 0,
            "dropped": {},
        }
        assert (manifest["shards"], manifest["failed"], manifest["calls"], manifest["simulated"]) == (10, 0, 10, True)
        assert len(list(curated_pairs(store, FOLDER, shards=10))) == 30
        assert len(json.dumps(manifest)) < 2048

    @pytest.mark.parametrize("shards", [1, 3, 10])
    def test_the_first_row_keeps_a_repeated_question_however_rows_are_split_into_shards(
        self, curate: Any, synthesize: Any, store: MemoryStore, bedrock: FakeBedrock, use_case: UseCase, shards: int
    ) -> None:
        freeze(store, use_case, synthesis={"min_accepted_share": 0})
        bedrock.say = same_first_question
        manifest = curate(synthesize(shards))
        assert manifest["dropped"] == {"repeats_original": 10, "repeats_pair": 9}
        assert (manifest["accepted"], manifest["rejected"], manifest["missing"]) == (11, 19, 0)
        kept = list(curated_texts(store, FOLDER, shards=shards))
        assert len(kept) == 11
        rows = read_jsonl(store, FOLDER.source("train"), dict)
        assert [pair["row_id"] for pair in kept if "versioning" in pair["question"]] == [rows[0]["row_id"]]
        assert "document" not in kept[0]

    def test_a_dropped_pair_keeps_its_text_and_reason(
        self, curate: Any, synthesize: Any, store: MemoryStore, bedrock: FakeBedrock, use_case: UseCase
    ) -> None:
        freeze(store, use_case, synthesis={"min_accepted_share": 0})
        bedrock.say = same_first_question
        curate(synthesize())
        rejects = [
            record
            for uri in store.list(f"{FOLDER.uri}/synthetic/rejected")
            for record in stream_jsonl(store, uri, dict)
        ]
        assert len(rejects) == 19
        assert all(record["message"] and record["text"]["answer"].startswith("Secret") for record in rejects)

    def test_a_second_attempt_writes_the_same_files(self, curate: Any, synthesize: Any, store: MemoryStore) -> None:
        manifests = synthesize()
        curate(manifests)
        before = dict(store.objects)
        curate(manifests)
        assert store.objects == before


def failed_row(code: str, message: str, advice: str) -> dict[str, Any]:
    text = {"question": "Secret?"}
    return {"row_id": "1", "reason": "ServiceError", "code": code, "message": message, "advice": advice, "text": text}


@pytest.fixture
def with_failed_rows(synthesize: Any, store: MemoryStore) -> Any:
    """Return a function that makes pairs for all rows but three, two of which were throttled."""

    def run() -> list[dict[str, Any]]:
        manifests: list[dict[str, Any]] = synthesize(2)
        throttled = failed_row("ThrottlingException", "Bedrock throttled one request.", "Compare `quotas`.")
        rows = [throttled, throttled, failed_row("ValidationException", "Too long", "Shorten the document.")]
        uri = FOLDER.synthetic_rejected(1)
        write_jsonl(store, uri, [*read_jsonl(store, uri, dict), *rows])
        pairs_left = read_jsonl(store, FOLDER.synthetic_texts(1), dict)[:6]
        write_jsonl(store, FOLDER.synthetic_texts(1), pairs_left)
        manifests[1].update(failed=3, accepted=6, missing=9)
        return manifests

    return run


class TestDeletedResults:
    @pytest.mark.parametrize("name", ["synthetic", "synthetic_texts", "synthetic_rejected"])
    def test_a_missing_file_is_named_with_the_task_to_clear_and_what_that_costs(
        self, curate: Any, synthesize: Any, store: MemoryStore, name: str
    ) -> None:
        manifests = synthesize()
        uri = getattr(FOLDER, name)(3)
        store.delete(uri)
        with pytest.raises(MissingObjectError) as raised:
            curate(manifests)
        happened, *_, to_do = str(raised.value).splitlines()
        assert f"{uri} does not exist" in happened
        assert "Clear synthesize with downstream. It reuses the stored answers, which costs nothing" in to_do

    def test_a_file_that_has_lost_pairs_is_named(self, curate: Any, synthesize: Any, store: MemoryStore) -> None:
        manifests = synthesize()
        uri = FOLDER.synthetic_texts(3)
        write_jsonl(store, uri, read_jsonl(store, uri, dict)[:2])
        with pytest.raises(StoredRecordError, match=rf"{uri} has 2 pairs, but synthesize accepted 3"):
            curate(manifests)

    def test_a_result_that_airflow_has_lost_is_noticed(self, curate: Any, synthesize: Any) -> None:
        with pytest.raises(
            EarlierVersionError, match=r"(?s)synthesize is missing for 2 of 10 rows.*Clear synthesize with downstream"
        ):
            curate(synthesize()[:8])


class TestGate:
    def test_up_to_the_allowed_share_of_rows_may_fail(
        self, curate: Any, synthesize: Any, store: MemoryStore, use_case: UseCase
    ) -> None:
        freeze(store, use_case, fan_out={"max_failed_share": 0.2})
        manifests = synthesize()
        manifests[0]["failed"] = 2
        assert curate(manifests)["failed"] == 2

    def test_above_the_allowed_share_of_failed_rows_the_task_fails_and_says_where_the_reasons_are(
        self, curate: Any, synthesize: Any
    ) -> None:
        manifests = synthesize()
        manifests[0]["failed"] = 1
        message = rf"1 of 10 rows.*max_failed_share = 5%.*{FOLDER.uri}/synthetic/"
        with pytest.raises(TooManyFailuresError, match=message):
            curate(manifests)

    def test_the_error_about_failed_rows_names_the_causes_with_counts_and_keeps_their_advice(
        self, curate: Any, with_failed_rows: Any
    ) -> None:
        with pytest.raises(TooManyFailuresError) as raised:
            curate(with_failed_rows())
        happened, *_, to_do = str(raised.value).splitlines()
        assert "Calls to models failed for 3 of 10 rows" in happened
        assert "ThrottlingException (2 times), for example: Bedrock throttled one request." in happened
        assert "ValidationException (once), for example: Too long." in happened
        assert to_do == (
            "What to do: For ThrottlingException: Compare `quotas`. For ValidationException: Shorten the"
            " document. Then clear synthesize with downstream, which requests only the missing answers."
        )
        assert "Secret" not in str(raised.value)

    def test_too_few_pairs_because_of_failed_calls_have_the_causes_of_these_calls(
        self, curate: Any, with_failed_rows: Any, store: MemoryStore, use_case: UseCase
    ) -> None:
        freeze(store, use_case, fan_out={"max_failed_share": 0.5}, synthesis={"min_accepted_share": 0.9})
        with pytest.raises(
            TooManyFailuresError,
            match=r"(?s)9 because a model gave no answer \(for 3 rows\)\. ThrottlingException \(2 times\), for example"
            r".*Compare `quotas`.*clear synthesize with downstream.*min_accepted_share",
        ):
            curate(with_failed_rows())

    def test_a_run_whose_pairs_repeat_each_other_fails_before_training(
        self, curate: Any, synthesize: Any, bedrock: FakeBedrock
    ) -> None:
        bedrock.say = same_first_question
        manifests = synthesize()
        with pytest.raises(TooManyFailuresError, match=r"Only 11 of the 30 pairs.*min_accepted_share = 50%"):
            curate(manifests)

    @pytest.mark.parametrize("answer", ["", '{"pairs": []}'])
    def test_empty_answers_of_the_teacher_are_named_as_the_cause(
        self, curate: Any, synthesize: Any, bedrock: FakeBedrock, answer: str
    ) -> None:
        bedrock.say = lambda request: answer
        manifests = synthesize()
        with pytest.raises(TooManyFailuresError) as caught:
            curate(manifests)
        message = str(caught.value)
        assert "30 because the teacher's answer contained no pair (for 10 of 10 rows)." in message
        assert f"{FOLDER.uri}/synthetic/" in message
        assert "No training was bought" in message
        assert "simulated teacher" in message
        assert not any(word in message for word in ("prompt", "curation.", "synthesis.attempts", "synthesis.rounds"))
