from __future__ import annotations

import os
from pathlib import Path

import pytest

from include.distill.core.errors import InputError
from tools.compose import servers


def test_a_missing_server_is_named_with_its_package_if_we_are_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "PACKAGES", {"no-such-redis-server": "redis-server"})
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(InputError, match=r"no-such-redis-server. Nothing was .*sudo apt-get install redis-server"):
        servers.ensure_servers(pytest.fail)


def test_the_newest_postgresql_of_debian_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("9.6", "15", "17"):
        program = tmp_path / version / "bin" / "postgres"
        program.parent.mkdir(parents=True)
        program.touch(0o755)
    monkeypatch.setattr(servers, "DEBIAN_POSTGRES", tmp_path)
    assert servers.find_program("postgres") == str(tmp_path / "17" / "bin" / "postgres")


@pytest.mark.parametrize(("uid", "dropped"), [pytest.param(0, True, id="root"), pytest.param(1000, False, id="user")])
def test_a_server_never_runs_as_root(monkeypatch: pytest.MonkeyPatch, uid: int, dropped: bool) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    command = servers.redis_command(["redis-server"], 41000)
    assert (command[:2] == ["setpriv", "--reuid=redis"]) == dropped
    assert command[-8:-6] == ["--bind", "127.0.0.1"]
