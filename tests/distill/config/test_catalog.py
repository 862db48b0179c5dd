"""Test that the catalog and the price table are complete and consistent."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import ValidationError

from include.distill.config.catalog import CATALOG_PATH, ApiName, Family, Model, RecordFormatName, load_catalog
from include.distill.core.errors import InputError, UseCaseError
from include.distill.cost.prices import PRICES_PATH, load_prices
from include.distill.cost.records import PriceName
from include.distill.training.formats import to_customization_format
from include.distill.training.hyperparameters import check_hyperparameters
from include.distill.training.limits import check_record

CATALOG = load_catalog()
ACTIVE = [model for model in CATALOG.models.values() if model.lifecycle == "active"]
STUDENTS = [model for model in CATALOG.models.values() if model.customization]
THROUGHPUT = [m for m in ACTIVE if m.customization and "provisioned_throughput" in m.customization.serving]
DEPLOYABLE = [
    model
    for model in CATALOG.models.values()
    if model.customization and "custom_model_deployment" in model.customization.serving
]
FAMILIES = list(CATALOG.families.values())


def key(value: object) -> str:
    return str(getattr(value, "key", value))


class TestLookUp:
    @pytest.mark.parametrize("model", CATALOG.models.values(), ids=key)
    def test_a_model_is_found_by_key_and_by_inference_id(self, model: Model) -> None:
        assert CATALOG.model(model.key) is model
        assert CATALOG.model(model.inference_id) is model

    def test_the_message_about_an_unknown_model_suggests_the_nearest_name(self) -> None:
        with pytest.raises(UseCaseError, match=r"Unknown model 'nova-mikro'; .*Did you mean nova-micro"):
            CATALOG.model("nova-mikro")

    def test_the_message_about_a_name_unlike_any_other_lists_all_active_models(self) -> None:
        with pytest.raises(UseCaseError) as raised:
            CATALOG.model("@@@@")
        named = {name for name in CATALOG.models if name in str(raised.value)}
        assert named == {name for name, model in CATALOG.models.items() if model.lifecycle == "active"}

    def test_the_message_about_a_model_that_cannot_be_fine_tuned_lists_models_that_can_be(self) -> None:
        with pytest.raises(UseCaseError, match="cannot fine-tune claude-sonnet-4-6") as raised:
            CATALOG.family_of(CATALOG.model("claude-sonnet-4-6"))
        assert "nova-micro" in str(raised.value)
        assert "claude-3-haiku" not in str(raised.value), "claude-3-haiku is retired"


class TestModels:
    @pytest.mark.parametrize("model", ACTIVE, ids=key)
    def test_an_active_model_has_a_source_and_the_day_it_was_checked(self, model: Model) -> None:
        assert model.source.url.startswith("https://")
        assert model.source.checked >= datetime.date(2026, 1, 1)

    @pytest.mark.parametrize("model", [m for m in CATALOG.models.values() if m.end_of_life], ids=key)
    def test_models_are_retired_exactly_after_their_end_of_life(self, model: Model) -> None:
        assert (model.lifecycle == "retired") == (model.end_of_life <= model.source.checked)

    @pytest.mark.parametrize("model", CATALOG.models.values(), ids=key)
    def test_anthropic_models_and_no_others_use_the_anthropic_format(self, model: Model) -> None:
        assert (model.api == "anthropic_messages") == (model.provider == "anthropic")

    def test_no_two_models_share_a_key_or_id(self) -> None:
        names = [name for m in CATALOG.models.values() for name in (m.key, m.inference_id)]
        assert len(set(names)) == len(names)

    @pytest.mark.parametrize("model", STUDENTS, ids=key)
    def test_a_student_has_a_family_a_region_a_way_of_serving_and_a_suffixed_id(self, model: Model) -> None:
        facts = model.customization
        assert facts is not None
        assert CATALOG.family_of(model).key == facts.family
        assert facts.regions
        assert facts.serving
        assert facts.base_model_id.startswith(f"{model.foundation_id}:")


class TestFactsOfCards:
    """Facts that a model's card states and that preflight relies on."""

    def test_the_default_teacher_has_no_batch_jobs_and_no_structured_output(self) -> None:
        teacher = CATALOG.model("claude-sonnet-5-5")
        assert (teacher.batch, teacher.json_schema, teacher.temperature) == (None, False, False)

    def test_nova_2_lite_is_called_by_its_profile_without_a_schema_and_is_served_in_both_ways(self) -> None:
        nova = CATALOG.model("nova-2-lite")
        assert (nova.inference_id, nova.json_schema) == ("us.amazon.nova-2-lite-v1:0", False)
        assert nova.customization
        assert nova.customization.regions == ("us-east-1",)
        assert set(nova.customization.serving) == {"provisioned_throughput", "custom_model_deployment"}

    @pytest.mark.parametrize(
        ("student", "quota"),
        [
            ("nova-micro", (2000, 4_000_000)),
            ("nova-lite", (2000, 4_000_000)),
            ("nova-pro", (200, 800_000)),
            ("llama-3-3-70b", (4, 300_000)),
        ],
    )
    def test_a_deployment_has_its_own_quota(self, student: str, quota: tuple[int, int]) -> None:
        facts = CATALOG.model(student).customization
        assert facts
        assert facts.deployment_quota
        assert (facts.deployment_quota.requests_per_minute, facts.deployment_quota.tokens_per_minute) == quota


@pytest.mark.parametrize("family", FAMILIES, ids=key)
class TestFamilies:
    def test_a_family_has_a_student(self, family: Family) -> None:
        assert any(m.customization.family == family.key for m in STUDENTS if m.customization)

    def test_each_minimum_of_a_family_is_positive_and_below_its_maximum(self, family: Family) -> None:
        minimum, maximum = family.training_records
        assert 0 < minimum < maximum <= family.total_records
        assert 0 < family.validation_records[0] <= family.validation_records[1]
        assert family.tokens_per_record > 0
        assert family.source.checked >= datetime.date(2026, 1, 1)

    def test_the_default_hyperparameters_of_a_family_pass_its_check(self, family: Family) -> None:
        defaults = {name: fact.default for name, fact in family.hyperparameters.items()}
        assert set(check_hyperparameters(defaults, family)) == set(defaults)

    def test_a_family_without_the_epoch_count_hyperparameter_is_refused(self, family: Family) -> None:
        raw = family.model_dump()
        del raw["hyperparameters"]["epochCount"]
        message = f"family {family.key} has no hyperparameter 'epochCount'.*include/models.yaml"
        with pytest.raises(ValidationError, match=message):
            Family.model_validate(raw)

    def test_a_plain_record_in_the_format_of_a_family_is_valid(self, family: Family) -> None:
        record = to_customization_format(user="u", answer="a", instruction="i", family=family)
        assert check_record(record, family, 1) == []


class TestErrors:
    """The messages about an invalid catalog."""

    @staticmethod
    def message_about(folder: Path, old: str, new: str) -> str:
        """Return the message about the catalog in which the first ``old`` is replaced."""
        text = CATALOG_PATH.read_text(encoding="utf-8")
        assert old in text
        path = folder / "models.yaml"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(InputError) as raised:
            load_catalog(path)
        message = str(raised.value)
        assert message.startswith(f"{path}: ")
        assert message.endswith(". No use case can be loaded. Correct the file.")
        return message

    def test_an_unknown_api_names_the_model_and_the_file_in_which_an_api_is_added(self, tmp_path: Path) -> None:
        message = self.message_about(tmp_path, "api: anthropic_messages\n", "api: no_such_api\n")
        assert "models.claude-sonnet-5-5.api: found 'no_such_api', expected " in message
        assert all(name in message for name in get_args(ApiName))
        assert ". To add a value, follow CONTRIBUTING.md and add the value to ApiName in" in message
        assert "include/distill/config/catalog.py." in message

    def test_an_unknown_format_names_the_family_and_the_file_in_which_a_format_is_added(self, tmp_path: Path) -> None:
        message = self.message_about(tmp_path, "format: prompt-completion\n", "format: no-such-format\n")
        assert "families.llama3.1.format: found 'no-such-format', expected " in message
        assert all(name in message for name in get_args(RecordFormatName))
        assert ". To add a value, follow CONTRIBUTING.md and add the value to RecordFormatName in" in message
        assert "include/distill/config/catalog.py." in message

    def test_a_value_that_needs_no_code_is_explained_without_the_code(self, tmp_path: Path) -> None:
        message = self.message_about(tmp_path, "lifecycle: active\n", "lifecycle: alive\n")
        assert "lifecycle: found 'alive', expected active, legacy or retired. No use case" in message

    def test_a_missing_hyperparameter_is_explained_once(self, tmp_path: Path) -> None:
        message = self.message_about(tmp_path, "      epochCount:", "      epochs:")
        assert message.count("has no hyperparameter 'epochCount'") == 1

    def test_the_shipped_file_is_named_by_its_path_in_the_project(self, monkeypatch: pytest.MonkeyPatch) -> None:
        invalid = CATALOG_PATH.read_text(encoding="utf-8").replace("api: converse\n", "api: no_such_api\n")
        monkeypatch.setattr(Path, "read_text", lambda *_, **__: invalid)
        with pytest.raises(InputError, match=r"^include/models\.yaml: models\.[\w-]+\.api: "):
            load_catalog.__wrapped__()


class TestPrices:
    @pytest.mark.parametrize("model", ACTIVE, ids=key)
    @pytest.mark.parametrize("what", ["input_per_million", "output_per_million"])
    def test_an_active_model_has_prices(self, model: Model, what: str) -> None:
        assert load_prices().price(model.key, what) > 0

    @pytest.mark.parametrize("model", THROUGHPUT, ids=key)
    @pytest.mark.parametrize("what", ["training_per_thousand", "throughput_per_hour"])
    def test_a_student_that_is_served_on_throughput_has_training_and_throughput_prices(
        self, model: Model, what: str
    ) -> None:
        assert load_prices().price(model.key, what) > 0

    def test_every_price_belongs_to_a_known_model_and_has_a_source(self) -> None:
        table = yaml.safe_load(PRICES_PATH.read_text(encoding="utf-8"))
        assert set(table["models"]) <= set(CATALOG.models)
        assert all(price["source"] for prices in table["models"].values() for price in prices.values())

    @pytest.mark.parametrize("model", DEPLOYABLE, ids=key)
    @pytest.mark.parametrize("what", ["training_per_thousand", "custom_input_per_million", "custom_output_per_million"])
    def test_a_student_that_can_be_deployed_on_demand_has_training_and_token_prices(
        self, model: Model, what: PriceName
    ) -> None:
        assert load_prices().price(model.key, what) > 0

    def test_prices_that_follow_only_from_a_rule_or_belong_to_another_model_are_not_verified(self) -> None:
        prices = load_prices()
        assert not prices.is_verified("nova-micro", "custom_input_per_million")
        assert not prices.is_verified("nova-micro", "throughput_per_hour")
        assert not prices.is_verified("llama-3-1-8b", "throughput_per_hour")
        assert prices.is_verified("nova-2-lite", "throughput_per_hour")

    @pytest.mark.parametrize("path", [CATALOG_PATH, PRICES_PATH], ids=lambda path: path.name)
    def test_no_key_of_a_table_occurs_twice(self, path: Path) -> None:
        def keys(node: yaml.Node) -> None:
            if isinstance(node, yaml.MappingNode):
                names = [name.value for name, _ in node.value]
                assert len(set(names)) == len(names), names
                for _, value in node.value:
                    keys(value)

        keys(yaml.compose(path.read_text(encoding="utf-8")))
