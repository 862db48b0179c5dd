from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.distill.config.catalog import load_catalog
from include.distill.config.loader import USE_CASES_FOLDER, expand_variables, load_use_case, load_use_cases
from include.distill.config.use_case import OVERRIDES, parse_use_case
from include.distill.core.errors import UseCaseError
from tests.distill.conftest import make_use_case, raw_use_case

BASE = {"name": "base", "kind": "base"}
TUNED = {"name": "tuned"}
CHAMPION = {"name": "best", "kind": "champion"}
MIX = {"name": "mix", "originals": 500, "synthetic": 1500}
FEW = {"training_csv": "t", "documents": 40}


def write(folder: Path, name: str, **changes: Any) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(raw_use_case(name=name, **changes)), encoding="utf-8")
    return path


class TestParsing:
    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            pytest.param({"techer": "nova-lite"}, "techer: unknown key, did you mean 'teacher'?", id="unknown key"),
            pytest.param({"synthesis": {"pairs": 3}}, "synthesis.pairs: unknown key", id="unknown key in a section"),
            pytest.param({"teacher": "claude-sonet-4-6"}, "Did you mean claude-sonnet-4-6", id="unknown teacher"),
            pytest.param({"judges": ["llama-3-3-70"]}, "Did you mean llama-3-3-70b", id="unknown judge"),
            pytest.param({"judges": []}, "judges:", id="no judge"),
            pytest.param({"judges": ["nova-lite", "us.amazon.nova-lite-v1:0"]}, "distinct", id="one judge, two names"),
            pytest.param({"name": "Docs"}, "name:", id="capital in the name"),
            pytest.param({"name": "a" * 25}, "name:", id="name too long"),
            pytest.param({"arms": [BASE, {"name": "a" * 17}]}, "arms.1.name", id="arm's name too long"),
            pytest.param({"arms": [BASE, BASE]}, "distinct names", id="an arm twice"),
            pytest.param({"arms": [BASE, {"name": "t", "originals": -1}]}, "arms.1.originals", id="negative count"),
            pytest.param({"arms": [BASE]}, "nothing is compared", id="a base alone"),
            pytest.param({"arms": [BASE, TUNED, CHAMPION, {**CHAMPION, "name": "c"}]}, "one champion", id="champions"),
            pytest.param({"arms": [BASE, TUNED, {**CHAMPION, "originals": 5}]}, "not trained", id="a mix of no use"),
            pytest.param({"arms": [BASE, {**MIX, "originals": 0, "synthetic": 0}]}, "neither", id="an empty mix"),
            pytest.param({"arms": [BASE, MIX], "source": FEW}, "500 originals, source.documents allows 40", id="rows"),
            pytest.param({"arms": [BASE, {**MIX, "synthetic": 1501}]}, "at most 1500", id="more pairs than 3 a row"),
            pytest.param(
                {"arms": [BASE, {**MIX, "originals": "all", "synthetic": 121}], "source": FEW},
                "121 synthetic pairs, 40 rows give at most 120",
                id="more pairs than 3 for each of the first rows",
            ),
            pytest.param({"synthesis": {"pairs_per_document": 0}}, "greater than or equal to 1", id="no pairs"),
            pytest.param({"source": {"training_csv": "t", "evaluation_share": 1}}, "less than 1", id="all held out"),
            pytest.param({"max_spend_usd": 0}, "greater than 0, found 0", id="no money"),
            pytest.param({"schedule": "every day"}, "schedule: 'every day' is no cron expression", id="no schedule"),
            pytest.param({"schedule": "61 * * * *"}, "schedule: '61 * * * *' is no cron", id="no minute"),
            pytest.param({"schedule": ""}, "schedule: '' is no cron expression", id="an empty schedule"),
            pytest.param({"tags": ["a" * 101]}, "tags.0: String should have at most 100", id="a tag Airflow refuses"),
            pytest.param({"aws": {"role_arn": "role"}}, "aws.role_arn", id="no role"),
            pytest.param({"source": {"training_csv": " "}}, "source.training_csv", id="a blank path"),
            pytest.param({"source": {"training_csv": "t", "documents": True}}, "no true here", id="true for a number"),
            pytest.param({"max_spend_usd": float("inf")}, "finite number", id="a cap that is none"),
            pytest.param({"description": "\ud800"}, "U+D800, which no file can carry", id="half a character"),
            pytest.param({"prompts": {"instruction": " "}}, "prompts.instruction", id="a blank instruction"),
            pytest.param(
                {"prompts": {"examples": [{"question": " ", "answer": "a"}]}}, "prompts.examples", id="a blank example"
            ),
            pytest.param(
                {"curation": {"min_question_characters": 900}}, "every pair would be dropped", id="bounds that cross"
            ),
        ],
    )
    def test_refused(self, changes: dict[str, Any], said: str) -> None:
        with pytest.raises(UseCaseError, match=r"^test: ") as raised:
            make_use_case(**changes)
        assert said in str(raised.value)

    def test_every_problem_is_named_at_once(self) -> None:
        with pytest.raises(UseCaseError) as raised:
            make_use_case(teacher="nobody", owner=7, seed="x")
        assert all(key in str(raised.value) for key in ("teacher:", "owner:", "seed:"))

    @pytest.mark.parametrize("raw", [None, [], "text", 3], ids=repr)
    def test_what_is_no_mapping_is_said_to_be_none(self, raw: Any) -> None:
        with pytest.raises(UseCaseError, match="expected a mapping"):
            parse_use_case(raw, origin="test")

    def test_a_model_may_be_named_by_its_inference_id_and_is_kept_by_its_key(self) -> None:
        assert make_use_case(student="us.amazon.nova-lite-v1:0").student == "nova-lite"

    def test_the_frozen_copy_reads_back_as_the_same_use_case(self) -> None:
        stated = make_use_case(arms=[BASE, {"name": "few", "originals": 5, "synthetic": 0}], tags=["a", "b"])
        frozen = yaml.safe_load(yaml.safe_dump(stated.model_dump(mode="json")))
        assert parse_use_case(frozen, origin="frozen") == stated


class TestComparisons:
    def test_by_default_every_tuned_arm_meets_every_base(self) -> None:
        pairs = make_use_case(arms=[BASE, TUNED, {"name": "more"}]).pairs
        assert [(pair.candidate, pair.baseline) for pair in pairs] == [("tuned", "base"), ("more", "base")]

    def test_with_a_champion_the_headline_is_against_it(self) -> None:
        pairs = make_use_case(arms=[BASE, CHAMPION, TUNED]).pairs
        assert [(pair.candidate, pair.baseline) for pair in pairs] == [("tuned", "best"), ("tuned", "base")]

    def test_stated_ones_stand_for_themselves(self) -> None:
        stated = [{"candidate": "more", "baseline": "tuned"}]
        assert len(make_use_case(arms=[BASE, TUNED, {"name": "more"}], comparisons=stated).pairs) == 1

    @pytest.mark.parametrize(
        ("comparisons", "said"),
        [
            pytest.param([("tuned", "best")], r"unknown arms \['best'\]", id="unknown arm"),
            pytest.param([("tuned", "tuned")], "two arms", id="an arm against itself"),
            pytest.param([("tuned", "base"), ("tuned", "base")], "twice", id="a pair twice"),
        ],
    )
    def test_refused(self, comparisons: list[tuple[str, str]], said: str) -> None:
        with pytest.raises(UseCaseError, match=said):
            make_use_case(comparisons=[{"candidate": a, "baseline": b} for a, b in comparisons])


class TestArms:
    def test_as_many_as_there_can_be_are_no_fault(self) -> None:
        assert make_use_case(arms=[BASE, MIX]).arm("mix").synthetic == 1500
        assert make_use_case(arms=[BASE, {**MIX, "originals": 0, "synthetic": 5000}]).wants_pairs

    def test_the_forms_sizes_are_checked_against_the_arms(self) -> None:
        with pytest.raises(UseCaseError, match=r"trigger form: .*arm mix asks for 500 originals"):
            make_use_case(arms=[BASE, MIX]).with_overrides({"documents": 40})
        with pytest.raises(UseCaseError, match=r"at most 500 \(pairs_per_document is 1\)"):
            make_use_case(arms=[BASE, MIX]).with_overrides({"pairs_per_document": 1})

    def test_the_teacher_is_wanted_only_when_an_arm_takes_its_pairs(self) -> None:
        assert not make_use_case(arms=[BASE, CHAMPION, {**MIX, "synthetic": 0}]).wants_pairs


class TestEpochs:
    def test_the_stated_ones_count_and_else_the_familys_default(self) -> None:
        assert make_use_case(training={"hyperparameters": {"epochCount": "4"}}).epochs == 4
        assert make_use_case(student="llama-3-1-8b").epochs == 5


class TestVariables:
    @pytest.mark.parametrize(
        ("text", "environment", "expected"),
        [
            pytest.param("${A}", {"A": "x"}, "x", id="set"),
            pytest.param("${A:-d}", {"A": "x"}, "x", id="set, with a default"),
            pytest.param("${A:-d}", {}, "d", id="not set, with a default"),
            pytest.param("${A:-d}", {"A": ""}, "d", id="empty counts as not set"),
            pytest.param("${A:-}", {}, "", id="an empty default"),
            pytest.param("s3://${A}/${B:-k}/f", {"A": "x"}, "s3://x/k/f", id="several in one text"),
            pytest.param("$A {A} $", {"A": "x"}, "$A {A} $", id="other dollars stay"),
            pytest.param("${A}", {"A": "${B}", "B": "x"}, "${B}", id="values are not expanded again"),
        ],
    )
    def test_a_text(self, text: str, environment: dict[str, str], expected: str) -> None:
        assert expand_variables(text, environment) == expected

    def test_all_texts_of_a_value_and_nothing_else(self) -> None:
        value = {"a": ["${A}", 3, None, {"b": "${A}"}], "${A}": True}
        assert expand_variables(value, {"A": "x"}) == {"a": ["x", 3, None, {"b": "x"}], "${A}": True}

    def test_one_that_is_missing_is_named_with_its_file(self, tmp_path: Path) -> None:
        path = write(tmp_path, "docs", owner="${TEAM_NAME}")
        with pytest.raises(UseCaseError, match=r"^docs.yaml: environment variable TEAM_NAME is not set"):
            load_use_case(path, environment={})

    def test_the_environment_of_the_process_counts_when_none_is_given(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TEAM_NAME", "platform")
        assert load_use_case(write(tmp_path, "docs", owner="${TEAM_NAME}")).owner == "platform"


BROKEN = {
    "no_yaml": b"a: [",
    "no_text": b"\xff\xfe\x00",
    "empty": b"",
    "list": b"- a",
    "no_date": b"schedule: 2026-99-99",
    "no_bool": b"a: !!bool x",
    "circle": b"a: &a {b: *a}",
    "deep": b"[" * 3000,
    "number_key": b"1: a",
    "twice": b"name: twice\nmax_spend_usd: 5\nmax_spend_usd: 500\n",
    "unset": b"owner: ${SURELY_NOT_SET_ANYWHERE}",
}


class TestFiles:
    def test_a_use_case_is_named_like_its_file(self, tmp_path: Path) -> None:
        path = write(tmp_path, "docs").rename(tmp_path / "other.yaml")
        with pytest.raises(UseCaseError, match=r"other.yaml: name is 'docs'.*'other'"):
            load_use_case(path)

    def test_a_key_stated_twice_is_named_with_its_line(self, tmp_path: Path) -> None:
        path = tmp_path / "docs.yaml"
        path.write_text("name: docs\nsource:\n  documents: 5\n  documents: 500\n")
        with pytest.raises(UseCaseError, match=r"(?s)docs.yaml: .*key 'documents' is stated twice.*line 4"):
            load_use_case(path)

    @pytest.mark.parametrize("schedule", [None, "@daily", "*/15 2-4 * * 1-5"])
    def test_a_schedule_is_cron_a_preset_or_none(self, schedule: str | None) -> None:
        assert make_use_case(schedule=schedule).schedule == schedule

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(UseCaseError, match=r"gone\.yaml"):
            load_use_case(tmp_path / "gone.yaml")

    @pytest.mark.parametrize("name", BROKEN)
    def test_a_broken_file_takes_no_other_down(self, tmp_path: Path, name: str) -> None:
        write(tmp_path, "docs")
        write(tmp_path, "zebra")
        (tmp_path / f"{name}.yaml").write_bytes(BROKEN[name])
        found = load_use_cases(tmp_path)
        assert [use_case.name for use_case in found.valid] == ["docs", "zebra"]
        (problem,) = found.problems
        assert problem.startswith(f"{name}.yaml: ")

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(body=st.one_of(st.binary(max_size=40), st.text("{}[]:,-&*!|>?%@ \n'\"#ab1.~<=", max_size=30)))
    def test_no_file_at_all_makes_it_raise(self, tmp_path: Path, body: bytes | str) -> None:
        (tmp_path / "any.yaml").write_bytes(body.encode() if isinstance(body, str) else body)
        found = load_use_cases(tmp_path)
        assert (len(found.valid), len(found.problems)) == (0, 1)

    def test_those_of_the_project_are_good(self) -> None:
        found = load_use_cases(USE_CASES_FOLDER)
        assert found.problems == ()
        assert [use_case.dag_id for use_case in found.valid] == ["distill_aws_docs_qa", "distill_compare_arms"]


class TestOverrides:
    def test_values_of_the_form_stand_in_place_of_the_files(self) -> None:
        values = {"training_csv": "other.csv", "documents": 7, "pairs_per_document": 5, "max_spend_usd": 3}
        made = make_use_case().with_overrides(values)
        assert (made.source.training_csv, made.source.documents) == ("other.csv", 7)
        assert (made.synthesis.pairs_per_document, made.max_spend_usd) == (5, 3)

    @pytest.mark.parametrize(
        "values",
        [
            pytest.param({}, id="none"),
            pytest.param(dict.fromkeys(OVERRIDES), id="all left empty"),
            pytest.param(dict.fromkeys(OVERRIDES, ""), id="all empty texts"),
            pytest.param({"dry_run": True, "teacher": "nova-lite"}, id="what is no override"),
        ],
    )
    def test_the_file_stands_when_the_form_says_nothing(self, values: dict[str, Any]) -> None:
        assert make_use_case().with_overrides(values) == make_use_case()

    @pytest.mark.parametrize("values", [{"documents": 0}, {"pairs_per_document": 21}, {"max_spend_usd": -1}], ids=str)
    def test_a_value_out_of_range_is_named_with_the_form(self, values: dict[str, Any]) -> None:
        with pytest.raises(UseCaseError, match="tiny with the values of the trigger form: ") as raised:
            make_use_case().with_overrides(values)
        assert next(iter(values)) in str(raised.value)


class TestNoiseControl:
    def test_it_is_judged_after_the_comparisons_and_under_a_name_that_no_arm_can_have(self) -> None:
        use_case = make_use_case(answering={"temperature": 0.3})
        assert [(pair.candidate, pair.baseline) for pair in use_case.judged_pairs] == [
            ("tuned", "base"),
            ("base", "base-again"),
        ]
        with pytest.raises(UseCaseError, match=r"arms\.1\.name"):
            make_use_case(arms=[BASE, {"name": "base-again"}])

    def test_at_temperature_nought_there_is_none(self) -> None:
        use_case = make_use_case()
        assert use_case.noise_control_arm is None
        assert use_case.judged_pairs == use_case.pairs


class TestCritic:
    def test_there_is_none_unless_it_is_stated(self) -> None:
        assert make_use_case().critic is None
        assert make_use_case().models == ("claude-sonnet-4-6", "nova-micro", "claude-haiku-4-5")

    def test_it_is_a_model_of_the_catalog_by_whatever_name_and_among_the_models_asked(self) -> None:
        by_id = load_catalog().model("nova-lite").inference_id
        use_case = make_use_case(curation={"critic": {"model": by_id, "max_spend_usd": 2}})
        assert use_case.critic
        assert (use_case.critic.model, use_case.models[-1]) == ("nova-lite", "nova-lite")
        assert len(make_use_case(curation={"critic": {"model": "nova-micro", "max_spend_usd": 2}}).models) == 3

    @pytest.mark.parametrize(
        ("critic", "problem"),
        [
            ({"model": "nova-lte", "max_spend_usd": 2}, "curation: .*nova-lte"),
            ({"model": "nova-lite"}, "curation.critic.max_spend_usd: Field required"),
            ({"model": "nova-lite", "max_spend_usd": 0}, "curation.critic.max_spend_usd: .*greater than 0"),
            ({"model": "nova-lite", "max_spend": 2}, "curation.critic.max_spend: unknown key, .*'max_spend_usd'"),
        ],
    )
    def test_what_is_wrong_with_it_is_named(self, critic: dict[str, Any], problem: str) -> None:
        with pytest.raises(UseCaseError, match=problem):
            make_use_case(curation={"critic": critic})
