from __future__ import annotations

from tools.aws_simulator.s3.errors import MALFORMED_XML, S3Error, s3_error


def test_an_error_has_a_code_a_text_and_a_status() -> None:
    answer = s3_error(S3Error("NoSuchKey", "none <x>", 404), "GET")
    assert answer.status_code == 404
    assert b"<Code>NoSuchKey</Code><Message>none &lt;x&gt;</Message>" in bytes(answer.body)
    assert s3_error(S3Error(*MALFORMED_XML), "HEAD").body == b""
