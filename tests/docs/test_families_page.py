"""``docs/reference/families.md`` says what the catalog says."""

from __future__ import annotations

import pytest

from include.distill.config.catalog import Family, load_catalog
from include.distill.core.paths import PROJECT_ROOT

PATH = "docs/reference/families.md"
PAGE = (PROJECT_ROOT / PATH).read_text(encoding="utf-8")
CATALOG = load_catalog()


def plain(number: float) -> str:
    return f"{number:.10f}".rstrip("0").rstrip(".")


@pytest.mark.parametrize("family", CATALOG.families.values(), ids=list(CATALOG.families))
class TestPage:
    def test_states_formats_and_limits(self, family: Family) -> None:
        found = [line for line in PAGE.splitlines() if line.startswith(f"| `{family.key}` |") and family.format in line]
        assert len(found) == 1, f"{PATH} needs one row for `{family.key}` with {family.format} in its first table"
        (row,) = found
        least, most = family.training_records
        with_validation = " (training and validation together)" if family.count_minimum_with_validation else ""
        assert f"| {least}{with_validation} to {most:,} |" in row, PATH
        assert f"| {family.validation_records[0]} to {family.validation_records[1]:,} |" in row, PATH
        assert row.endswith(f"| {family.total_records:,} | {family.tokens_per_record:,} |"), PATH
        named = [model for model in CATALOG.models.values() if model.customization and model.key in row]
        assert {model.customization.family for model in named if model.customization} == {family.key}, PATH
        assert ("retired" in row) == all(model.lifecycle == "retired" for model in named), PATH

    def test_states_hyperparameters(self, family: Family) -> None:
        for name, fact in family.hyperparameters.items():
            span = f"{plain(fact.minimum)} to {plain(fact.maximum)}"
            row = f"| `{family.key}` | `{name}` | {fact.type} | {span} | {plain(fact.default)} | {fact.meaning}"
            assert row in PAGE, f"add this row to the second table of {PATH}: {row} |"
