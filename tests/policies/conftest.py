from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.policies.policed_account import PolicedAccount, policed_account


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PolicedAccount]:
    with policed_account(tmp_path_factory.mktemp("policed")) as account:
        yield account
