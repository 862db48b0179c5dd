from __future__ import annotations

import base64

import pytest

from tools.aws_simulator.protocol.errors import ServiceError
from tools.aws_simulator.services.paging import cut_page


def test_pages_follow_each_other() -> None:
    page, token = cut_page("abcde", {"MaxResults": 2}, "Invalid")
    assert page == ["a", "b"]
    page, token = cut_page("abcde", {"MaxResults": 2, **token}, "Invalid")
    assert page == ["c", "d"]
    assert cut_page("abcde", {"MaxResults": 2, **token}, "Invalid") == (["e"], {})
    assert cut_page("", {}, "Invalid") == ([], {})


@pytest.mark.parametrize("token", ["x", "!", *(base64.b64encode(text).decode() for text in (b"9", b"-1", b"a", b"0"))])
def test_other_tokens_are_refused(token: str) -> None:
    with pytest.raises(ServiceError) as caught:
        cut_page("abcde", {"NextToken": token}, "Invalid")
    assert caught.value.code == "Invalid"
