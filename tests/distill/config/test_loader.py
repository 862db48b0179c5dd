from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.distill.config import loader
from include.distill.config.catalog import load_catalog
from include.distill.config.loader import USE_CASES_FOLDER, expand_variables, load_use_case, load_use_cases
from include.distill.config.sections import Prompts
from include.distill.core.errors import FAILED_TASK, UseCaseError
from include.distill.core.paths import PROJECT_ROOT
from tests.distill.conftest import raw_use_case
from tests.fakes.variables import VARIABLES


def write(folder: Path, name: str, **changes: Any) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(raw_use_case(name=name, **changes)), encoding="utf-8")
    return path


class TestVariables:
    @pytest.mark.parametrize(
        ("text", "environment", "expected"),
        [
            pytest.param("${A}", {"A": "x"}, "x", id="set"),
            pytest.param("${A:-d}", {"A": "x"}, "x", id="set, with a default"),
            pytest.param("${A:-d}", {}, "d", id="not set, with a default"),
            pytest.param("${A:-d}", {"A": ""}, "d", id="empty counts as not set"),
            pytest.param("${A:-}", {}, "", id="an empty default"),
            pytest.param("${A:-${B}}", {"A": "x", "B": "y"}, "x", id="set, with another variable as default"),
            pytest.param("${A:-<${B}>}", {"B": "y"}, "<y>", id="another variable in a default"),
            pytest.param("${A:-$${B}}", {}, "${B}", id="an escaped variable in a default"),
            pytest.param("s3://${A}/${B:-k}/f", {"A": "x"}, "s3://x/k/f", id="several in one text"),
            pytest.param("$A {A} $", {"A": "x"}, "$A {A} $", id="other dollar signs are unchanged"),
            pytest.param("${A}", {"A": "${B}", "B": "x"}, "${B}", id="values are not expanded again"),
            pytest.param("${A:-$ 5}", {}, "$ 5", id="a dollar sign in a default"),
            pytest.param("${A:-" * 30_000, {}, "${A:-" * 30_000, id="placeholders without an end"),
        ],
    )
    def test_variables_are_replaced_in_a_text(self, text: str, environment: dict[str, str], expected: str) -> None:
        assert expand_variables(text, environment) == expected

    def test_variables_are_replaced_in_all_texts_of_a_value_but_not_in_keys(self) -> None:
        value = {"a": ["${A}", 3, None, {"b": "${A}"}], "${A}": True}
        assert expand_variables(value, {"A": "x"}) == {"a": ["x", 3, None, {"b": "x"}], "${A}": True}

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Write $${HOME} as it is.", "Write ${HOME} as it is."),
            ("$${A:-b}", "${A:-b}"),
            ("$${A} ${A}", "${A} x"),
            ("$$ and $$A", "$$ and $$A"),
            ("5$${unclosed", "5${unclosed"),
            ("$", "$"),
        ],
    )
    def test_a_doubled_dollar_sign_keeps_a_placeholder_as_text(self, text: str, expected: str) -> None:
        assert expand_variables(text, {"A": "x"}) == expected

    def test_the_message_about_a_missing_variable_names_the_variable_and_the_file(self, tmp_path: Path) -> None:
        path = write(tmp_path, "docs", owner="${TEAM_NAME}")
        with pytest.raises(
            UseCaseError, match=r"^docs.yaml: environment variable TEAM_NAME is not set.*write \$\$\{TEAM_NAME\}"
        ):
            load_use_case(path, environment=VARIABLES)

    def test_all_missing_variables_of_a_file_are_named_at_once(self, tmp_path: Path) -> None:
        path = write(
            tmp_path,
            "docs",
            owner="${TEAM} ${EMPTY} ${TEAM} $${ESCAPED} ${DEFAULT:-x} ${SET}",
            tags=["${TAG}"],
            prompts={"examples": [{"question": "${QUESTION}", "answer": "${:-} $LONE {BRACES}"}]},
        )
        with pytest.raises(UseCaseError) as raised:
            load_use_case(path, environment={**VARIABLES, "EMPTY": "", "SET": "x"})
        names = str(raised.value).removeprefix("docs.yaml: the environment variables ").split(" are not set")[0]
        assert sorted(names.split(", ")) == ["EMPTY", "QUESTION", "TAG", "TEAM"]

    def test_a_deployment_without_a_name_learns_of_all_other_missing_variables_too(self, tmp_path: Path) -> None:
        write(tmp_path, "docs", owner="${TEAM}", description="${DISTILL_ENVIRONMENT}", tags=["${TAG:-x}"])
        path = write(tmp_path, "other", owner="${TEAM}", tags=["${TAG}"])
        (tmp_path / "broken.yaml").write_text("a: [", encoding="utf-8")
        (problem,) = load_use_cases(tmp_path, environment={}).problems
        assert problem.startswith("environment variable DISTILL_ENVIRONMENT is not set or is empty.")
        assert problem.endswith("no default: TEAM (for docs.yaml, other.yaml), TAG (for other.yaml).")
        with pytest.raises(UseCaseError, match=r"DISTILL_ENVIRONMENT is not set.*TEAM \(for other.yaml\)"):
            load_use_case(path, environment={})

    def test_variables_come_from_the_environment_of_the_process_by_default(
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
    "bomb": b"a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [%b]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 10)) for n in range(98, 106)),
    "number": b"max_spend_usd: 1" + b":1" * 90_000,
    "unset": b"owner: ${SURELY_NOT_SET_ANYWHERE}",
}


class TestFiles:
    def test_a_use_case_must_have_the_name_of_its_file(self, tmp_path: Path) -> None:
        path = write(tmp_path, "docs").rename(tmp_path / "other.yaml")
        with pytest.raises(
            UseCaseError, match=r"other.yaml: name is 'docs'; expected the file name without .yaml, 'other'"
        ):
            load_use_case(path)

    def test_the_message_about_wrong_values_ends_with_the_next_step(self, tmp_path: Path) -> None:
        with pytest.raises(UseCaseError) as raised:
            load_use_case(write(tmp_path, "docs", seed="x", max_spend_usd=0), VARIABLES)
        assert str(raised.value) == (
            "docs.yaml: max_spend_usd: found 0, expected a number above 0; seed: found 'x', expected a whole number."
            " Correct docs.yaml."
        )
        assert raised.value.then_clear == FAILED_TASK

    def test_a_repeated_key_is_refused_with_its_line(self, tmp_path: Path) -> None:
        path = tmp_path / "docs.yaml"
        path.write_text("name: docs\nsource:\n  documents: 5\n  documents: 500\n")
        with pytest.raises(UseCaseError, match=r"(?s)docs.yaml: .*key 'documents' occurs twice.*line 4"):
            load_use_case(path)

    def test_the_message_about_a_missing_file_names_the_file(self, tmp_path: Path) -> None:
        with pytest.raises(UseCaseError, match=r"gone\.yaml"):
            load_use_case(tmp_path / "gone.yaml")

    @pytest.mark.parametrize("name", BROKEN)
    def test_a_broken_file_is_reported_and_the_other_files_are_loaded(self, tmp_path: Path, name: str) -> None:
        write(tmp_path, "docs")
        write(tmp_path, "zebra")
        (tmp_path / f"{name}.yaml").write_bytes(BROKEN[name])
        loaded = load_use_cases(tmp_path)
        assert [use_case.name for use_case in loaded.valid] == ["docs", "zebra"]
        (problem,) = loaded.problems
        assert problem.startswith(f"{name}.yaml: ")

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(body=st.one_of(st.binary(max_size=40), st.text("{}[]:,-&*!|>?%@ \n'\"#ab1.~<=", max_size=30)))
    def test_loading_a_file_of_any_content_reports_a_problem_and_never_raises(
        self, tmp_path: Path, body: bytes | str
    ) -> None:
        (tmp_path / "any.yaml").write_bytes(body.encode() if isinstance(body, str) else body)
        loaded = load_use_cases(tmp_path)
        assert (len(loaded.valid), len(loaded.problems)) == (0, 1)

    def test_the_projects_use_cases_are_valid(self) -> None:
        loaded = load_use_cases(USE_CASES_FOLDER)
        assert loaded.problems == ()
        assert [use_case.name for use_case in loaded.valid] == [
            "aws_docs_qa",
            "compare_arms",
            "compare_methods",
            "compare_prompts",
            "promote_demo",
        ]

    def test_an_installation_can_run_all_of_the_projects_use_cases_in_the_region_of_its_stack(self) -> None:
        """A stack allows requests in one Region only, so a task of another Region would fail in every sweep."""
        loaded = load_use_cases(USE_CASES_FOLDER, {**VARIABLES, "DISTILL_REGION": "us-east-1"})
        assert loaded.places == (("aws_default", "us-east-1"),)
        used = {model for use_case in loaded.valid for model in use_case.models}
        assert [model for model in used if load_catalog().model(model).lifecycle == "retired"] == []

    @pytest.mark.parametrize("name", ["DISTILL_TRAINING_BUCKET", "DISTILL_OUTPUT_BUCKET", "DISTILL_ROLE_ARN"])
    @pytest.mark.parametrize("value", [None, ""])
    def test_the_projects_use_cases_have_no_default_bucket_or_role(self, name: str, value: str | None) -> None:
        variables = {key: text for key, text in {**VARIABLES, name: value}.items() if text is not None}
        loaded = load_use_cases(USE_CASES_FOLDER, variables)
        assert loaded.valid == ()
        missing = f"environment variable {name} is not set or is empty"
        assert [missing in problem for problem in loaded.problems] == [True] * len(
            list(USE_CASES_FOLDER.glob("*.yaml"))
        )
        assert loaded.places == (("aws_default", "us-east-1"),)

    def test_a_file_with_the_ending_yml_is_reported(self, tmp_path: Path) -> None:
        write(tmp_path, "docs").rename(tmp_path / "docs.yml")
        loaded = load_use_cases(tmp_path)
        assert (loaded.valid, len(loaded.problems)) == ((), 1)
        assert loaded.problems[0].startswith("docs.yml: the name ends in .yml; expected .yaml")


@pytest.mark.parametrize(("value", "expected"), [(None, "include/use_cases"), ("", "include/use_cases"), ("x", "x")])
def test_a_variable_names_the_folder_of_the_use_cases(value: str | None, expected: str) -> None:
    program = "from include.distill.config.loader import USE_CASES_FOLDER; print(USE_CASES_FOLDER)"
    environment = {"PATH": os.defpath, **({} if value is None else {"DISTILL_USE_CASES": value})}
    command = [sys.executable, "-c", program]
    printed = subprocess.run(command, env=environment, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert printed.stdout.strip().removeprefix(f"{PROJECT_ROOT}/") == expected


class TestPlaces:
    """The connections and Regions in which the sweeper looks for endpoints."""

    AWS: ClassVar = {"conn_id": "team", "region": "eu-west-1", "role_arn": "arn:aws:iam::123456789012:role/r"}

    def test_places_are_those_of_all_use_cases_without_repetition(self, tmp_path: Path) -> None:
        for name in ("docs", "other", "third"):
            write(tmp_path, name, **({"aws": self.AWS} if name != "docs" else {}))
        assert load_use_cases(tmp_path).places == (("aws_default", "us-east-1"), ("team", "eu-west-1"))

    def test_a_repeated_key_or_a_wrong_ending_of_the_name_does_not_hide_the_place(self, tmp_path: Path) -> None:
        repeated = write(tmp_path, "docs", aws=self.AWS)
        repeated.write_text(repeated.read_text() + "owner: again\n")
        write(tmp_path, "other", aws={**self.AWS, "conn_id": "second"}).rename(tmp_path / "other.yml")
        loaded = load_use_cases(tmp_path)
        assert (len(loaded.problems), loaded.valid) == (2, ())
        assert [place.conn_id for place in loaded.places] == ["second", "team"]

    def test_variables_are_replaced_and_defaults_apply(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TEAM_REGION", "eu-west-2")
        write(tmp_path, "docs", aws={"region": "${TEAM_REGION}", "role_arn": "${SURELY_NOT_SET_ANYWHERE}"})
        loaded = load_use_cases(tmp_path)
        assert (loaded.valid, loaded.places) == ((), (("aws_default", "eu-west-2"),))

    @pytest.mark.parametrize("name", BROKEN)
    def test_a_file_without_a_readable_section_has_no_place(self, tmp_path: Path, name: str) -> None:
        (tmp_path / f"{name}.yaml").write_bytes(BROKEN[name])
        assert load_use_cases(tmp_path).places == ()

    def test_a_prompt_that_a_job_cannot_optimize_is_a_problem_only_with_an_optimized_arm(self, tmp_path: Path) -> None:
        arms = [{"name": "base", "kind": "base"}, {"name": "prompted", "kind": "base", "prompt": "optimized"}]
        prompts = {"instruction": "Replace {{name}}."}
        write(tmp_path, "docs", prompts=prompts, arms=arms)
        write(tmp_path, "other", prompts=prompts)
        loaded = load_use_cases(tmp_path)
        assert [use_case.name for use_case in loaded.valid] == ["other"]
        (problem,) = loaded.problems
        assert problem.startswith(
            "docs.yaml: prompts.answering: Prompt answering.j2 with prompts.instruction cannot be optimized"
        )

    def test_a_prompt_that_a_job_cannot_optimize_is_reported_together_with_a_wrong_setting(
        self, tmp_path: Path
    ) -> None:
        arms = [{"name": "base", "kind": "base"}, {"name": "prompted", "kind": "base", "prompt": "optimized"}]
        prompts = {"instruction": "Replace {{name}}."}
        write(tmp_path, "docs", prompts=prompts, arms=arms, prompt_optimization={"samples": 0})
        write(tmp_path, "other", prompts=prompts, prompt_optimization={"samples": 0})
        problems = load_use_cases(tmp_path).problems
        samples = "prompt_optimization.samples: found 0"
        assert [samples in problem for problem in problems] == [True, False, True]
        assert "prompts.answering: Prompt answering.j2 with prompts.instruction cannot be optimized" in problems[1]

    def test_an_error_that_nobody_foresaw_is_a_problem_of_its_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(prompts: Prompts, _: None, **__: bool) -> None:
            if prompts.synthesis == "odd.j2":
                raise OSError(36, "File name too long")

        monkeypatch.setattr(loader, "load_prompts", fail)
        write(tmp_path, "docs", prompts={"synthesis": "odd.j2"})
        write(tmp_path, "other")
        loaded = load_use_cases(tmp_path)
        assert [use_case.name for use_case in loaded.valid] == ["other"]
        assert loaded.problems == ("docs.yaml: the file cannot be used: OSError: [Errno 36] File name too long",)


class TestValuesFromTheEnvironment:
    WHERE = "where the variables of Airflow are set, such as in .env (docs/reference/environment.md)."

    @pytest.mark.parametrize(
        ("name", "value", "key"),
        [
            ("DISTILL_ROLE_ARN", "foo", "aws.role_arn"),
            ("DISTILL_PREFIX", "../x", "storage.prefix"),
            ("DISTILL_OUTPUT_BUCKET", "A_b", "storage.output_bucket"),
            ("DISTILL_PROMOTION_CONN_ID", "aws://s3cret@", "aws.promotion_conn_id"),
        ],
    )
    def test_a_wrong_value_names_the_variable_and_where_it_is_set(self, name: str, value: str, key: str) -> None:
        with pytest.raises(UseCaseError) as refused:
            load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", {**VARIABLES, name: value})
        text = str(refused.value)
        assert f"{key}: found " in text
        assert f"(the value comes from the environment variable {name}). Correct {name} {self.WHERE}" in text
        assert "Correct aws_docs_qa.yaml" not in text
        assert "s3cret" not in text

    def test_the_file_is_named_too_if_another_value_in_it_is_wrong(self, tmp_path: Path) -> None:
        path = tmp_path / "aws_docs_qa.yaml"
        sample = (USE_CASES_FOLDER / "aws_docs_qa.yaml").read_text(encoding="utf-8")
        path.write_text(f"{sample}\nno_such_key: 1\n", encoding="utf-8")
        with pytest.raises(UseCaseError) as refused:
            load_use_case(path, {**VARIABLES, "DISTILL_PREFIX": "../x"})
        assert f"Correct aws_docs_qa.yaml. Correct DISTILL_PREFIX {self.WHERE}" in str(refused.value)

    def test_a_default_in_the_file_is_not_blamed_on_the_variable(self, tmp_path: Path) -> None:
        path = tmp_path / "aws_docs_qa.yaml"
        sample = (USE_CASES_FOLDER / "aws_docs_qa.yaml").read_text(encoding="utf-8")
        path.write_text(sample.replace("${DISTILL_PREFIX:-distill}", "${DISTILL_PREFIX:-../x}"), encoding="utf-8")
        with pytest.raises(UseCaseError, match=r"storage\.prefix: found .*Correct aws_docs_qa\.yaml\.") as refused:
            load_use_case(path, VARIABLES)
        assert "the value comes from" not in str(refused.value)
