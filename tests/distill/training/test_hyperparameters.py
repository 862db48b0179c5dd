from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.catalog import Family, load_catalog
from include.distill.core.errors import InputError
from include.distill.training.hyperparameters import check_hyperparameters

FAMILIES = load_catalog().families
NOVA, CLAUDE = FAMILIES["nova"], FAMILIES["claude3"]
ALL = pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))


class TestHyperparameters:
    @pytest.mark.parametrize(
        ("family", "given", "sent"),
        [
            (NOVA, {}, {}),
            (NOVA, {"epochCount": 2}, {"epochCount": "2"}),
            (NOVA, {"epochCount": 2.0, "learningRate": 1e-5}, {"epochCount": "2", "learningRate": "0.00001"}),
            (NOVA, {"epochCount": "5", "learningRate": "1e-4"}, {"epochCount": "5", "learningRate": "0.0001"}),
            (
                CLAUDE,
                {"learningRateMultiplier": 1, "batchSize": 100},
                {"learningRateMultiplier": "1", "batchSize": "100"},
            ),
            (CLAUDE, {"earlyStoppingThreshold": 0}, {"earlyStoppingThreshold": "0"}),
        ],
    )
    def test_hyperparameters_are_sent_as_plain_strings(
        self, family: Family, given: dict[str, Any], sent: dict[str, str]
    ) -> None:
        assert check_hyperparameters(given, family) == sent

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"epochs": 2}, "unknown name 'epochs' (did you mean epochCount?)"),
            ({"xyz": 2}, "unknown name 'xyz' (expected one of epochCount, learningRate, learningRateWarmupSteps)"),
            ({"epochCount": 2.5}, "epochCount is 2.5; expected integer from 1 to 5"),
            ({"epochCount": True}, "epochCount is True; expected integer"),
            ({"epochCount": "two"}, "epochCount is 'two'; expected integer"),
            ({"epochCount": None}, "epochCount is None"),
            ({"epochCount": 6}, "epochCount is 6, which is out of range; expected integer from 1 to 5"),
            ({"learningRate": 1e-3}, "out of range; expected number from 0.000001 to 0.0001"),
            ({"learningRate": float("nan")}, "learningRate is nan, which is out of range"),
            ({"learningRate": "1e999"}, "out of range"),
            ({"epochCount": 10**400}, "epochCount is 1000"),
        ],
    )
    def test_a_wrong_name_type_or_value_is_refused(self, given: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError) as raised:
            check_hyperparameters(given, NOVA)
        assert message in str(raised.value)

    def test_early_stopping_needs_a_validation_file(self) -> None:
        given = {"earlyStoppingPatience": 3, "earlyStoppingThreshold": 0.01}
        assert set(check_hyperparameters(given, CLAUDE)) == set(given)
        with pytest.raises(InputError, match=r"earlyStoppingPatience needs a validation file.*Threshold needs"):
            check_hyperparameters(given, CLAUDE, with_validation=False)

    def test_all_faults_of_hyperparameters_are_named_at_once(self) -> None:
        with pytest.raises(InputError, match=r"of nova are not valid: epochCount is 9.*; unknown name 'b'"):
            check_hyperparameters({"epochCount": 9, "b": 1}, NOVA)

    @ALL
    def test_the_defaults_of_the_catalog_are_in_range(self, family: Family) -> None:
        defaults = {name: fact.default for name, fact in family.hyperparameters.items()}
        assert set(check_hyperparameters(defaults, family)) == set(defaults)
