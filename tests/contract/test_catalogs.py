"""
The pipeline's catalog and the AWS simulator's catalog agree. They are separate files, because the simulator shares
nothing with the pipeline.
"""

from __future__ import annotations

import datetime

import pytest

from include.distill.config.catalog import Model
from include.distill.config.catalog import load_catalog as pipeline_catalog
from include.distill.training.job_identity import CUSTOMIZATION_TYPES
from tools.aws_simulator.catalog.catalog import load_catalog as simulator_catalog

TODAY = datetime.datetime.now(datetime.UTC).date()
MODELS = pipeline_catalog().models.values()
# The pipeline's catalog follows the model's card, the simulator the last known answer of ListFoundationModels.
LEGACY_BY_CARD = {"llama-3-3-70b"}


@pytest.mark.parametrize("model", MODELS, ids=[model.key for model in MODELS])
def test_the_simulator_knows_every_model_of_the_pipeline(model: Model) -> None:
    simulated = simulator_catalog().models[model.key]
    assert simulated.id == model.foundation_id
    assert model.inference_id in (simulated.id, *simulated.profile_ids)
    assert simulated.provider.lower() == model.provider
    expected = "ACTIVE" if model.key in LEGACY_BY_CARD else model.lifecycle.upper()
    assert simulated.status(TODAY) == expected
    assert (simulated.temperature, simulated.output_burndown) == (model.temperature, model.output_burndown)
    assert simulated.structured_outputs or not model.json_schema
    assert bool(simulated.batch) == bool(model.batch)
    assert simulated.evaluator == model.evaluator
    assert bool(simulated.customization) == bool(model.customization)
    if simulated.customization and model.customization:
        assert simulated.customization.base_id == model.customization.base_model_id
        assert simulated.customization.regions == model.customization.regions
        assert simulated.customization.serving == model.customization.serving
        assert simulated.customization.training == model.customization.family
        assert simulated.customization.pre_training == model.customization.document_family
        of_methods = {CUSTOMIZATION_TYPES[method] for method in model.customization.methods}
        assert set(simulated.customization.types) - {"DISTILLATION"} == of_methods
        limits, quota = simulated.customization.deployment, model.customization.deployment_quota
        assert limits is None or limits.regions == model.customization.regions
        if quota:  # the simulator also limits a model whose quota the pipeline does not know
            assert limits is not None
            assert limits.requests_per_minute == quota.requests_per_minute
            assert limits.tokens_per_minute == quota.tokens_per_minute


def test_the_training_formats_have_the_same_limits_and_hyperparameters() -> None:
    for key, family in (pipeline_catalog().families | pipeline_catalog().document_families).items():
        simulated = simulator_catalog().training[key]
        limits = ("training_records", "validation_records", "total_records", "tokens_per_record", "reserved_strings")
        limits = (*limits, "format", "tokens_by_batch_size", "characters_per_token")
        assert [getattr(simulated, name) for name in limits] == [getattr(family, name) for name in limits]
        ranges = {name: (rule.minimum, rule.maximum, rule.default) for name, rule in family.hyperparameters.items()}
        assert {name: (r.minimum, r.maximum, r.default) for name, r in simulated.hyperparameters.items()} == ranges


def test_bedrock_distils_the_same_pairs_of_models_within_the_same_limits() -> None:
    """The simulator also knows pairs with models that are retired today."""
    simulated = simulator_catalog()
    for model in MODELS:
        facts = model.customization.distillation if model.customization else None
        student = simulated.models[model.key].customization
        known = student.distillation if student else None
        assert (facts is not None) == (known is not None and model.lifecycle != "retired"), model.key
        if facts and known:
            assert facts.teachers == tuple(teacher.model for teacher in known.teachers)
            assert facts.regions == known.regions
    assert pipeline_catalog().distillation.prompts == simulated.distillation.prompts
