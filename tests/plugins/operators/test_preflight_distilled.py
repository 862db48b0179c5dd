"""Check what `preflight` checks for arms that Bedrock's Model Distillation trains."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError
from tests.fakes.fake_bedrock import FakeBedrock, missing
from tests.plugins.operators import test_preflight as builders
from tests.plugins.operators.test_preflight import section

preflight = builders.preflight  # pytest finds the fixture by its name


class TestDistilledArms:
    ARMS = ({"name": "base", "kind": "base"}, {"name": "managed", "kind": "distilled", "teacher": "nova-pro"})
    NOVA_PRO = "amazon.nova-pro-v1:0"

    def test_the_teacher_of_a_distillation_job_is_checked_like_the_other_models(
        self, preflight: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        preflight(arms=list(self.ARMS)).execute(context)
        bedrock.refuse[self.NOVA_PRO] = missing(self.NOVA_PRO)
        with pytest.raises(InputError, match="nova-pro"):
            preflight(arms=list(self.ARMS)).execute(context)

    def test_without_another_teacher_of_the_student_the_arm_is_to_be_removed(
        self, preflight: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        bedrock.refuse[self.NOVA_PRO] = missing(self.NOVA_PRO)
        with pytest.raises(InputError) as refused:
            preflight(arms=list(self.ARMS)).execute(context)
        (problem,) = [line for line in str(refused.value).splitlines() if "model nova-pro" in line]
        assert problem.endswith(
            "Change aws.region, or remove arm managed from the use-case file, because nova-micro has no other active"
            " teacher in Bedrock"
        )

    def test_a_teacher_that_is_also_a_judge_has_alternatives_only_as_a_judge(
        self, preflight: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        bedrock.refuse[self.NOVA_PRO] = missing(self.NOVA_PRO)
        with pytest.raises(InputError) as refused:
            preflight(arms=list(self.ARMS), judges=["nova-pro"]).execute(context)
        advice = (
            "no other active teacher in Bedrock. For its other roles, name another model in the use-case file, such"
        )
        assert advice in str(refused.value)

    def test_a_student_that_bedrock_cannot_distil_into_is_refused(
        self, preflight: Any, bedrock: FakeBedrock, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        details = {"modelLifecycle": {"status": "ACTIVE"}, "customizationsSupported": ["FINE_TUNING"]}
        monkeypatch.setattr(bedrock, "foundation_model", lambda model_id: {"modelId": model_id, **details})
        with pytest.raises(InputError, match="Bedrock cannot distil a teacher into nova-micro in this Region"):
            preflight(arms=list(self.ARMS)).execute(context)

    def test_too_few_rows_for_the_prompts_of_a_job_are_refused(
        self, preflight: Any, context: Any, use_case: UseCase
    ) -> None:
        with pytest.raises(InputError, match="arm managed can get at most 99 prompts"):
            preflight(arms=list(self.ARMS), **section(use_case, "source", documents=99)).execute(context)
