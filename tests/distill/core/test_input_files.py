from __future__ import annotations

import os
from pathlib import Path

import pytest

from include.distill.core.errors import InputError
from include.distill.core.input_files import PROJECT_ROOT, InputFile, find_inputs, open_input
from tests.fakes.memory_store import MemoryStore

SAMPLE = "include/data/aws_docs_qa/train.csv"


def read_input(uri: str, store: MemoryStore) -> bytes:
    with open_input(uri, store) as body:
        return body.read()


@pytest.fixture(autouse=True)
def _no_stated_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISTILL_INPUT_ROOTS", raising=False)


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that may be read, with one file in it, beside a file that may not."""
    folder = tmp_path / "inputs"
    folder.mkdir()
    (folder / "rows.csv").write_bytes(b"mine")
    (tmp_path / "secret.csv").write_bytes(b"secret")
    monkeypatch.setenv("DISTILL_INPUT_ROOTS", f"/nowhere{os.pathsep}{folder}{os.pathsep}")
    return folder


class TestS3:
    def test_an_object_is_read_through_the_store(self, store: MemoryStore) -> None:
        store.write("s3://bucket/rows.csv", b"\xff raw")
        assert read_input("s3://bucket/rows.csv", store) == b"\xff raw"

    def test_a_missing_one_is_named(self, store: MemoryStore) -> None:
        with pytest.raises(InputError, match=r"s3://bucket/gone\.csv does not exist; expected a CSV"):
            read_input("s3://bucket/gone.csv", store)


class TestLocal:
    def test_a_path_is_relative_to_the_project_or_absolute(self, store: MemoryStore) -> None:
        expected = (PROJECT_ROOT / SAMPLE).read_bytes()
        assert read_input(SAMPLE, store) == read_input(str(PROJECT_ROOT / SAMPLE), store) == expected

    def test_folders_of_the_deployment_may_be_read(self, inputs: Path, store: MemoryStore) -> None:
        assert read_input(str(inputs / "rows.csv"), store) == b"mine"
        assert read_input(SAMPLE, store), "the project's own may still be read"

    def test_not_without_being_stated(self, inputs: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("DISTILL_INPUT_ROOTS")
        with pytest.raises(InputError, match="may not be read: local files must lie below"):
            read_input(str(inputs / "rows.csv"), store)

    @pytest.mark.parametrize(
        "uri",
        ["/etc/hostname", "pyproject.toml", "include/../pyproject.toml", "../../etc/hostname", "file:///etc/hostname"],
    )
    def test_a_path_outside_is_refused(self, store: MemoryStore, uri: str) -> None:
        with pytest.raises(InputError, match="may not be read"):
            read_input(uri, store)

    def test_a_path_that_climbs_out_of_a_stated_folder_is_refused(self, inputs: Path, store: MemoryStore) -> None:
        with pytest.raises(InputError, match="may not be read"):
            read_input(f"{inputs}/../secret.csv", store)

    def test_a_folder_whose_name_only_starts_like_an_allowed_one_is_refused(
        self, inputs: Path, store: MemoryStore
    ) -> None:
        sibling = inputs.with_name("inputs-private")
        sibling.mkdir()
        (sibling / "rows.csv").write_bytes(b"secret")
        with pytest.raises(InputError, match="may not be read"):
            read_input(str(sibling / "rows.csv"), store)

    def test_a_link_that_leads_out_is_refused(self, inputs: Path, store: MemoryStore) -> None:
        (inputs / "link.csv").symlink_to(inputs.parent / "secret.csv")
        (inputs / "folder").symlink_to(inputs.parent)
        for path in (inputs / "link.csv", inputs / "folder" / "secret.csv"):
            with pytest.raises(InputError, match="may not be read"):
                read_input(str(path), store)

    def test_an_allowed_folder_may_itself_be_a_link(
        self, inputs: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        link = inputs.with_name("linked")
        link.symlink_to(inputs)
        monkeypatch.setenv("DISTILL_INPUT_ROOTS", str(link))
        assert read_input(str(link / "rows.csv"), store) == b"mine"

    @pytest.mark.parametrize("name", ["gone.csv", "."])
    def test_a_missing_file_or_a_folder_is_named_with_its_reason(
        self, inputs: Path, store: MemoryStore, name: str
    ) -> None:
        with pytest.raises(InputError, match=r"cannot be read \((No such file|Is a directory)"):
            read_input(str(inputs / name), store)

    @pytest.mark.parametrize("name", ["x" * 300, "\ud800"])
    def test_what_can_be_no_file_name_is_refused(self, inputs: Path, store: MemoryStore, name: str) -> None:
        for use in (read_input, find_inputs):
            with pytest.raises(InputError, match="is no file name"):
                use(f"{inputs}/{name}.csv", store)

    def test_a_file_that_grows_while_it_is_read_is_refused(self, inputs: Path, store: MemoryStore) -> None:
        path = inputs / "rows.csv"

        def read_slowly() -> None:
            with open_input(str(path), store) as body:
                body.read()
                path.write_bytes(b"mine too")

        with pytest.raises(InputError, match=r"changed while it was read \(4 bytes before, 8 after\)"):
            read_slowly()


class TestFolders:
    def test_a_single_file_is_called_by_its_name(self, store: MemoryStore) -> None:
        assert find_inputs("s3://bucket/a/rows.csv", store) == [InputFile("rows.csv", "s3://bucket/a/rows.csv")]
        assert find_inputs(SAMPLE, store) == [InputFile("train.csv", SAMPLE)]

    def test_files_come_in_the_order_of_their_names_and_markers_are_passed_over(self, store: MemoryStore) -> None:
        for name in ("b.csv", "a/c.CSV", "", "_SUCCESS", "a/.b.csv.crc", "a/"):
            store.write(f"s3://bucket/in/{name}", b"x")
        store.write("s3://bucket/in-other.csv", b"x")
        assert [found.name for found in find_inputs("s3://bucket/in/", store)] == ["a/c.CSV", "b.csv"]
        assert find_inputs("s3://bucket/in/", store)[0].uri == "s3://bucket/in/a/c.CSV"

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_a_local_folder_is_read_too(self, inputs: Path, store: MemoryStore, slash: str) -> None:
        (inputs / "more").mkdir()
        (inputs / "more" / "10.csv").write_bytes(b"ten")
        found = find_inputs(f"{inputs}{slash}", store)
        assert [file.name for file in found] == ["more/10.csv", "rows.csv"]
        assert [read_input(file.uri, store) for file in found] == [b"ten", b"mine"]

    def test_a_file_in_it_that_leads_out_is_refused(self, inputs: Path, store: MemoryStore) -> None:
        (inputs / "link.csv").symlink_to(inputs.parent / "secret.csv")
        with pytest.raises(InputError, match="may not be read"):
            read_input(find_inputs(str(inputs), store)[0].uri, store)

    def test_links_to_folders_or_to_nothing_and_pipes_are_not_passed_over(
        self, inputs: Path, store: MemoryStore
    ) -> None:
        (inputs.parent / "rest").mkdir()
        (inputs / ".marker").symlink_to("/nowhere")
        assert len(find_inputs(str(inputs), store)) == 1
        unread = inputs / "more"
        for make in (lambda: unread.symlink_to(inputs.parent / "rest"), lambda: unread.symlink_to("/nowhere")):
            make()
            with pytest.raises(InputError, match="holds more, which is a link to a folder or to nothing, or no file"):
                find_inputs(str(inputs), store)
            unread.unlink()
        os.mkfifo(unread)
        with pytest.raises(InputError, match="holds more, which"):
            find_inputs(str(inputs), store)

    def test_one_without_files_is_refused(self, store: MemoryStore) -> None:
        with pytest.raises(InputError, match="s3://bucket/in/ holds no files"):
            find_inputs("s3://bucket/in/", store)

    def test_one_with_other_files_is_refused_for_rows_would_be_left_out(self, store: MemoryStore) -> None:
        for name in ("a.csv", "b.csv.gz", "c.parquet"):
            store.write(f"s3://bucket/in/{name}", b"x")
        with pytest.raises(InputError, match=r"2 files that do not end in \.csv, first 'b\.csv\.gz'"):
            find_inputs("s3://bucket/in/", store)

    def test_a_missing_object_that_is_a_folder_says_so(self, store: MemoryStore) -> None:
        store.write("s3://bucket/in/a.csv", b"x")
        with pytest.raises(InputError, match="s3://bucket/in/ is a folder: end the URI with a slash"):
            read_input("s3://bucket/in", store)
