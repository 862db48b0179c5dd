from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from container.password_file import FILE, PASSWORD, USERS, write_password_file


def settings(folder: Path, **changed: str) -> dict[str, str]:
    return {USERS: "ada:admin", FILE: str(folder / "shm" / "passwords.json"), PASSWORD: "p:w,d", **changed}


def test_the_password_is_written_for_its_owner_only(tmp_path: Path) -> None:
    write_password_file(settings(tmp_path))
    path = tmp_path / "shm" / "passwords.json"
    assert json.loads(path.read_text()) == {"ada": "p:w,d"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("user", ["jane.doe", "jane-doe_2", "日本", "jane@example.com"])
def test_other_names_are_accepted(tmp_path: Path, user: str) -> None:
    write_password_file(settings(tmp_path, **{USERS: f"{user}:admin"}))
    assert json.loads((tmp_path / "shm" / "passwords.json").read_text()) == {user: "p:w,d"}


def test_a_changed_password_replaces_the_old_one(tmp_path: Path) -> None:
    write_password_file(settings(tmp_path))
    write_password_file(settings(tmp_path, **{PASSWORD: "new"}))
    assert json.loads((tmp_path / "shm" / "passwords.json").read_text()) == {"ada": "new"}


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({USERS: ""}, id="no user"),
        pytest.param({USERS: ":admin"}, id="no name"),
        pytest.param({USERS: "ada"}, id="no role"),
        pytest.param({USERS: "ada:admin,eve:admin"}, id="a second user would get a password that is logged"),
        pytest.param({USERS: "ada,eve:admin"}, id="a comma in the name, which Airflow reads as two users"),
        pytest.param({USERS: "a:da:admin"}, id="a colon in the name"),
        pytest.param({USERS: " :admin"}, id="a blank name"),
        pytest.param({PASSWORD: ""}, id="no password"),
    ],
)
def test_anything_except_one_user_with_a_password_is_refused(tmp_path: Path, changed: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="api-server was not started"):
        write_password_file(settings(tmp_path, **changed))
    assert not (tmp_path / "shm").exists()
