from __future__ import annotations

import base64

from tools.aws_simulator.s3.checksums import checksum, is_checksum, is_md5

MD5 = "XUFAKrxLKna5cZ2REBfFkg=="


def test_the_checksums_of_a_known_text() -> None:
    # The check values of the catalog of CRC algorithms: https://reveng.sourceforge.io/crc-catalogue/all.htm
    expected = {"crc32": "cbf43926", "crc32c": "e3069283", "crc64nvme": "ae8b14860a799888"}
    for name, value in expected.items():
        text = checksum(name, b"123456789")
        assert base64.b64decode(text).hex() == value
        assert is_checksum(name, text)
        assert not is_checksum(name, "AA==")
    assert (is_md5(MD5), is_md5("AA=="), is_md5("junk!")) == (True, False, False)
