from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from include.distill.core.errors import InputError
from include.distill.core.paths import PROJECT_ROOT
from tools.mwaa.settings import NOT_ON_MWAA, READ_BY_CODE, read_settings, startup_script, used_variables

TEXT = """\
# DISTILL_REGION=eu-west-1
FERNET_KEY=a-secret
AWS_SECRET_ACCESS_KEY=another
DISTILL_ENVIRONMENT=prod
export DISTILL_PREFIX="team a"
DISTILL_ROLE_ARN='arn:aws:iam::123456789012:role/a'
DISTILL_OUTPUT_BUCKET=  a-bucket # for reports
DISTILL_TRAINING_BUCKET=
DISTILL_UI_PORT=8081
DISTILL_ALLOWED_HOSTS=localhost
"""


def written(folder: Path, text: str) -> Path:
    path = folder / ".env"
    path.write_text(text)
    return path


def test_only_the_variables_of_the_pipeline_are_read(tmp_path: Path) -> None:
    assert read_settings(written(tmp_path, TEXT)) == {
        "DISTILL_ENVIRONMENT": "prod",
        "DISTILL_PREFIX": "team a",
        "DISTILL_ROLE_ARN": "arn:aws:iam::123456789012:role/a",
        "DISTILL_OUTPUT_BUCKET": "a-bucket",
    }


@pytest.mark.parametrize(
    ("written_value", "value"),
    [
        ("us-east-1", "us-east-1"),
        ("us-east-1 # region", "us-east-1"),
        ("us-east-1\t# region", "us-east-1"),
        ("a#b", "a#b"),
        ("'us-east-1' # region", "us-east-1"),
        ('"us-east-1"   # it\'s a "region"', "us-east-1"),
        ("'a # b'", "a # b"),
        ("'it\"s'", 'it"s'),
        ("it's", "it's"),
        ("  'a'  ", "a"),
        (" # only a comment", None),
        ("''", None),
        ('""  # nothing', None),
    ],
)
def test_a_value_is_read_as_docker_compose_reads_it(tmp_path: Path, written_value: str, value: str | None) -> None:
    text = f"DISTILL_ENVIRONMENT=prod\nDISTILL_REGION={written_value}\n"
    assert read_settings(written(tmp_path, text)).get("DISTILL_REGION") == value


@pytest.mark.parametrize("value", ["'us-east-1", "'", "'a' b", "'a'# b", '"a\\"b"', '"a'])
def test_quotation_marks_that_do_not_close_are_refused(tmp_path: Path, value: str) -> None:
    text = f"DISTILL_ENVIRONMENT=prod\nDISTILL_REGION={value}\n"
    with pytest.raises(InputError, match=r"^Line 2 of .*DISTILL_REGION begins with a quotation mark.*No package was"):
        read_settings(written(tmp_path, text))


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("DISTILL_ENVIRONMENT=prod\n", encoding="utf-8-sig")
    assert read_settings(path) == {"DISTILL_ENVIRONMENT": "prod"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_in_another_encoding_is_reported(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / ".env"
    path.write_text("DISTILL_ENVIRONMENT=prod\n", encoding=encoding)
    with pytest.raises(InputError, match=r"is not a text in UTF-8. No package was built. Save the file"):
        read_settings(path)


@pytest.mark.parametrize(("place", "reason"), [(".", "Is a directory"), ("file/.env", "Not a directory")])
def test_a_path_that_cannot_be_read_is_reported(tmp_path: Path, place: str, reason: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=rf"cannot be read: {reason}. No package was built. Set ENV_FILE"):
        read_settings(tmp_path / place)


def test_the_variables_that_the_code_reads_are_known() -> None:
    files = [path for folder in ("dags", "include", "plugins") for path in (PROJECT_ROOT / folder).rglob("*.py")]
    code = {name for path in files for name in re.findall(r'"(DISTILL_[A-Z_]+)"', path.read_text(encoding="utf-8"))}
    assert code >= READ_BY_CODE
    assert code <= used_variables(PROJECT_ROOT / "include" / "use_cases") | NOT_ON_MWAA


def test_the_documented_variables_of_the_pipeline_are_known() -> None:
    page = (PROJECT_ROOT / "docs" / "reference" / "environment.md").read_text(encoding="utf-8")
    table = page.partition("### ")[0]
    documented = {name for row in re.findall(r"(?m)^\| (`.*?) \|", table) for name in re.findall(r"`(\w+)`", row)}
    assert len(documented) > 10
    assert documented <= used_variables(PROJECT_ROOT / "include" / "use_cases") | NOT_ON_MWAA


def test_a_variable_of_a_use_case_is_known_unless_it_is_escaped(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("a: ${DISTILL_TEAM:-${DISTILL_GROUP}} $${DISTILL_TEXT}\n")
    assert used_variables(tmp_path) == READ_BY_CODE | {"DISTILL_TEAM", "DISTILL_GROUP"}


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no file .*EnvFile.*ENV_FILE"):
        read_settings(tmp_path / ".env")


def test_a_file_without_the_name_of_the_installation_is_refused(tmp_path: Path) -> None:
    example = (PROJECT_ROOT / ".env.example").read_text()
    with pytest.raises(InputError, match=r"does not set DISTILL_ENVIRONMENT.*No package was built"):
        read_settings(written(tmp_path, example))


def test_a_shell_reads_the_same_values_from_the_startup_script() -> None:
    settings = {"DISTILL_A": "it's", "DISTILL_B": 'a "b" $HOME `id`', "DISTILL_C": "plain"}
    script = startup_script(settings) + 'printf "%s|%s|%s" "$DISTILL_A" "$DISTILL_B" "$DISTILL_C"\n'
    shown = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert shown == "|".join(settings.values())


def refusal_of(folder: Path, *lines: str) -> str:
    with pytest.raises(InputError, match=r"No package was built\.") as caught:
        read_settings(written(folder, "\n".join(["DISTILL_ENVIRONMENT=prod", *lines, ""])))
    return str(caught.value)


@pytest.mark.parametrize("line", ["DISTILL_RUNBOOK_URL: https://x", "DISTILL_PREFIX", "= a-secret", "a-secret"])
def test_a_line_that_sets_no_variable_is_refused_and_not_shown(tmp_path: Path, line: str) -> None:
    text = refusal_of(tmp_path, "", "# a comment", line)
    assert text.startswith(f"Line 4 of {tmp_path / '.env'} does not have the form NAME=value.")
    assert line not in text


def test_a_name_that_is_set_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    text = refusal_of(tmp_path, "DISTILL_PREFIX=a", "export DISTILL_PREFIX=b")
    path = tmp_path / ".env"
    assert f"Line 3 of {path}: DISTILL_PREFIX is already set in line 2." in text


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("distill_runbook_url=https://x", "DISTILL_RUNBOOK_URL"),
        ("DISTILL_PREFX=a", "DISTILL_PREFIX"),
        ("DISTILL_OUTPUT_BUKET=a", "DISTILL_OUTPUT_BUCKET"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_one(tmp_path: Path, line: str, meant: str) -> None:
    assert f"would have no effect. Did you mean {meant}? No package" in refusal_of(tmp_path, line)


def test_the_value_of_an_unknown_name_is_not_shown(tmp_path: Path) -> None:
    text = refusal_of(tmp_path, "DISTILL_QQQQQQ=a-secret")
    assert "Line 2 of" in text
    assert "Did you mean" not in text
    assert "a-secret" not in text


@pytest.mark.parametrize(
    "line",
    [
        "DISTILL_SCHEDULES=maybe",
        "DISTILL_SCHEDULES=Off",
        "DISTILL_RUNBOOK_URL=javascript:alert(1)",
        "DISTILL_RUNBOOK_URL=https://",
        "DISTILL_RUNBOOK_URL=wiki/page",
    ],
)
def test_a_value_that_no_use_case_checks_is_checked(tmp_path: Path, line: str) -> None:
    name, _, value = line.partition("=")
    assert f": {name} is '{value}', expected " in refusal_of(tmp_path, line)


@pytest.mark.parametrize("value", ["${DISTILL_ENVIRONMENT}", '"$A/b"', "a$b"])
def test_a_variable_in_a_value_is_refused_because_only_docker_compose_replaces_it(tmp_path: Path, value: str) -> None:
    text = refusal_of(tmp_path, f"DISTILL_PREFIX={value}")
    assert "Line 2" in text
    assert "contains $" in text


def test_a_dollar_in_single_quotation_marks_is_a_dollar(tmp_path: Path) -> None:
    text = "DISTILL_ENVIRONMENT=prod\nDISTILL_PREFIX='a$b'\nDISTILL_SCHEDULES=\nDISTILL_RUNBOOK_URL=http://wiki/a\n"
    assert read_settings(written(tmp_path, text)) == {
        "DISTILL_ENVIRONMENT": "prod",
        "DISTILL_PREFIX": "a$b",
        "DISTILL_RUNBOOK_URL": "http://wiki/a",
    }


def test_a_secret_may_have_several_lines(tmp_path: Path) -> None:
    text = 'KEY="begin\nmiddle $x\nend"\nDISTILL_ENVIRONMENT=prod\nOTHER=a$b\n'
    assert read_settings(written(tmp_path, text)) == {"DISTILL_ENVIRONMENT": "prod"}


def test_every_setting_of_the_example_and_of_the_stack_is_accepted(tmp_path: Path) -> None:
    texts = [
        (PROJECT_ROOT / ".env.example").read_text(),
        (PROJECT_ROOT / "deploy" / "cloudformation" / "bedrock-distill.yaml").read_text(),
    ]
    names = {name for text in texts for name in re.findall(r"(?m)^[ #]*(DISTILL_\w+)=", text)}
    assert names >= {"DISTILL_ROLE_ARN", "DISTILL_SCHEDULES", "DISTILL_KMS_KEY_ARN"}
    values = {"DISTILL_SCHEDULES": "off"}
    text = "".join(f"{name}={values.get(name, 'prod')}\n" for name in names | {"DISTILL_ENVIRONMENT"})
    assert set(read_settings(written(tmp_path, text))) == (names | {"DISTILL_ENVIRONMENT"}) - NOT_ON_MWAA


def test_a_variable_of_a_use_case_of_its_own_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("a: ${DISTILL_TEAM}\n")
    path = written(tmp_path, "DISTILL_ENVIRONMENT=prod\nDISTILL_TEAM=a\n")
    assert read_settings(path, tmp_path)["DISTILL_TEAM"] == "a"
