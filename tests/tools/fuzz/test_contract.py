from __future__ import annotations

import pytest

from tools.fuzz.contract import BrokenContractError, require


def test_only_a_broken_promise_raises() -> None:
    require(is_kept=True, broken="a row is lost")
    with pytest.raises(BrokenContractError, match="a row is lost"):
        require(is_kept=False, broken="a row is lost")
