from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.use_case import UseCase
from include.distill.cost.bought_again import earlier_run
from include.distill.cost.estimate import estimate
from include.distill.cost.prices import load_prices, total_usd
from include.distill.cost.stored_already import repeats_earlier_run, stored_usd
from include.distill.inference.answer_store import AnswerStore
from tests.distill.cost.test_bought_again import EVALUATION, LAST, NEXT, PROMPTS, TRAIN, USE_CASE, read_rows, rows_of
from tests.distill.cost.test_bought_again import store as store
from tests.fakes.memory_store import MemoryStore

LINES = estimate(USE_CASE, train=TRAIN, evaluation=EVALUATION, prices=load_prices())


def stored(store: MemoryStore, *, rows: Any = rows_of) -> float:
    read_rows(store, NEXT, USE_CASE, PROMPTS, [*rows("train"), *rows("evaluation")])
    earlier = earlier_run(store, NEXT, USE_CASE.name)
    repeats = earlier is not None and repeats_earlier_run(USE_CASE, earlier, store, rows)
    answers = AnswerStore(store, NEXT.responses, NEXT.run_key)
    return stored_usd(USE_CASE, PROMPTS, answers, lines=LINES, rows=rows, repeats_earlier_run=repeats)


def usd(*prefixes: str) -> float:
    return sum(line.usd for line in LINES if line.what.startswith(prefixes))


def test_a_run_that_repeats_a_complete_run_is_expected_to_pay_nothing(store: MemoryStore) -> None:
    assert stored(store) == pytest.approx(total_usd(LINES))


def test_without_stored_answers_nothing_is_stored() -> None:
    assert stored(MemoryStore()) == 0


def test_after_a_run_that_did_not_train_only_its_answers_are_stored(store: MemoryStore) -> None:
    store.delete(LAST.merged("tuned", "data_card.json"))
    assert stored(store) == pytest.approx(usd("synthesis:", "answers base:"))


def test_with_another_row_the_models_are_not_expected_to_be_stored(store: MemoryStore) -> None:
    def fewer(side: str) -> Any:
        return TRAIN[:5] if side == "train" else EVALUATION

    assert stored(store, rows=fewer) == pytest.approx(usd("synthesis:", "answers base:"))


def test_the_share_of_stored_answers_counts(store: MemoryStore) -> None:
    answers = [uri for uri in store.list(f"{LAST.responses}/") if "claude" in uri]
    for uri in answers[:5]:
        store.delete(uri)
    assert stored(store) == pytest.approx(usd("synthesis:") / 2 + usd("answers base:"), abs=1e-3)


@pytest.mark.parametrize("scored_by", [[], ["nova-pro"], ["nova-pro", "nova-micro"]])
def test_a_run_with_a_new_evaluator_is_not_expected_to_pay_nothing(store: MemoryStore, scored_by: list[str]) -> None:
    evaluators = ["nova-pro", "nova-micro"]
    raw = {**USE_CASE.model_dump(mode="json"), "evaluations": {"pointwise": {"evaluators": evaluators}}}
    use_case = UseCase.model_validate(raw)
    for evaluator in scored_by:
        for arm in ("base", "tuned"):
            store.write(LAST.evaluation_scores(arm, evaluator), b"")
    read_rows(store, NEXT, use_case, PROMPTS, [*TRAIN, *EVALUATION])
    earlier = earlier_run(store, NEXT, use_case.name)
    assert earlier is not None
    assert repeats_earlier_run(use_case, earlier, store, rows_of) is (scored_by == evaluators)
