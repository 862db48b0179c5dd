from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from include.distill.core.errors import InputError
from include.distill.core.paths import PROJECT_ROOT
from tools.mwaa.settings import read_settings, startup_script

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
