"""Count the calls whose answer is lost in every step that calls models, even after retries and clears."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from bedrock_distill.operators.answer import BedrockAnswerOperator
from bedrock_distill.operators.judge import BedrockJudgeOperator
from bedrock_distill.operators.report import RenderReportOperator
from bedrock_distill.operators.synthesize import BedrockSynthesizeOperator
from include.distill.config.use_case import UseCase
from include.distill.core.errors import DistillError, PossiblyBilledError, TransientError
from include.distill.core.storage import read_json, write_jsonl
from include.distill.evaluation.answers import answer_record
from include.distill.inference.answer_store import StoredAnswer
from include.distill.inference.lost_calls import MAX_SENT, lost_call_records
from include.distill.inference.paced_client import PacedClient
from include.distill.inference.requests import Completion, ModelRequest
from tests.fakes.dialogue import grounding, pairs, say
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_row
from tests.plugins.operators.test_report import PipelineRun

CRITIC = "claude-haiku-4-5"
EVALUATION_ROWS = [make_row(n) for n in range(101, 105)]


class LossyModel:
    """A model whose answers may get lost. ``is_lost`` decides by the request and the number of its call."""

    def __init__(self, is_lost: Callable[[ModelRequest, int], bool]) -> None:
        self.is_lost = is_lost
        self.sent: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()

    def __call__(self, request: ModelRequest) -> str:
        self.sent[request.key] += 1
        if self.is_lost(request, self.sent[request.key]):
            self.lost[request.key] += 1
            raise PossiblyBilledError("read timeout")
        self.answered[request.key] += 1
        if "GROUNDED" in request.json_schema:
            return grounding("GROUNDED")
        if "pairs" in request.json_schema:
            return pairs(request)
        return say(request)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PacedClient, "_pause", lambda self, failures: None)


@pytest.fixture
def step(request: Any, equip: Any, store: MemoryStore, use_case: UseCase) -> Callable[[], Any]:
    name = request.param
    write_jsonl(store, FOLDER.shard("train", 0), [make_row(n) for n in range(1, 5)])
    write_jsonl(store, FOLDER.shard("evaluation", 0), EVALUATION_ROWS)
    critic = {"model": CRITIC, "max_spend_usd": 5} if name == "critic" else None
    freeze(store, use_case, curation={"critic": critic, "min_grounding": 0})
    if name in ("teacher", "critic"):
        return lambda: equip(BedrockSynthesizeOperator(task_id="synthesize", run_uri=RUN_URI, shard=0))
    if name == "answer":
        return lambda: equip(BedrockAnswerOperator(task_id="answer", run_uri=RUN_URI, arm="base", shard=0))
    for number, row in enumerate(EVALUATION_ROWS):
        for arm in ("tuned", "base"):
            answer = StoredAnswer(None, Completion(f"{arm} {number}", "end_turn", 1, 1), "x")  # type: ignore[arg-type]
            write_jsonl(store, FOLDER.answers(arm, number), [answer_record(row, arm, [answer])])
    judge = use_case.judges[int(name[-1]) - 1]
    return lambda: equip(
        BedrockJudgeOperator(task_id="judge", run_uri=RUN_URI, judge=judge, candidate="tuned", baseline="base")
    )


def run(task: Any, context: Any, *, try_number: int, max_tries: int) -> Any:
    context["ti"].try_number, context["ti"].max_tries = try_number, max_tries
    try:
        return task.execute(context)
    except DistillError as error:
        return error


def is_every_third(request: ModelRequest) -> bool:
    return int(request.key[:4], 16) % 3 == 0


PATTERNS: dict[str, Callable[[ModelRequest, int], bool]] = {
    "first call": lambda request, number: number == 1,
    "first two calls": lambda request, number: number <= 2,
    "every call": lambda request, number: True,
    "first two calls of some requests": lambda request, number: is_every_third(request) and number <= 2,
    "first three calls of some requests": lambda request, number: is_every_third(request) and number <= 3,
    "every call of some requests": lambda request, number: is_every_third(request),
}


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("step", ["teacher", "critic", "answer", "judge1", "judge2"], indirect=True)
def test_every_lost_call_is_recorded_once_and_every_answer_is_billed_once(
    step: Any, pattern: str, bedrock: FakeBedrock, store: MemoryStore, context: Any
) -> None:
    """The task has three attempts, is cleared, has three more attempts, and is cleared again."""
    bedrock.say = model = LossyModel(PATTERNS[pattern])
    for max_tries in (2, 5, 8):
        sent_before = Counter(model.sent)
        for try_number in range(max_tries - 1, max_tries + 2):
            result = run(step(), context, try_number=try_number, max_tries=max_tries)
            assert len(list(lost_call_records(store, FOLDER.lost_calls))) == model.lost.total()
            assert max((model.sent - sent_before).values(), default=0) <= MAX_SENT
            if isinstance(result, dict):
                calls = result["calls"] + result.get("critic", {}).get("calls", 0)
                assert calls == model.answered.total()
                break
    assert max(model.answered.values(), default=0) <= 1


def test_mapped_tasks_with_the_same_rows_record_their_own_calls(
    equip: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any
) -> None:
    bedrock.say = model = LossyModel(lambda request, number: True)
    write_jsonl(store, FOLDER.shard("evaluation", 0), EVALUATION_ROWS[:1])
    for map_index in (0, 1, 10):
        context["ti"].map_index = map_index
        task = equip(BedrockAnswerOperator(task_id="answer", run_uri=RUN_URI, arm="base", shard=0))
        assert isinstance(run(task, context, try_number=1, max_tries=2), DistillError)
    assert len(list(lost_call_records(store, FOLDER.lost_calls))) == model.lost.total() == 3 * MAX_SENT


def test_lost_answers_of_an_endpoint_are_retried_and_not_billed(
    answer: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any
) -> None:
    model = LossyModel(lambda request, number: number <= 3)
    bedrock.say = model
    context["ti"].try_number = 1
    with pytest.raises(TransientError, match="The endpoint of arm tuned") as raised:
        answer()
    assert not isinstance(raised.value, PossiblyBilledError)
    assert answer()["calls"] == 1
    assert (model.lost.total(), store.list(FOLDER.lost_calls)) == (3, [])


def test_the_report_of_a_whole_run_counts_each_lost_call_once(
    equip: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any
) -> None:
    """The first call of every request is lost, in every step. The arm's endpoint is not billed by call."""
    model = LossyModel(lambda request, number: number == 1)
    by_call: Counter[str] = Counter()

    def reply(request: ModelRequest) -> str:
        try:
            return model(request)
        except PossiblyBilledError:
            by_call[request.model.key] += request.is_on_demand
            raise

    bedrock.say = reply
    run = PipelineRun(RUN_URI, equip, bedrock, store, context)
    arguments = run.until_report()
    reports = [
        read_json(store, run.run(RenderReportOperator, "report", **arguments)["report_json_uri"], dict)
        for _ in range(2)
    ]
    assert by_call.total() > 0
    assert [report["cost"]["lost_calls"] for report in reports] == [by_call.total()] * 2
    records = list(lost_call_records(store, FOLDER.lost_calls))
    assert Counter(record["model"] for record in records) == +by_call
    billed = {line["what"]: line["quantity"] for line in reports[1]["cost"]["lines"]}
    for key in +by_call:
        tokens = sum(record["output_tokens"] for record in records if record["model"] == key)
        assert billed[f"calls without an answer (at most): {key} output"] == tokens
    page = store.read(FOLDER.report("html")).decode()
    assert f"no answer is stored: {by_call.total()}." in page
