from __future__ import annotations

from io import BytesIO

import pytest

from include.distill.core.errors import InputError
from include.distill.dataset.csv_decoding import CsvLines, restore_lone_cr

HEADER = "doc,question,answer\n"


def lines_of(body: bytes, encoding: str = "utf-8") -> CsvLines:
    return CsvLines(BytesIO(body), source="f.csv", encoding=encoding)


class TestLines:
    def test_lines_keep_their_ends_and_are_counted_as_an_editor_counts_lines(self) -> None:
        lines = lines_of(b"a,b\r\nc\rd\ne")
        assert next(lines) == "a,b\r\n"
        assert (next(lines), lines.number) == ("c\udc0dd\n", 3)
        assert (next(lines), lines.number, lines.exhausted) == ("e", 4, False)
        assert (list(lines), lines.exhausted, lines.size) == ([], True, 10)

    def test_lines_end_at_cr_when_the_first_line_ends_at_cr(self) -> None:
        assert list(lines_of(b"a,b\rc,d\re")) == ["a,b\r", "c,d\r", "e"]

    def test_lone_crs_are_restored_after_parsing(self) -> None:
        lines = lines_of(b"a\nb\rc\n")
        assert restore_lone_cr([line.rstrip("\n") for line in lines]) == ["a", "b\rc"]

    def test_take_raw_returns_the_text_that_was_read_since_the_last_call(self) -> None:
        lines = lines_of(b"a\nb\rc\nd\n")
        next(lines)
        assert lines.take_raw() == "a\n"
        next(lines), next(lines)
        assert lines.take_raw() == "b\rc\nd\n"
        assert lines.take_raw() == ""

    def test_the_first_line_begins_after_a_byte_order_mark(self) -> None:
        lines = lines_of(b"\xef\xbb\xbfa\n")
        assert (next(lines), lines.has_mark, lines.take_raw()) == ("a\n", True, "a\n")


class TestWrongEncoding:
    @pytest.mark.parametrize("encoding", ["cp1252", "cp866", "kz1048", "hp-roman8"])
    def test_utf8_declared_as_another_encoding_is_found_when_reading_stops_early(self, encoding: str) -> None:
        lines = lines_of((HEADER + "é,b,c\n" + "d,e,f\n" * 9).encode(), encoding)
        for _ in range(2):
            next(lines)
        with pytest.raises(InputError, match="the whole file is valid UTF-8"):
            lines.finish_encoding_check()

    @pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
    def test_utf8_declared_as_another_encoding_is_found_at_the_end(self, encoding: str) -> None:
        with pytest.raises(InputError, match=rf"declared as {encoding}, .*Declare utf-8"):
            list(lines_of((HEADER + "d,é,f\n").encode(), encoding))

    @pytest.mark.parametrize("rest", [b"\xe9,e,f\n", b"a,b,c\n\xe9"])
    def test_one_line_that_is_not_valid_utf8_confirms_the_declared_encoding(self, rest: bytes) -> None:
        body = (HEADER + "Ã©,b,c\n").encode("cp1252") + rest
        assert list(lines_of(body, "cp1252"))[1] == "Ã©,b,c\n"
        lines = lines_of(body, "cp1252")
        for _ in range(2):
            next(lines)
        lines.finish_encoding_check()

    def test_a_file_of_ascii_fits_every_encoding(self) -> None:
        assert list(lines_of(HEADER.encode(), "cp1252")) == [HEADER]
