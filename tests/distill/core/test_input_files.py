from __future__ import annotations

import os
from pathlib import Path

import pytest

from include.distill.core import input_files
from include.distill.core.errors import InputError
from include.distill.core.input_files import InputFile, InputFiles, open_input
from include.distill.core.paths import PROJECT_ROOT
from tests.fakes.memory_store import MemoryStore

SAMPLE = "include/data/aws_docs_qa/train.csv"


def find_inputs(uri: str, store: MemoryStore) -> InputFiles:
    return input_files.find_inputs(uri, store, extensions=(".csv",))


def read_input(uri: str, store: MemoryStore) -> bytes:
    with open_input(uri, store) as body:
        return body.read()


@pytest.fixture(autouse=True)
def _no_configured_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISTILL_INPUT_ROOTS", raising=False)


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an allowed folder with one file, and outside of the folder a file that may not be read."""
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

    def test_the_message_about_a_missing_object_names_the_object(self, store: MemoryStore) -> None:
        with pytest.raises(
            InputError,
            match=r"s3://bucket/gone\.csv does not exist; expected a file with the columns doc,question,answer",
        ):
            read_input("s3://bucket/gone.csv", store)


class TestLocal:
    def test_a_path_is_relative_to_the_project_or_absolute(self, store: MemoryStore) -> None:
        expected = (PROJECT_ROOT / SAMPLE).read_bytes()
        assert read_input(SAMPLE, store) == read_input(str(PROJECT_ROOT / SAMPLE), store) == expected

    def test_a_file_below_a_configured_folder_is_read(self, inputs: Path, store: MemoryStore) -> None:
        assert read_input(str(inputs / "rows.csv"), store) == b"mine"
        assert read_input(SAMPLE, store), "a file of the project can still be read"

    def test_a_folder_that_is_not_configured_is_refused(
        self, inputs: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("DISTILL_INPUT_ROOTS")
        with pytest.raises(InputError, match="may not be read: local files must be inside"):
            read_input(str(inputs / "rows.csv"), store)

    @pytest.mark.parametrize(
        "uri",
        ["/etc/hostname", "pyproject.toml", "include/../pyproject.toml", "../../etc/hostname", "file:///etc/hostname"],
    )
    def test_a_path_outside_the_project_is_refused(self, store: MemoryStore, uri: str) -> None:
        with pytest.raises(InputError, match="may not be read"):
            read_input(uri, store)

    def test_a_path_with_two_dots_that_leads_out_of_a_configured_folder_is_refused(
        self, inputs: Path, store: MemoryStore
    ) -> None:
        with pytest.raises(InputError, match="may not be read"):
            read_input(f"{inputs}/../secret.csv", store)

    def test_a_folder_whose_name_only_begins_with_the_name_of_an_allowed_folder_is_refused(
        self, inputs: Path, store: MemoryStore
    ) -> None:
        sibling = inputs.with_name("inputs-private")
        sibling.mkdir()
        (sibling / "rows.csv").write_bytes(b"secret")
        with pytest.raises(InputError, match="may not be read"):
            read_input(str(sibling / "rows.csv"), store)

    def test_a_link_to_a_file_outside_the_allowed_folders_is_refused(self, inputs: Path, store: MemoryStore) -> None:
        (inputs / "link.csv").symlink_to(inputs.parent / "secret.csv")
        (inputs / "folder").symlink_to(inputs.parent)
        for path in (inputs / "link.csv", inputs / "folder" / "secret.csv"):
            with pytest.raises(InputError, match="may not be read"):
                read_input(str(path), store)

    def test_an_allowed_folder_may_be_a_link(
        self, inputs: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        link = inputs.with_name("linked")
        link.symlink_to(inputs)
        monkeypatch.setenv("DISTILL_INPUT_ROOTS", str(link))
        assert read_input(str(link / "rows.csv"), store) == b"mine"

    @pytest.mark.parametrize("name", ["gone.csv", "."])
    def test_the_message_about_a_missing_file_or_a_folder_names_the_reason(
        self, inputs: Path, store: MemoryStore, name: str
    ) -> None:
        with pytest.raises(InputError, match=r"cannot be read \((No such file|Is a directory)"):
            read_input(str(inputs / name), store)

    @pytest.mark.parametrize("name", ["x" * 300, "\ud800"])
    def test_an_impossible_file_name_is_refused(self, inputs: Path, store: MemoryStore, name: str) -> None:
        for use in (read_input, find_inputs):
            with pytest.raises(InputError, match="is not a valid file name"):
                use(f"{inputs}/{name}.csv", store)

    def test_a_file_that_grows_while_it_is_read_is_refused(self, inputs: Path, store: MemoryStore) -> None:
        path = inputs / "rows.csv"

        def read_slowly() -> None:
            with open_input(str(path), store) as body:
                body.read()
                path.write_bytes(b"mine too")

        with pytest.raises(InputError, match=r"changed while it was being read \(4 bytes before, 8 after\)"):
            read_slowly()


class TestFolders:
    def test_the_name_of_a_single_input_file_is_its_file_name(self, store: MemoryStore) -> None:
        assert find_inputs("s3://bucket/a/rows.csv", store) == [InputFile("rows.csv", "s3://bucket/a/rows.csv")]
        assert find_inputs(SAMPLE, store) == [InputFile("train.csv", SAMPLE)]

    def test_files_of_a_folder_are_sorted_by_name_and_marker_files_are_skipped(self, store: MemoryStore) -> None:
        for name in ("b.csv", "a/c.CSV", "", "_SUCCESS", "a/.b.csv.crc", "a/"):
            store.write(f"s3://bucket/in/{name}", b"x")
        store.write("s3://bucket/in-other.csv", b"x")
        assert [file.name for file in find_inputs("s3://bucket/in/", store)] == ["a/c.CSV", "b.csv"]
        assert find_inputs("s3://bucket/in/", store)[0].uri == "s3://bucket/in/a/c.CSV"

    def test_files_that_programs_leave_in_folders_are_skipped_and_named(self, store: MemoryStore) -> None:
        read = ["_year=2026/a.csv", "a~$.csv", "data/b.csv"]
        left = [
            ".ipynb_checkpoints/a-checkpoint.csv",
            "Thumbs.db",
            "__MACOSX/._a.csv",
            "_temporary/0/part.csv",
            "data/.DS_Store",
            "data/Desktop.ini",
            "data/_SUCCESS",
            "~$a.csv",
        ]
        for name in (*read, *left):
            store.write(f"s3://bucket/in/{name}", b"x")
        files = find_inputs("s3://bucket/in/", store)
        assert ([file.name for file in files], files.skipped) == (read, left)

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_a_local_folder_is_read_with_its_subfolders(self, inputs: Path, store: MemoryStore, slash: str) -> None:
        (inputs / "more").mkdir()
        (inputs / "more" / "10.csv").write_bytes(b"ten")
        files = find_inputs(f"{inputs}{slash}", store)
        assert [file.name for file in files] == ["more/10.csv", "rows.csv"]
        assert [read_input(file.uri, store) for file in files] == [b"ten", b"mine"]

    def test_a_link_from_a_folder_to_a_file_outside_the_allowed_folders_is_refused(
        self, inputs: Path, store: MemoryStore
    ) -> None:
        (inputs / "link.csv").symlink_to(inputs.parent / "secret.csv")
        with pytest.raises(InputError, match="may not be read"):
            read_input(find_inputs(str(inputs), store)[0].uri, store)

    def test_links_to_folders_broken_links_and_pipes_in_a_folder_are_refused(
        self, inputs: Path, store: MemoryStore
    ) -> None:
        (inputs.parent / "rest").mkdir()
        (inputs / ".marker").symlink_to("/nowhere")
        assert len(find_inputs(str(inputs), store)) == 1
        unread = inputs / "more"
        for make in (lambda: unread.symlink_to(inputs.parent / "rest"), lambda: unread.symlink_to("/nowhere")):
            make()
            with pytest.raises(
                InputError,
                match="contains more, which is a symbolic link to a folder, a broken symbolic link or a special",
            ):
                find_inputs(str(inputs), store)
            unread.unlink()
        os.mkfifo(unread)
        with pytest.raises(InputError, match="contains more, which"):
            find_inputs(str(inputs), store)

    def test_a_folder_without_files_is_refused(self, store: MemoryStore) -> None:
        with pytest.raises(InputError, match="s3://bucket/in/ has no input files"):
            find_inputs("s3://bucket/in/", store)

    def test_the_caller_chooses_the_allowed_endings_of_files_in_a_folder(self, store: MemoryStore) -> None:
        for name in ("a.csv", "b.jsonl"):
            store.write(f"s3://bucket/in/{name}", b"x")
        files = input_files.find_inputs("s3://bucket/in/", store, extensions=(".csv", ".jsonl"))
        assert [file.name for file in files] == ["a.csv", "b.jsonl"]
        refusal = r"files without the extension \.jsonl\. Number of such files: 1; first: 'a\.csv'"
        with pytest.raises(InputError, match=refusal):
            input_files.find_inputs("s3://bucket/in/", store, extensions=(".jsonl",))

    def test_a_folder_with_files_of_other_formats_is_refused(self, store: MemoryStore) -> None:
        for name in ("a.csv", "b.csv.gz", "c.parquet"):
            store.write(f"s3://bucket/in/{name}", b"x")
        refusal = r"files without the extension \.csv\. Number of such files: 2; first: 'b\.csv\.gz'"
        with pytest.raises(InputError, match=refusal):
            find_inputs("s3://bucket/in/", store)

    def test_the_message_about_a_missing_object_explains_that_the_uri_is_a_folder(self, store: MemoryStore) -> None:
        store.write("s3://bucket/in/a.csv", b"x")
        with pytest.raises(InputError, match=r"s3://bucket/in/ is a folder\. To read all its files, end the URI"):
            read_input("s3://bucket/in", store)
