from __future__ import annotations

from typing import Any

import pytest

from include.distill.core.errors import InputError, PromotionError
from include.distill.evaluation.champion import Champion, read_champion
from include.distill.evaluation.rollback import (
    choice_hash,
    choose_target,
    is_restored,
    refuse_outdated,
)
from tests.distill.evaluation.test_champion import URI, run_and_promote
from tests.distill.evaluation.test_champion_history import ENDPOINT, choice, roll_back
from tests.fakes.memory_store import MemoryStore


@pytest.fixture
def three(store: MemoryStore) -> MemoryStore:
    for name in ("one", "two", "three"):
        run_and_promote(store, name, endpoint=ENDPOINT)
    return store


def present(store: MemoryStore) -> Champion:
    champion = read_champion(store, URI)
    assert champion is not None
    return champion


class TestChooseTarget:
    @pytest.mark.parametrize(
        ("to", "run_key"),
        [
            ("previous", "two"),
            ("current", "three"),
            ("one", "one"),
            ("arn:one", "one"),
            ("arn:three", "three"),
        ],
    )
    def test_the_form_names_a_champion(self, three: MemoryStore, to: str, run_key: str) -> None:
        assert choose_target(present(three), "docs", to).run_key == run_key

    def test_after_a_rollback_the_previous_champion_is_the_replaced_one(self, three: MemoryStore) -> None:
        roll_back(three, "one", "back")
        assert choose_target(present(three), "docs", "previous").run_key == "three"

    @pytest.mark.parametrize("to", ["four", "arn:four", "Previous", "on"])
    def test_a_wrong_value_lists_all_choices_and_their_evidence(self, three: MemoryStore, to: str) -> None:
        with pytest.raises(InputError) as caught:
            choose_target(present(three), "docs", to)
        message = caught.value.happened
        assert repr(to) in message
        lines = [line.split(":")[0].strip() for line in message.splitlines()[1:]]
        assert lines == ["current", "previous", "one"]
        for champion in (present(three), *present(three).earlier):
            for part in (champion.model_arn, champion.promoted_at, champion.verdict, champion.report_uri):
                assert part in message
        assert caught.value.left == "The champion and its endpoint are unchanged."

    def test_a_first_champion_has_no_previous_one(self, store: MemoryStore) -> None:
        run_and_promote(store, "one")
        with pytest.raises(InputError, match="has no earlier champion"):
            choose_target(present(store), "docs", "previous")

    def test_without_a_champion_there_is_nothing_to_choose(self) -> None:
        with pytest.raises(InputError, match="has no champion yet") as caught:
            choose_target(None, "docs", "previous")
        assert "after a run of distill_docs has promoted a model" in caught.value.to_do


class TestRefuseOutdated:
    def chosen(self, store: MemoryStore, to: str = "one") -> Any:
        champion = present(store)
        return choice(choose_target(champion, "docs", to), champion.model_arn)

    def test_the_choice_applies_before_and_after_its_own_change(self, three: MemoryStore) -> None:
        chosen = self.chosen(three)
        refuse_outdated(chosen, present(three), "back")
        assert not is_restored(present(three), "back")
        roll_back(three, "one", "back")
        assert is_restored(present(three), "back")
        refuse_outdated(chosen, present(three), "back")

    def test_another_rollback_makes_the_choice_outdated(self, three: MemoryStore) -> None:
        chosen = self.chosen(three)
        roll_back(three, "two", "other")
        with pytest.raises(PromotionError, match="it was arn:three, and now it is arn:two"):
            refuse_outdated(chosen, present(three), "back")

    def test_a_deleted_record_makes_the_choice_outdated(self, three: MemoryStore) -> None:
        with pytest.raises(PromotionError, match="now it is no model"):
            refuse_outdated(self.chosen(three), None, "back")

    def test_a_promotion_after_the_rollback_makes_it_outdated(self, three: MemoryStore) -> None:
        chosen = self.chosen(three)
        roll_back(three, "one", "back")
        run_and_promote(three, "four", endpoint=ENDPOINT)
        with pytest.raises(PromotionError):
            refuse_outdated(chosen, present(three), "back")


def test_the_hash_changes_with_the_model_and_with_the_price(three: MemoryStore) -> None:
    champion = present(three)
    base = choice(choose_target(champion, "docs", "one"), champion.model_arn)
    others = [
        {**base, "price": {"usd_per_hour": 60.5, "units": 1}},
        choice(choose_target(champion, "docs", "two"), champion.model_arn),
        {**base, "replaces": "arn:two"},
    ]
    assert len({choice_hash(one) for one in (base, *others)}) == 4
    assert choice_hash(base) == choice_hash({**base})
