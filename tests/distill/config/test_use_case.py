from __future__ import annotations

from typing import Any, ClassVar

import pytest
import yaml

from include.distill.config.catalog import load_catalog
from include.distill.config.parsing import parse_use_case, with_overrides
from include.distill.core.errors import UseCaseError
from tests.distill.conftest import make_use_case

BASE = {"name": "base", "kind": "base"}
TUNED = {"name": "tuned"}
CHAMPION = {"name": "best", "kind": "champion"}
OPTIMIZED = {"name": "optimized", "kind": "base", "prompt": "optimized"}
MIX = {"name": "mix", "originals": 500, "synthetic": 1500}
FEW = {"training_csv": "t", "documents": 40}


class TestValidation:
    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            pytest.param({"techer": "nova-lite"}, "techer: unknown key, did you mean 'teacher'?", id="unknown key"),
            pytest.param({"synthesis": {"pairs": 3}}, "synthesis.pairs: unknown key", id="unknown key in a section"),
            pytest.param({"answering": {"inference": "batch"}}, "accept neither deployments nor", id="batch answers"),
            pytest.param({"teacher": "claude-sonet-4-6"}, "Did you mean claude-sonnet-4-6", id="unknown teacher"),
            pytest.param({"judges": ["llama-3-3-70"]}, "Did you mean llama-3-3-70b", id="unknown judge"),
            pytest.param({"judges": []}, "judges:", id="no judge"),
            pytest.param(
                {"student": "llama-3-1-8b", "promotion": {"serve": "on_demand"}},
                "promotion.serve: found on_demand, but Bedrock does not deploy models trained from llama-3-1-8b",
                id="a champion that Bedrock does not deploy",
            ),
            pytest.param(
                {"judges": ["nova-lite", "us.amazon.nova-lite-v1:0"]},
                "judges.1: found 'us.amazon.nova-lite-v1:0', which is nova-lite again; expected a different model",
                id="one judge under two names",
            ),
            pytest.param({"name": "Docs"}, "name:", id="capital in the name"),
            pytest.param({"name": "a" * 25}, "name:", id="name too long"),
            pytest.param({"arms": [BASE, {"name": "a" * 17}]}, "arms.1.name", id="arm's name too long"),
            pytest.param({"arms": [BASE, BASE]}, "expected a different name for each arm", id="an arm twice"),
            pytest.param({"arms": [BASE, {"name": "t", "originals": -1}]}, "arms.1.originals", id="negative count"),
            pytest.param({"arms": [BASE]}, "or a base arm with prompt: optimized. Add", id="only a base arm"),
            pytest.param(
                {"arms": [OPTIMIZED]},
                "by default; expected a plain base arm (kind: base without prompt: optimized) or a trained arm. Add",
                id="only an arm with an optimized prompt",
            ),
            pytest.param({"arms": [TUNED]}, "expected a base arm or a champion arm. Add", id="only a trained arm"),
            pytest.param(
                {"arms": [CHAMPION]},
                "expected a trained arm (kind: fine_tuned or distilled). Add",
                id="only a champion arm",
            ),
            pytest.param(
                {"arms": [BASE, OPTIMIZED, {**OPTIMIZED, "name": "second"}]},
                "arms.2.prompt: arm second has prompt: optimized, as arm optimized has; expected at most one such arm",
                id="two arms with an optimized prompt",
            ),
            pytest.param(
                {"arms": [BASE, TUNED, CHAMPION, {**CHAMPION, "name": "c"}]}, "expected at most one", id="two champions"
            ),
            pytest.param(
                {"arms": [BASE, TUNED, {**CHAMPION, "originals": 5}]},
                "not trained",
                id="rows for an arm without training",
            ),
            pytest.param({"arms": [BASE, {**MIX, "originals": 0, "synthetic": 0}]}, "neither", id="an empty mix"),
            pytest.param(
                {"arms": [BASE, MIX], "source": FEW},
                "500 originals, but source.documents is 40",
                id="more originals than rows",
            ),
            pytest.param({"arms": [BASE, {**MIX, "synthetic": 1501}]}, "at most 1,500", id="more than 3 pairs per row"),
            pytest.param(
                {"arms": [BASE, {**MIX, "originals": "all", "synthetic": 121}], "source": FEW},
                "121 synthetic pairs, but 40 rows give at most 120",
                id="more than 3 pairs for each of the first rows",
            ),
            pytest.param(
                {"synthesis": {"pairs_per_document": 0}}, "found 0, expected a whole number from 1 to 20", id="no pairs"
            ),
            pytest.param(
                {"source": {"training_csv": "t", "evaluation_share": 1}},
                "found 1, expected a number of at least 0 and below 1",
                id="all rows held out",
            ),
            pytest.param({"max_spend_usd": 0}, "found 0, expected a number above 0", id="a spend cap of zero"),
            pytest.param(
                {"schedule": "every day"}, "schedule: 'every day' is not a cron expression", id="not a cron expression"
            ),
            pytest.param(
                {"schedule": "61 * * * *"}, "schedule: '61 * * * *' is not a cron", id="a minute out of range"
            ),
            pytest.param({"schedule": ""}, "schedule: '' is not a cron expression", id="an empty schedule"),
            pytest.param(
                {"tags": ["a" * 101]},
                "… (101 characters), expected a text of 1 to 100 characters",
                id="a tag too long for Airflow",
            ),
            pytest.param({"aws": {"role_arn": "role"}}, "aws.role_arn", id="not a role ARN"),
            pytest.param({"source": {"training_csv": " "}}, "source.training_csv", id="a blank path"),
            pytest.param({"source": {"training_csv": "t", "documents": True}}, "found true", id="true for a number"),
            pytest.param({"max_spend_usd": float("inf")}, "finite number", id="an infinite cap"),
            pytest.param({"description": "\ud800"}, "found the character U+D800", id="half a character"),
            pytest.param({"prompts": {"instruction": " "}}, "prompts.instruction", id="a blank instruction"),
            pytest.param(
                {"prompts": {"examples": [{"question": " ", "answer": "a"}]}}, "prompts.examples", id="a blank example"
            ),
            pytest.param(
                {"curation": {"min_question_characters": 900}}, "every pair would be rejected", id="bounds that cross"
            ),
        ],
    )
    def test_a_wrong_value_is_refused_with_its_key(self, changes: dict[str, Any], problem: str) -> None:
        with pytest.raises(UseCaseError, match=r"^test: ") as raised:
            make_use_case(**changes)
        assert problem in str(raised.value)

    def test_every_problem_of_a_use_case_is_reported_at_once(self) -> None:
        with pytest.raises(UseCaseError) as raised:
            make_use_case(teacher="nobody", owner=7, seed="x")
        assert all(key in str(raised.value) for key in ("teacher:", "owner:", "seed:"))

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            pytest.param(
                {"owner": ["a"]}, "owner: found ['a'], expected a text of at most 500 characters", id="a list"
            ),
            pytest.param({"seed": "x"}, "seed: found 'x', expected a whole number", id="a text"),
            pytest.param(
                {"aws": {}},
                "aws.role_arn: the key is missing; expected the ARN of a role, such as arn:aws:iam::1234",
                id="a missing key",
            ),
            pytest.param(
                {"storage": {"training_bucket": "t1", "output_bucket": "o", "zzz": 1}},
                "storage.zzz: unknown key; expected one of training_bucket, output_bucket, prefix, create_buckets",
                id="a key that is like no other",
            ),
        ],
    )
    def test_the_message_about_a_wrong_value_names_the_key_the_found_value_and_the_expectation(
        self, changes: dict[str, Any], problem: str
    ) -> None:
        with pytest.raises(UseCaseError) as raised:
            make_use_case(**changes)
        assert problem in str(raised.value)

    @pytest.mark.parametrize("raw", [None, [], "text", 3], ids=repr)
    def test_a_use_case_that_is_not_a_mapping_is_refused(self, raw: Any) -> None:
        with pytest.raises(UseCaseError, match="expected a mapping"):
            parse_use_case(raw, origin="test")

    def test_an_inference_id_is_replaced_by_the_key_of_the_model(self) -> None:
        assert make_use_case(student="us.amazon.nova-lite-v1:0").student == "nova-lite"

    def test_the_frozen_copy_of_a_use_case_is_read_back_as_an_equal_use_case(self) -> None:
        use_case = make_use_case(arms=[BASE, {"name": "few", "originals": 5, "synthetic": 0}], tags=["a", "b"])
        frozen = yaml.safe_load(yaml.safe_dump(use_case.model_dump(mode="json")))
        assert parse_use_case(frozen, origin="frozen") == use_case


class TestComparisons:
    def test_by_default_every_tuned_arm_is_compared_with_every_base_arm(self) -> None:
        pairs = make_use_case(arms=[BASE, TUNED, {"name": "more"}]).pairs
        assert [(pair.candidate, pair.baseline) for pair in pairs] == [("tuned", "base"), ("more", "base")]

    def test_comparisons_begin_with_the_champion_if_there_is_one(self) -> None:
        pairs = make_use_case(arms=[BASE, CHAMPION, TUNED]).pairs
        assert [(pair.candidate, pair.baseline) for pair in pairs] == [("tuned", "best"), ("tuned", "base")]

    def test_configured_comparisons_replace_the_default_comparisons(self) -> None:
        stated = [{"candidate": "more", "baseline": "tuned"}]
        assert len(make_use_case(arms=[BASE, TUNED, {"name": "more"}], comparisons=stated).pairs) == 1

    @pytest.mark.parametrize(
        ("comparisons", "problem"),
        [
            pytest.param(
                [("tuned", "best")],
                r"comparisons\.0\.baseline: found the unknown arm 'best'; expected .* base, tuned\. Correct",
                id="unknown arm",
            ),
            pytest.param([("tuned", "tuned")], "expected two different arms", id="an arm against itself"),
            pytest.param([("tuned", "base"), ("tuned", "base")], "comparisons.1: .*twice", id="a pair twice"),
        ],
    )
    def test_an_impossible_comparison_is_refused(self, comparisons: list[tuple[str, str]], problem: str) -> None:
        with pytest.raises(UseCaseError, match=problem):
            make_use_case(comparisons=[{"candidate": a, "baseline": b} for a, b in comparisons])


class TestArms:
    def test_an_arm_may_request_as_many_pairs_as_the_teacher_can_write(self) -> None:
        assert make_use_case(arms=[BASE, MIX]).arm("mix").synthetic == 1500
        assert make_use_case(arms=[BASE, {**MIX, "originals": 0, "synthetic": 5000}]).wants_pairs

    def test_arms_are_checked_against_the_sizes_in_the_trigger_form(self) -> None:
        with pytest.raises(UseCaseError, match=r"trigger form: .*arm mix requests 500 originals"):
            with_overrides(make_use_case(arms=[BASE, MIX]), {"documents": 40})
        with pytest.raises(UseCaseError, match=r"at most 500 \(pairs_per_document is 1\)"):
            with_overrides(make_use_case(arms=[BASE, MIX]), {"pairs_per_document": 1})

    def test_arms_need_the_teacher_only_when_some_arm_takes_synthetic_pairs(self) -> None:
        assert not make_use_case(arms=[BASE, CHAMPION, {**MIX, "synthetic": 0}]).wants_pairs


class TestEpochs:
    def test_the_configured_number_of_epochs_replaces_the_default_of_the_family(self) -> None:
        assert make_use_case(training={"hyperparameters": {"epochCount": "4"}}).epochs == 4
        assert make_use_case(student="llama-3-1-8b").epochs == 5


class TestSchedule:
    @pytest.mark.parametrize("schedule", [None, "@daily", "*/15 2-4 * * 1-5"])
    def test_a_schedule_may_be_a_cron_expression_a_preset_or_none(self, schedule: str | None) -> None:
        assert make_use_case(schedule=schedule).schedule == schedule


class TestNoiseControl:
    def test_the_noise_control_is_judged_last_under_a_name_that_no_arm_can_have(self) -> None:
        use_case = make_use_case(answering={"temperature": 0.3})
        assert [(pair.candidate, pair.baseline) for pair in use_case.judged_pairs] == [
            ("tuned", "base"),
            ("base", "base-again"),
        ]
        with pytest.raises(UseCaseError, match=r"arms\.1\.name"):
            make_use_case(arms=[BASE, {"name": "base-again"}])

    def test_there_is_no_noise_control_at_temperature_0(self) -> None:
        use_case = make_use_case()
        assert use_case.noise_control_arm is None
        assert use_case.judged_pairs == use_case.pairs


class TestCritic:
    def test_there_is_no_critic_unless_a_critic_is_configured(self) -> None:
        assert make_use_case().critic is None
        assert make_use_case().models == ("claude-sonnet-4-6", "nova-micro", "claude-haiku-4-5")

    def test_the_critic_is_found_by_key_or_id_and_is_listed_among_the_models(self) -> None:
        by_id = load_catalog().model("nova-lite").inference_id
        use_case = make_use_case(curation={"critic": {"model": by_id, "max_spend_usd": 2}})
        assert use_case.critic
        assert (use_case.critic.model, use_case.models[-1]) == ("nova-lite", "nova-lite")
        assert len(make_use_case(curation={"critic": {"model": "nova-micro", "max_spend_usd": 2}}).models) == 3

    @pytest.mark.parametrize(
        ("critic", "problem"),
        [
            ({"model": "nova-lte", "max_spend_usd": 2}, "curation.critic.model: .*nova-lte"),
            ({"model": "nova-lite"}, "curation.critic.max_spend_usd: the key is missing; expected a number above 0"),
            (
                {"model": "nova-lite", "max_spend_usd": 0},
                "curation.critic.max_spend_usd: found 0, expected a number above 0",
            ),
            ({"model": "nova-lite", "max_spend": 2}, "curation.critic.max_spend: unknown key, .*'max_spend_usd'"),
        ],
    )
    def test_a_wrong_critic_section_is_refused_with_the_key(self, critic: dict[str, Any], problem: str) -> None:
        with pytest.raises(UseCaseError, match=problem):
            make_use_case(curation={"critic": critic})


class TestDistilledArms:
    BASE: ClassVar = {"name": "base", "kind": "base"}
    MANAGED: ClassVar = {"name": "managed", "kind": "distilled"}

    def test_the_teacher_of_the_use_case_is_the_default(self) -> None:
        use_case = make_use_case(teacher="nova-pro", arms=[self.BASE, self.MANAGED])
        assert (use_case.job_teacher("managed"), use_case.job_teacher("base")) == ("nova-pro", None)
        assert use_case.models_of_jobs == ()

    def test_a_model_that_only_bedrock_asks_is_not_one_of_the_models_that_the_pipeline_calls(self) -> None:
        use_case = make_use_case(arms=[self.BASE, {**self.MANAGED, "teacher": "nova-pro"}])
        assert use_case.models_of_jobs == ("nova-pro",)
        assert "nova-pro" not in use_case.models

    def test_a_distilled_arm_is_compared_like_a_fine_tuned_arm(self) -> None:
        arms = [self.BASE, {"name": "tuned"}, {**self.MANAGED, "teacher": "nova-pro"}]
        pairs = [(pair.candidate, pair.baseline) for pair in make_use_case(arms=arms).pairs]
        assert pairs == [("tuned", "base"), ("managed", "base")]

    def test_a_pair_that_bedrock_does_not_support_is_refused_with_the_supported_pairs(self) -> None:
        with pytest.raises(
            UseCaseError, match=r"no teacher from Anthropic\. Expected one of these pairs: teacher nova-pro"
        ):
            make_use_case(arms=[self.BASE, self.MANAGED])

    def test_hyperparameters_do_not_apply_to_a_distillation_job(self) -> None:
        arms = [self.BASE, {"name": "tuned"}, {**self.MANAGED, "teacher": "nova-pro"}]
        use_case = make_use_case(arms=arms, training={"hyperparameters": {"epochCount": 4}})
        assert (use_case.epochs_of("tuned"), use_case.epochs_of("managed")) == (4, 2)
