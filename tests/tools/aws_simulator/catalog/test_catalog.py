"""The catalog is complete, and the dates in it decide on the life cycles of models."""

from __future__ import annotations

import datetime

import pytest

from tools.aws_simulator.catalog.catalog import load_catalog

HAIKU = load_catalog().models["claude-3-haiku"]


@pytest.mark.parametrize(
    ("day", "status"),
    [
        ("2025-02-12", "ACTIVE"),
        ("2026-03-09", "ACTIVE"),
        ("2026-03-10", "LEGACY"),
        ("2026-09-09", "LEGACY"),
        ("2026-09-10", "RETIRED"),
    ],
)
def test_a_model_becomes_legacy_and_is_retired_on_its_dates(day: str, status: str) -> None:
    assert HAIKU.status(datetime.date.fromisoformat(day)) == status


def test_a_model_without_dates_stays_active() -> None:
    assert load_catalog().models["nova-micro"].status(datetime.date(2099, 1, 1)) == "ACTIVE"


def test_every_customizable_model_names_a_training_format_and_all_ids_differ() -> None:
    catalog = load_catalog()
    bases = [model.customization for model in catalog.models.values() if model.customization]
    documents = {base.pre_training for base in bases if base.pre_training}
    assert {base.training for base in bases} | documents == set(catalog.training)
    assert {catalog.training[key].format for key in documents} == {"documents"}
    ids = [model.id for model in catalog.models.values()] + [base.base_id for base in bases]
    assert len(ids) == len(set(ids))


def test_a_models_own_limit_replaces_the_limit_of_its_training_format() -> None:
    catalog = load_catalog()
    large, small = (catalog.models[key].customization for key in ("llama-3-2-90b", "llama-3-2-1b"))
    assert large
    assert small
    assert catalog.training_format(large).tokens_per_record == 10_000
    assert catalog.training_format(small).tokens_per_record == 16_000


def test_profile_ids_have_the_scope_before_the_id() -> None:
    assert "us.amazon.nova-micro-v1:0" in load_catalog().models["nova-micro"].profile_ids


def test_every_teacher_is_a_model_of_the_students_provider_with_a_profile() -> None:
    models, pairs = load_catalog().models, 0
    for student in models.values():
        if student.customization and "DISTILLATION" in student.customization.types:
            assert student.customization.distillation
            assert set(student.customization.distillation.regions) <= set(student.customization.regions)
            for teacher in student.customization.distillation.teachers:
                assert models[teacher.model].provider == student.provider
                assert models[teacher.model].profiles
                pairs += 1
        else:
            assert student.customization is None or student.customization.distillation is None
    assert pairs == 8


def test_prompts_have_another_format_and_other_limits_than_the_students_training_files() -> None:
    catalog = load_catalog()
    student = catalog.models["llama-3-1-8b"].customization
    assert student
    assert student.distillation
    training, prompts = catalog.training_format(student), catalog.prompt_format(student, student.distillation)
    assert (training.format, prompts.format) == ("prompt-completion", "bedrock-conversation-2024")
    assert (training.training_records, prompts.training_records) == ((100, 10_000), (100, 15_000))
    assert prompts.hyperparameters == training.hyperparameters
