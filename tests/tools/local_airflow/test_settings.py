"""Settings are read correctly, or refused before anything starts."""

from __future__ import annotations

import datetime
import stat
from pathlib import Path

import pytest

from include.distill.core.errors import InputError
from include.distill.core.paths import PROJECT_ROOT
from tools.local_airflow.settings import Layout, RunRequest, read_day, read_request


@pytest.fixture
def use_cases(tmp_path: Path) -> Path:
    folder = tmp_path / "use_cases"
    folder.mkdir()
    for name in ("aws_docs_qa", "support"):
        (folder / f"{name}.yaml").touch()
    return folder


def test_without_settings_the_sample_is_run(tmp_path: Path, use_cases: Path) -> None:
    request = read_request({"CSV": "", "USE_CASE": ""}, working_folder=tmp_path, use_cases=use_cases)
    assert request.dag_id == "distill_aws_docs_qa"
    assert request.conf == {"documents": 40, "evaluation_rows": 100}


def test_everything_that_is_set_reaches_the_trigger(tmp_path: Path, use_cases: Path) -> None:
    csv = tmp_path / "$(touch x); 'rows' `id`.csv"
    csv.touch()
    variables = {"CSV": csv.name, "USE_CASE": "support", "DOCUMENTS": "7", "EVALUATION": "3"}
    request = read_request(variables, working_folder=tmp_path, use_cases=use_cases)
    assert request.dag_id == "distill_support"
    assert request.conf == {"training_csv": str(csv), "documents": 7, "evaluation_rows": 3}


def test_all_rows_of_a_persons_own_files_are_used(tmp_path: Path, use_cases: Path) -> None:
    for name in ("own.csv", "questions.csv"):
        (tmp_path / name).touch()
    variables = {"CSV": "own.csv", "EVALUATION_CSV": "questions.csv"}
    request = read_request(variables, working_folder=tmp_path, use_cases=use_cases)
    own, questions = str(tmp_path / "own.csv"), str(tmp_path / "questions.csv")
    assert request.conf == {"training_csv": own, "evaluation_csv": questions}
    assert request.described == f"Trains on {own}; compares the models on {questions}."


def test_another_use_case_sets_its_own_limits(tmp_path: Path, use_cases: Path) -> None:
    request = read_request({"USE_CASE": "support"}, working_folder=tmp_path, use_cases=use_cases)
    assert request.conf == {}
    some = read_request({"USE_CASE": "support", "EVALUATION": "5"}, working_folder=tmp_path, use_cases=use_cases)
    assert some.conf == {"evaluation_rows": 5}
    assert "the use case's evaluation CSV (at most 5 questions)" in some.described


def test_a_use_case_of_the_past_can_be_chosen(tmp_path: Path, use_cases: Path) -> None:
    past = tmp_path / "past"
    past.mkdir()
    for name in ("article", "support"):
        (past / f"{name}.yaml").touch()
    chosen = {"USE_CASE": "article"}
    request = read_request(chosen, working_folder=tmp_path, use_cases=use_cases, past_use_cases=past)
    assert request.dag_id == "distill_article"
    with pytest.raises(InputError, match=rf"no file in {use_cases}\. .* one of: article, aws_docs_qa, support\."):
        read_request({"USE_CASE": "x"}, working_folder=tmp_path, use_cases=use_cases, past_use_cases=past)
    with pytest.raises(InputError, match=r"one of: aws_docs_qa, support\."):
        read_request(chosen, working_folder=tmp_path, use_cases=use_cases)
    layout = Layout(use_cases=use_cases, past_use_cases=past)
    assert layout.use_case_file("article") == past / "article.yaml"
    assert layout.use_case_file("support") == use_cases / "support.yaml"
    assert layout.use_case_file("unknown") == use_cases / "unknown.yaml"


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        pytest.param({"CSV": "missing.csv"}, "missing.csv", id="no such file"),
        pytest.param(
            {"USE_CASE": "unknown"}, "aws_docs_qa, support", id="unknown use case: the existing use cases are listed"
        ),
        pytest.param({"USE_CASE": "../support"}, "USE_CASE='../support'", id="a path instead of a name"),
        pytest.param({"DOCUMENTS": "0"}, "DOCUMENTS='0'", id="zero"),
        pytest.param({"DOCUMENTS": "-1"}, "DOCUMENTS='-1'", id="negative"),
        pytest.param({"DOCUMENTS": "4.5"}, "DOCUMENTS='4.5'", id="fraction"),
        pytest.param({"EVALUATION": "²"}, "EVALUATION='²'", id="a superscript digit"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_name(
    tmp_path: Path, use_cases: Path, variables: dict[str, str], named: str
) -> None:
    with pytest.raises(InputError) as refusal:
        read_request(variables, working_folder=tmp_path, use_cases=use_cases)
    assert named in str(refusal.value)
    assert "Nothing was started" in str(refusal.value)


def test_a_folder_whose_name_contains_the_path_separator_is_refused(tmp_path: Path, use_cases: Path) -> None:
    folder = tmp_path / "a:b"
    folder.mkdir()
    (folder / "rows.csv").touch()
    with pytest.raises(InputError, match="Move the file"):
        read_request({"CSV": "a:b/rows.csv"}, working_folder=tmp_path, use_cases=use_cases)


def test_only_files_outside_include_need_permission(tmp_path: Path) -> None:
    inside = RunRequest(training_csv=str(PROJECT_ROOT / "include" / "data" / "rows.csv"))
    outside = RunRequest(training_csv=str(tmp_path / "rows.csv"))
    assert inside.input_roots(PROJECT_ROOT) == []
    assert outside.input_roots(PROJECT_ROOT) == [tmp_path.resolve()]
    assert RunRequest(training_csv="s3://bucket/rows.csv").input_roots(PROJECT_ROOT) == []
    assert RunRequest().input_roots(PROJECT_ROOT) == []


def test_a_folder_of_files_is_read_as_one_source(tmp_path: Path, use_cases: Path) -> None:
    (tmp_path / "rows").mkdir()
    request = read_request({"CSV": "rows"}, working_folder=tmp_path, use_cases=use_cases)
    assert request.training_csv == f"{tmp_path / 'rows'}/"
    assert request.input_roots(PROJECT_ROOT) == [(tmp_path / "rows").resolve()]


def test_a_link_allows_the_folder_of_its_target(tmp_path: Path) -> None:
    real = tmp_path / "real" / "rows.csv"
    real.parent.mkdir()
    real.touch()
    link = tmp_path / "link.csv"
    link.symlink_to(real)
    assert RunRequest(training_csv=str(link)).input_roots(PROJECT_ROOT) == [real.parent.resolve()]


@pytest.mark.parametrize("name", ["CSV", "EVALUATION_CSV", "DOCUMENTS", "EVALUATION"])
def test_a_run_on_chosen_rows_is_asked_for_explicitly(tmp_path: Path, use_cases: Path, name: str) -> None:
    def request(**environ: str) -> RunRequest:
        return read_request(environ, working_folder=tmp_path, use_cases=use_cases)

    value = "7" if name in ("DOCUMENTS", "EVALUATION") else "s3://bucket/rows.csv"
    assert request(**{name: value}).is_explicit
    assert not request(**{name: ""}).is_explicit
    assert not request(USE_CASE="aws_docs_qa").is_explicit


@pytest.mark.parametrize("earlier", [None, 0o755, 0o777])
def test_only_the_owner_can_read_the_state_folder(tmp_path: Path, earlier: int | None) -> None:
    layout = Layout(state=tmp_path / "deep" / ".local")
    if earlier:
        layout.state.mkdir(parents=True)
        layout.state.chmod(earlier)
    layout.make_private()
    assert stat.S_IMODE(layout.state.stat().st_mode) == 0o700


def test_a_folder_for_everybody_such_as_tmp_keeps_its_permissions(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    Layout(state=tmp_path).make_private()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777


def test_a_person_who_wants_to_be_asked_gets_a_run_with_a_question(tmp_path: Path, use_cases: Path) -> None:
    request = read_request({"APPROVE": "ask"}, working_folder=tmp_path, use_cases=use_cases)
    assert request.conf == {"documents": 40, "evaluation_rows": 100, "ask_before_spending": True}
    assert (request.asks_person, request.is_explicit) == (True, True)
    assert not read_request({"APPROVE": ""}, working_folder=tmp_path, use_cases=use_cases).asks_person


@pytest.mark.parametrize("text", ["yes", "never", "ASK"])
def test_another_value_for_approve_is_refused(tmp_path: Path, use_cases: Path, text: str) -> None:
    with pytest.raises(InputError, match=rf"APPROVE='{text}' must be `ask`.*Nothing was started"):
        read_request({"APPROVE": text}, working_folder=tmp_path, use_cases=use_cases)


@pytest.mark.parametrize(
    ("text", "day"),
    [("", None), (" ", None), ("2025-02-12", datetime.date(2025, 2, 12)), ("2023-09-28", datetime.date(2023, 9, 28))],
)
def test_the_day_of_the_account_is_read(text: str, day: datetime.date | None) -> None:
    assert read_day({"AS_OF": text}) == day


@pytest.mark.parametrize("text", ["2025-02-30", "20250212", "12.2.2025", "yesterday", "2023-09-27", "2999-01-01"])
def test_a_wrong_day_is_refused_before_anything_starts(text: str) -> None:
    with pytest.raises(
        InputError, match=rf"AS_OF='{text}' must be a day from 2023-09-28 to today.*Nothing was started"
    ):
        read_day({"AS_OF": text})


def test_each_day_has_an_account_and_an_airflow_of_its_own(tmp_path: Path) -> None:
    today, past = Layout(state=tmp_path), Layout(state=tmp_path, as_of=datetime.date(2025, 2, 12))
    assert (today.aws_simulator, today.airflow_home) == (tmp_path / "aws_simulator", tmp_path / "airflow")
    assert past.aws_simulator == tmp_path / "aws_simulator-as-of-2025-02-12"
    assert past.database == tmp_path / "airflow-as-of-2025-02-12" / "airflow.db"
    assert (past.lock, past.report, past.secrets) == (today.lock, today.report, today.secrets)
