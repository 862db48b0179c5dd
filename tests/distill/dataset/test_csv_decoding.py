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
        with pytest.raises(InputError, match=rf"declared as {encoding}, .*Set source.encoding to utf-8"):
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


class TestWindowsEncodings:
    @pytest.mark.parametrize(
        ("text", "written", "declared"),
        [
            ("“yes” – €5", "cp1252", "latin-1"),
            ("it’s", "cp1252", "iso-8859-1"),
            ("…", "cp1252", "iso-8859-15"),
            ("„tak”", "cp1250", "iso-8859-2"),
            ("Ђ“да”", "cp1251", "iso-8859-5"),
        ],
    )
    def test_a_windows_file_declared_as_iso_8859_is_refused(self, text: str, written: str, declared: str) -> None:
        problem = (
            rf"line 2 has the control character U\+00[89][0-9A-F] .* probably {written}"
            rf".*Set source\.encoding to {written}"
        )
        with pytest.raises(InputError, match=problem):
            list(lines_of(f"{HEADER}{text},b,c\n".encode(written), declared))

    def test_a_windows_file_is_found_when_reading_stops_early(self) -> None:
        lines = lines_of((HEADER + "é,b,c\n“e”,e,f\n").encode("cp1252"), "latin-1")
        next(lines)
        next(lines)
        with pytest.raises(InputError, match="probably cp1252"):
            list(lines)

    def test_utf8_declared_as_latin_1_is_still_called_utf8(self) -> None:
        with pytest.raises(InputError, match=r"Set source\.encoding to utf-8 "):
            list(lines_of((HEADER + "“e”,e,f\n").encode(), "latin-1"))

    def test_a_latin_1_file_is_read(self) -> None:
        assert list(lines_of((HEADER + "é\xa0ü,b,c\n").encode("latin-1"), "latin-1"))[1] == "é\xa0ü,b,c\n"


class TestCutCharacters:
    @pytest.mark.parametrize(
        ("text", "encoding", "missing"),
        [("aé", "utf-8", 1), ("a😀", "utf-8", 1), ("a😀", "utf-8", 3), ("ab", "utf-16-le", 1), ("a日", "shift-jis", 1)],
    )
    def test_the_rest_of_a_character_at_the_end_of_the_file_is_ignored(
        self, text: str, encoding: str, missing: int
    ) -> None:
        lines = lines_of((HEADER + text).encode(encoding)[:-missing], encoding)
        assert (list(lines), lines.is_cut) == ([HEADER, "a"], True)

    def test_a_complete_file_is_not_cut(self) -> None:
        lines = lines_of((HEADER + "é").encode())
        assert (list(lines), lines.is_cut) == ([HEADER, "é"], False)

    @pytest.mark.parametrize("body", [b"a\xc3,b\n", b"\xf0\x9f\nb", b"a\xff", b"a\x80"])
    def test_a_bad_byte_elsewhere_is_refused_with_its_line(self, body: bytes) -> None:
        with pytest.raises(InputError, match="line 2: byte 0x"):
            list(lines_of(HEADER.encode() + body))


class TestByteOrderMarks:
    def test_a_mark_before_a_quote_at_the_start_of_a_record_is_dropped(self) -> None:
        lines = lines_of('a,b\n\ufeff"c\nd",e\n'.encode())
        assert next(lines) == "a,b\n"
        lines.take_raw()
        assert (next(lines), lines.has_mark) == ('"c\n', False)

    def test_a_mark_inside_a_record_and_before_other_text_is_kept(self) -> None:
        lines = lines_of('"a\n\ufeff"b\n'.encode())
        assert list(lines) == ['"a\n', '\ufeff"b\n']
        assert list(lines_of("a\n\ufeffb\n".encode())) == ["a\n", "\ufeffb\n"]
