from __future__ import annotations

import json

import pytest

from include.distill.batch.input_files import build_input_files, request_keys, unanswered
from include.distill.config.catalog import BatchInference, load_catalog
from include.distill.core.errors import TransientError
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.requests import ModelRequest
from tests.distill.conftest import make_request
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore

LIMITS = load_catalog().model("nova-micro").batch
assert LIMITS is not None


def requests(count: int, *, model: str = "nova-micro") -> list[ModelRequest]:
    return [make_request(model, user=f"question {number}") for number in range(count)]


def limits(**changes: int) -> BatchInference:
    return LIMITS.model_copy(update=changes)  # type: ignore[union-attr]


class TestUnanswered:
    def test_unanswered_leaves_out_requests_that_are_stored_repeated_or_claimed_by_a_running_job(
        self, paid: AnswerStore
    ) -> None:
        asked = requests(6)
        paid.get_or_ask(asked[1], FakeBedrock())
        left = unanswered([*asked, asked[0]], paid, claim={asked[3].key}.__contains__, threads=2)
        assert [request.user for request in left] == [asked[number].user for number in (0, 2, 4, 5)]

    def test_unanswered_raises_when_the_store_cannot_be_read(
        self, paid: AnswerStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object) -> bool:
            raise TransientError("S3 is away")

        monkeypatch.setattr(MemoryStore, "exists", broken)
        with pytest.raises(TransientError, match="S3 is away"):
            list(unanswered(requests(2), paid, claim=lambda _: False, threads=2))


class TestFiles:
    def test_no_file_is_built_when_there_are_no_requests(self) -> None:
        assert list(build_input_files([], limits())) == []

    def test_a_batch_record_has_the_body_of_the_call_and_the_key_of_its_request(self, store: MemoryStore) -> None:
        (asked,) = requests(1)
        for file in build_input_files([asked], limits()):
            file.store(store, "s3://b/input.jsonl")
        (line,) = store.read("s3://b/input.jsonl").splitlines()
        record = json.loads(line)
        assert record["recordId"] == asked.key
        assert record["modelInput"]["messages"][0]["content"] == [{"text": "question 0"}]
        assert "modelId" not in record["modelInput"]
        assert request_keys(store, "s3://b/input.jsonl") == {asked.key}

    @pytest.mark.parametrize(
        ("changes", "sizes"),
        [
            pytest.param({"maximum_records": 4}, [4, 4, 2], id="records"),
            pytest.param({"maximum_bytes": 1}, [1] * 10, id="a request larger than the limit gets a file to itself"),
            pytest.param({"maximum_records": 10}, [10], id="exactly as many records as allowed"),
        ],
    )
    def test_requests_beyond_the_limits_of_one_job_are_written_to_another_file(
        self, changes: dict[str, int], sizes: list[int]
    ) -> None:
        assert [len(file.keys) for file in build_input_files(requests(10), limits(**changes))] == sizes

    def test_the_size_of_a_file_is_limited_in_bytes(self) -> None:
        (file,) = [(len(f.keys), f.size) for f in build_input_files(requests(3), limits())]
        sizes = [f.size for f in build_input_files(requests(3), limits(maximum_bytes=file[1] - 1))]
        assert len(sizes) == 2
        assert sum(sizes) == file[1]

    def test_the_hash_depends_on_the_model_and_the_requests_but_not_on_the_order_of_the_requests(self) -> None:
        def sha(asked: list[ModelRequest]) -> str:
            return next(file.sha256 for file in build_input_files(asked, limits()))

        assert sha(requests(3)) == sha(requests(3)[::-1])
        assert len({sha(requests(3)), sha(requests(4)), sha(requests(3, model="nova-lite"))}) == 3
