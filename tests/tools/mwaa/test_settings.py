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
