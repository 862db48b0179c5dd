from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
import yaml

from include.distill.config.catalog import load_catalog
from include.distill.config.frozen_use_case import dump_use_case
from include.distill.config.layout import RunFolder
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.prompt_loader import dump_prompts, load_prompts
from include.distill.config.prompts import Prompt
from include.distill.config.use_case import UseCase
from include.distill.core.formats import Mark
from include.distill.core.storage import write_json, write_jsonl
from include.distill.core.version import VERSION
from include.distill.cost.bought_again import Comparison, earlier_run, purchase_sentence
from include.distill.cost.estimate import estimate
from include.distill.cost.evaluation_lines import score_lines
from include.distill.cost.prices import load_prices
from include.distill.cost.records import RepeatedPurchase
from include.distill.dataset.records import Row
from include.distill.dataset.row_changes import compare_with_last_run, row_line
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.requests import Completion, ModelRequest
from include.distill.inference.student import Student
from include.distill.synthesis.teacher import Teacher
from tests.distill.conftest import make_row
from tests.fakes.memory_store import MemoryStore
from tests.fakes.variables import VARIABLES

ROOT = "s3://training/distill/runs/aws_docs_qa"
LAST, NEXT = RunFolder(f"{ROOT}/one-{'1' * 32}"), RunFolder(f"{ROOT}/two-{'2' * 32}")
USE_CASE = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES)
PROMPTS = load_prompts(USE_CASE.prompts, None)[1]
TRAIN = [make_row(number) for number in range(1, 11)]
EVALUATION = [make_row(number) for number in range(101, 105)]


def rows_of(side: str) -> list[Row]:
    return TRAIN if side == "train" else EVALUATION


def store_answer(answers: AnswerStore, request: ModelRequest) -> None:
    completion = Completion("text", "end_turn", 1, 1)
    answers.store_batch_answer(request.key, completion, identity=request.identity, max_tokens=request.max_tokens)


def read_rows(store: MemoryStore, folder: RunFolder, use_case: UseCase, prompts: Any, rows: Iterable[Row]) -> None:
    """Do what ``preflight`` and ``ingest`` do."""
    store.write(folder.use_case, dump_use_case(use_case))
    write_json(store, folder.prompts, dump_prompts(prompts))
    store.write(folder.row_list, b"".join(row_line(row) for row in rows))
    compare_with_last_run(store, folder, use_case=use_case, prompts=prompts)


@pytest.fixture
def store() -> MemoryStore:
    """A store after a complete run."""
    store = MemoryStore()
    read_rows(store, LAST, USE_CASE, PROMPTS, [*TRAIN, *EVALUATION])
    answers = AnswerStore(store, LAST.responses, LAST.run_key)
    teacher = Teacher(load_catalog().model(USE_CASE.teacher), PROMPTS["synthesis.j2"], USE_CASE.synthesis)
    student = Student.from_use_case(USE_CASE, PROMPTS)
    for row in TRAIN:
        store_answer(answers, teacher.request(row))
    for row in EVALUATION:
        store_answer(answers, student.request(row))
    outputs = (LAST.synthetic(0), LAST.answers("base", 0), LAST.merged("tuned", "data_card.json"))
    for uri in (*outputs, LAST.judgments(USE_CASE.judges[0], "tuned", "base")):
        store.write(uri, b"{}")
    return store


def bought_again(
    store: MemoryStore, use_case: UseCase = USE_CASE, prompts: Any = None, rows: Any = None
) -> dict[str, RepeatedPurchase]:
    prompts = prompts or PROMPTS
    read_rows(store, NEXT, use_case, prompts, rows or [*TRAIN, *EVALUATION])
    earlier = earlier_run(store, NEXT, use_case.name)
    if earlier is None:
        return {}
    lines = estimate(use_case, train=TRAIN, evaluation=EVALUATION, prices=load_prices())
    answers = AnswerStore(store, NEXT.responses, NEXT.run_key)
    found = Comparison(use_case, prompts, store, answers, earlier, lines, rows_of).find()
    return {purchase["what"]: purchase for purchase in found}


def changed(**sections: dict[str, Any]) -> UseCase:
    raw = USE_CASE.model_dump(mode="json")
    return UseCase.model_validate({**raw, **{name: {**raw[name], **keys} for name, keys in sections.items()}})


def with_prompt(name: str) -> dict[str, Prompt]:
    return {**PROMPTS, name: Prompt(name, f"{PROMPTS[name].template}\nAnswer politely.")}


def test_a_second_run_without_changes_buys_nothing_again(store: MemoryStore) -> None:
    assert bought_again(store) == {}


def test_tags_and_a_network_are_no_reason(store: MemoryStore) -> None:
    vpc = {"subnet_ids": ["subnet-01234567"], "security_group_ids": ["sg-01234567"]}
    assert bought_again(store, changed(aws={"tags": {"cost-center": "4711"}, "vpc": vpc})) == {}


@pytest.mark.parametrize("name", ["schedule", "max_spend_usd", "serving", "quotas", "owner"])
def test_settings_without_an_effect_on_requests_are_no_reason(store: MemoryStore, name: str) -> None:
    values: dict[str, Any] = {"schedule": "0 3 * * *", "max_spend_usd": 10, "owner": "me"}
    raw = USE_CASE.model_dump(mode="json")
    other = {**raw, name: values.get(name, raw[name])}
    if name == "serving":
        other["serving"] = {**raw["serving"], "expected_hours": 3}
    if name == "quotas":
        other["quotas"] = {"nova-micro": {"requests_per_minute": 5, "tokens_per_minute": 50_000}}
    assert bought_again(store, UseCase.model_validate(other)) == {}


def test_the_prompt_of_the_critic_is_no_reason_without_a_critic(store: MemoryStore) -> None:
    found = bought_again(store, changed(curation={"max_answer_characters": 9}), with_prompt("critic.j2"))
    assert found["training and serving tuned"]["reasons"] == ["curation changed"]


KEY = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
EVERYTHING = {"synthesis", "training and serving tuned", "judging"}


@pytest.mark.parametrize(
    ("use_case", "prompts", "what", "reason"),
    [
        (USE_CASE, with_prompt("synthesis.j2"), EVERYTHING, "prompts.synthesis changed"),
        (changed(synthesis={"max_tokens": 999}), PROMPTS, EVERYTHING, "synthesis changed"),
        (USE_CASE.model_copy(update={"teacher": "nova-pro"}), PROMPTS, EVERYTHING, "teacher changed"),
        (
            USE_CASE, with_prompt("answering.j2"),
            {"answers base", "training and serving tuned", "judging"}, "prompts.answering changed",
        ),
        (
            changed(prompts={"instruction": "Be brief."}), PROMPTS,
            {"answers base", "training and serving tuned", "judging"}, "prompts.instruction changed",
        ),
        (changed(answering={"max_tokens": 99}), PROMPTS, {"answers base", "judging"}, "answering changed"),
        (USE_CASE, with_prompt("judging.j2"), {"judging"}, "prompts.judging changed"),
        (changed(judging={"max_tokens": 99}), PROMPTS, {"judging"}, "judging changed"),
        (changed(curation={"max_answer_characters": 9}), PROMPTS, EVERYTHING - {"synthesis"}, "curation changed"),
        (
            changed(training={"hyperparameters": {"epochCount": "3"}}), PROMPTS,
            EVERYTHING - {"synthesis"}, "training changed",
        ),
        (changed(aws={"kms_key_arn": KEY}), PROMPTS, EVERYTHING - {"synthesis"}, "aws.kms_key_arn changed"),
    ],
)  # fmt: skip
def test_a_changed_setting_or_prompt_names_what_is_bought_again_and_why(
    store: MemoryStore, use_case: UseCase, prompts: Any, what: set[str], reason: str
) -> None:
    found = bought_again(store, use_case, prompts)
    assert found.keys() == what
    assert reason in next(iter(found.values()))["reasons"]
    assert all(purchase["usd"] > 0 and purchase["certain"] for purchase in found.values())


def test_a_setting_that_changes_no_request_of_the_teacher_only_may_change_the_training_file(store: MemoryStore) -> None:
    (purchase,) = bought_again(store, changed(synthesis={"rounds": 3})).values()
    assert (purchase["what"], purchase["certain"]) == ("training and serving tuned", False)
    assert purchase["reasons"] == ["synthesis changed"]


def test_only_the_rows_of_the_earlier_run_count_and_the_price_is_their_share(store: MemoryStore) -> None:
    all_rows = bought_again(store, prompts=with_prompt("synthesis.j2"))["synthesis"]
    assert all_rows["count"] == 10
    store.write(LAST.row_list, b"".join(row_line(row) for row in TRAIN[:4]))
    some = bought_again(store, prompts=with_prompt("synthesis.j2"))["synthesis"]
    assert some["count"] == 4


def test_a_deleted_answer_is_named_as_the_reason(store: MemoryStore) -> None:
    uris = store.list(f"{LAST.responses}/")
    store.delete(next(uri for uri in uris if "claude" in uri))
    found = bought_again(store)
    assert found["synthesis"]["count"] == 1
    assert "they were deleted" in found["synthesis"]["reasons"][0]


def test_another_version_is_named_as_the_reason_and_a_new_training_is_only_possible(store: MemoryStore) -> None:
    raw = yaml.safe_load(store.read(LAST.use_case))
    del raw["format"], raw["version"]
    store.write(LAST.use_case, yaml.safe_dump(raw).encode())
    (purchase,) = bought_again(store).values()
    assert (purchase["what"], purchase["certain"]) == ("training and serving tuned", False)
    assert f"version {VERSION} may reject different pairs" in purchase["reasons"][0]
    assert "a version before 0.2.0" in purchase_sentence(purchase)
    for uri in store.list(f"{LAST.responses}/"):
        store.delete(uri)
    found = bought_again(store)
    assert f"version {VERSION} words these requests differently" in found["synthesis"]["reasons"][0]
    assert found["training and serving tuned"]["certain"]


def test_a_run_that_stopped_before_a_step_bought_nothing_there(store: MemoryStore) -> None:
    for uri in (*store.list(f"{LAST.uri}/synthetic/"), *store.list(f"{LAST.uri}/judgments/")):
        store.delete(uri)
    found = bought_again(store, prompts=with_prompt("synthesis.j2"))
    assert found.keys() == {"training and serving tuned"}


def test_the_first_run_and_a_deleted_run_have_no_earlier_run(store: MemoryStore) -> None:
    assert earlier_run(MemoryStore(), NEXT, "aws_docs_qa") is None
    store.delete(LAST.row_list)
    assert bought_again(store) == {}


def test_a_run_that_was_cleared_is_compared_with_its_own_last_estimate(store: MemoryStore) -> None:
    write_json(store, LAST.estimate, {"lines": [], "fingerprints": {"teacher": "x"}})
    earlier = earlier_run(store, LAST, "aws_docs_qa")
    assert earlier is not None
    assert (earlier.folder, earlier.row_ids, earlier.fingerprints) == (LAST, None, {"teacher": "x"})
    assert earlier.mark == Mark(2, VERSION)


def test_a_retry_before_anything_was_bought_is_compared_with_the_last_run(store: MemoryStore) -> None:
    read_rows(store, NEXT, USE_CASE, PROMPTS, TRAIN)
    write_json(store, NEXT.estimate, {"lines": []})
    earlier = earlier_run(store, NEXT, "aws_docs_qa")
    assert earlier is not None
    assert earlier.folder == LAST


@pytest.mark.parametrize("dry_runs", [1, 2, 3])
def test_runs_that_bought_nothing_do_not_hide_what_is_bought_again(store: MemoryStore, dry_runs: int) -> None:
    """Such as the dry run that docs/upgrading.md asks for, and a run above the spend cap."""
    for number in range(dry_runs):
        dry_run = RunFolder(f"{ROOT}/dry{number}-{str(number + 3) * 32}")
        for _ in range(2):  # the second one is a retry
            read_rows(store, dry_run, USE_CASE, with_prompt("synthesis.j2"), [*TRAIN, *EVALUATION])
        write_json(store, dry_run.estimate, {"lines": []})
    after_dry_runs = bought_again(store, prompts=with_prompt("synthesis.j2"))
    assert after_dry_runs["synthesis"]["count"] == len(TRAIN)
    assert after_dry_runs["synthesis"]["reasons"] == ["prompts.synthesis changed"]
    assert after_dry_runs.keys() == {"synthesis", "training and serving tuned", "judging"}


HALF = RunFolder(f"{ROOT}/half-{'9' * 32}")


@pytest.mark.parametrize(
    ("outputs", "stored"),
    [
        pytest.param([HALF.synthetic(0)], 3, id="during synthesis"),
        pytest.param([HALF.synthetic(0), HALF.merged("tuned", "x")], 10, id="before the job was submitted"),
        pytest.param([HALF.answers("base", 0)], 0, id="while the base student answered"),
    ],
)
def test_a_run_that_failed_half_way_does_not_hide_why_the_rest_is_bought_again(
    store: MemoryStore, outputs: list[str], stored: int
) -> None:
    store.write(LAST.answers("tuned", 0), b"{}")  # so the last run trained the model
    prompts = with_prompt("synthesis.j2")
    read_rows(store, HALF, USE_CASE, prompts, [*TRAIN, *EVALUATION])
    answers = AnswerStore(store, HALF.responses, HALF.run_key)
    teacher = Teacher(load_catalog().model(USE_CASE.teacher), prompts["synthesis.j2"], USE_CASE.synthesis)
    for row in TRAIN[:stored]:
        store_answer(answers, teacher.request(row))
    for uri in outputs:
        store.write(uri, b"{}")
    found = bought_again(store, prompts=prompts)
    assert found["training and serving tuned"]["reasons"]
    assert (found["synthesis"]["count"] if "synthesis" in found else 0) == 10 - stored
    if stored < 10:
        assert found["synthesis"]["reasons"] == ["prompts.synthesis changed"]
        assert found.keys() == {"synthesis", "training and serving tuned", "judging"}


def test_a_newer_run_that_completed_a_step_is_compared_for_this_step_only(store: MemoryStore) -> None:
    prompts = with_prompt("judging.j2")
    read_rows(store, HALF, changed(synthesis={"max_tokens": 999}), prompts, TRAIN)
    for uri in (HALF.synthetic(0), HALF.merged("tuned", "x")):
        store.write(uri, b"{}")
    read_rows(store, NEXT, USE_CASE, PROMPTS, TRAIN)
    earlier = earlier_run(store, NEXT, "aws_docs_qa")
    assert earlier is not None
    folders = {step: run.folder for step, run in earlier.by_step.items()}
    assert folders == {"synthetic": HALF, "merged/tuned": HALF, "answers/base": LAST, "judgments": LAST}


def test_only_dry_runs_before_a_run_are_no_reason_to_buy_anything_again() -> None:
    store = MemoryStore()
    read_rows(store, LAST, USE_CASE, PROMPTS, TRAIN)
    assert bought_again(store, prompts=with_prompt("synthesis.j2")) == {}


@pytest.mark.parametrize(("usd", "price"), [(60.5, r"about \$60.50"), (0.0706, r"about \$0.0706")])
def test_the_sentence_names_the_price_and_the_reasons(usd: float, price: str) -> None:
    purchase: RepeatedPurchase = {"what": "judging", "count": 1_200, "usd": usd, "certain": True, "reasons": ["a", "b"]}
    assert price.replace("\\", "") in purchase_sentence(purchase)
    assert purchase_sentence(purchase).startswith("judging is bought again (1,200, about $")
    assert purchase_sentence(purchase).endswith(": a; b.")


@pytest.mark.parametrize("body", [b"name: [", b"\xff\xfe", b"- a", b"", b"name: aws_docs_qa"])
def test_a_broken_frozen_use_case_of_the_last_run_does_not_stop_this_run(store: MemoryStore, body: bytes) -> None:
    store.write(LAST.use_case, body)
    assert all(not purchase["certain"] for purchase in bought_again(store).values())


@pytest.mark.parametrize("prompts", [b"{}", b'{"prompts": 3}', b"[]", b'{"synthesis.j2": null}'])
def test_broken_frozen_prompts_of_the_last_run_do_not_stop_this_run(store: MemoryStore, prompts: bytes) -> None:
    store.write(LAST.prompts, prompts)
    assert bought_again(store).keys() <= {"training and serving tuned", "answers base", "judging", "synthesis"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"answering": {"max_tokens": 100}}, "answering changed"),
        ({"teacher": "claude-haiku-4-5"}, None),
    ],
)
def test_a_distilled_arm_is_trained_again_if_its_teacher_may_answer_at_another_length(
    store: MemoryStore, change: dict[str, Any], reason: str | None
) -> None:
    """The arm names a teacher of its own, so another teacher of the use case changes nothing."""
    arms = [{"name": "base", "kind": "base"}, {"name": "tuned", "kind": "distilled", "teacher": "nova-pro"}]
    raw = {**USE_CASE.model_dump(mode="json"), "arms": arms}
    read_rows(store, LAST, UseCase.model_validate(raw), PROMPTS, [*TRAIN, *EVALUATION])
    again = bought_again(store, UseCase.model_validate({**raw, **change}))
    found = again.get("training and serving tuned")
    assert (found and found["reasons"]) == ([reason] if reason else None)
    assert found is None or found["usd"] > 0


DISTILLED = {"name": "tuned", "kind": "distilled", "teacher": "nova-pro"}
TITAN: dict[str, Any] = {"student": "titan-text-lite", "training": {"method": "continued_pre_training"}}
DOCUMENTS = {"name": "tuned", "kind": "fine_tuned", "originals": "all", "synthetic": 0}


@pytest.mark.parametrize(
    ("settings", "arm", "change", "prompts", "reasons"),
    [
        ({}, DISTILLED, {"training": {"hyperparameters": {"epochCount": 3}}}, {}, None),  # its job gets none
        ({}, DISTILLED, {"training": {"validation_share": 0.2}}, {}, ["training.validation_share changed"]),
        ({}, DOCUMENTS, {"curation": {"max_answer_characters": 9}}, {}, None),  # it has no pairs
        ({}, DOCUMENTS, {"curation": {"max_leak_similarity": 0.65}}, {}, ["curation.max_leak_similarity changed"]),
        ({}, DOCUMENTS, {}, with_prompt("answering.j2"), ["prompts.answering changed"]),
        (TITAN, DOCUMENTS, {"curation": {"max_answer_characters": 9}}, {}, None),
        (TITAN, DOCUMENTS, {"prompts": {"instruction": "Be brief."}}, {}, None),
        (TITAN, DOCUMENTS, {}, with_prompt("answering.j2"), None),
        (TITAN, DOCUMENTS, {"curation": {"max_leak_similarity": 0.65}}, {}, ["curation.max_leak_similarity changed"]),
        (TITAN, DOCUMENTS, {"seed": 5}, {}, ["seed changed"]),
        (
            TITAN, DOCUMENTS, {"training": {**TITAN["training"], "hyperparameters": {"epochCount": 3}}}, {},
            ["training changed"],
        ),
    ],
)  # fmt: skip
def test_only_a_setting_that_the_training_of_the_arm_uses_is_a_reason_to_train_it_again(
    store: MemoryStore, settings: Any, arm: Any, change: dict[str, Any], prompts: Any, reasons: list[str] | None
) -> None:
    raw = {**USE_CASE.model_dump(mode="json"), **settings, "arms": [{"name": "base", "kind": "base"}, arm]}
    read_rows(store, LAST, UseCase.model_validate(raw), PROMPTS, [*TRAIN, *EVALUATION])
    sections = {name: {**raw[name], **value} if isinstance(value, dict) else value for name, value in change.items()}
    found = bought_again(store, UseCase.model_validate({**raw, **sections}), prompts)
    again = found.get("training and serving tuned")
    assert (again and again["reasons"]) == reasons


def test_another_arm_is_no_reason_to_train_an_arm_again(store: MemoryStore) -> None:
    raw = USE_CASE.model_dump(mode="json")
    more = UseCase.model_validate({**raw, "arms": [*raw["arms"], {**DOCUMENTS, "name": "originals"}]})
    assert "training and serving tuned" not in bought_again(store, more)


def test_a_trained_model_answers_again_if_its_requests_change(store: MemoryStore) -> None:
    store.write(LAST.answers("tuned", 0), b"{}")
    found = bought_again(store, changed(answering={"max_tokens": 99}))
    assert found.keys() == {"answers base", "serving tuned", "judging"}
    assert found["serving tuned"]["usd"] > 0
    assert "a trained model answers again" in found["judging"]["reasons"]


SCORED = UseCase.model_validate(
    {**USE_CASE.model_dump(mode="json"), "evaluations": {"pointwise": {"evaluators": ["nova-pro"], "questions": 3}}}
)


def scored_again(store: MemoryStore, evaluation: Sequence[Row] = EVALUATION, **pointwise: Any) -> dict[str, list[str]]:
    """Return the reasons why a second run buys scores again, by arm. The first run has scored both arms."""
    read_rows(store, LAST, SCORED, PROMPTS, [*TRAIN, *EVALUATION])
    for arm in ("base", "tuned"):
        questions = [{"row_id": row["row_id"], "prompt_sha256": "0"} for row in EVALUATION[:3]]
        write_jsonl(store, LAST.evaluation_questions(arm), questions)
        store.write(LAST.evaluation_scores(arm, "nova-pro"), b"")
    raw = SCORED.model_dump(mode="json")
    raw["evaluations"]["pointwise"] |= pointwise
    now = UseCase.model_validate(raw)
    read_rows(store, NEXT, now, PROMPTS, [*TRAIN, *evaluation])
    earlier = earlier_run(store, NEXT, now.name)
    assert earlier is not None
    lines = score_lines(now, evaluation, load_prices())
    answers = AnswerStore(store, NEXT.responses, NEXT.run_key)
    sides = {"train": TRAIN, "evaluation": evaluation}
    found = Comparison(now, PROMPTS, store, answers, earlier, lines, sides.__getitem__).find()
    scores = [purchase for purchase in found if purchase["what"].startswith("scores ")]
    assert all(purchase["usd"] > 0 and purchase["certain"] for purchase in scores)
    return {purchase["what"].removeprefix("scores "): purchase["reasons"] for purchase in scores}


class TestScores:
    def test_a_second_run_without_changes_buys_no_scores(self, store: MemoryStore) -> None:
        assert scored_again(store) == {}

    @pytest.mark.parametrize("change", [{"max_attempts": 5}, {"timeout_hours": 2}, {"poll_interval_seconds": 30}])
    def test_settings_without_an_effect_on_scores_are_no_reason(
        self, store: MemoryStore, change: dict[str, Any]
    ) -> None:
        assert scored_again(store, **change) == {}

    @pytest.mark.parametrize("change", [{"metrics": ["Builtin.Relevance"]}, {"questions": 2}])
    def test_other_metrics_or_questions_are_a_reason(self, store: MemoryStore, change: dict[str, Any]) -> None:
        found = scored_again(store, **change)
        assert found.keys() == {"base", "tuned"}
        assert found["tuned"][0] == "evaluations.pointwise changed"

    def test_another_evaluator_is_no_reason_to_buy_the_job_of_the_first_again(self, store: MemoryStore) -> None:
        assert scored_again(store, evaluators=["nova-pro", "nova-micro"]) == {}

    def test_one_new_question_is_a_reason_to_buy_the_whole_job(self, store: MemoryStore) -> None:
        rows = [make_row(200), *EVALUATION]
        assert scored_again(store, rows)["tuned"] == ["the evaluation rows changed"]

    def test_a_new_question_that_no_job_scores_is_no_reason(self, store: MemoryStore) -> None:
        assert scored_again(store, [*EVALUATION, make_row(200)]) == {}

    def test_new_answers_of_an_arm_are_a_reason_for_this_arm_only(self, store: MemoryStore) -> None:
        for uri in store.list(f"{LAST.responses}/"):
            if "nova-micro" in uri:
                store.delete(uri)
        assert scored_again(store) == {"base": ["the base student answers again"]}
