from __future__ import annotations

import datetime

import pytest

from include.distill.cleanup.plan import ProjectRoot, RunInfo, StoredObject
from include.distill.cleanup.run_objects import newest_reports, run_objects
from include.distill.config.layout import RunFolder
from include.distill.core.naming import former_run_key, run_key

ROOT = "s3://train/distill"
KEY, OTHER_KEY = run_key("distill_docs", "first"), run_key("distill_docs", "second")
RUN, OTHER_RUN = f"{ROOT}/runs/docs/{KEY}", f"{ROOT}/runs/docs/{OTHER_KEY}"
NOON = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)


def listing(key: str, finished: str = "20261122T120000Z", *, use_case: str = "docs") -> str:
    """Return the URI of a run's entry in the list of reports."""
    return f"{ROOT}/reports/{use_case}/{finished}-{key}.json"


def root_of(*uris: str, uri: str = ROOT) -> ProjectRoot:
    return ProjectRoot(uri, frozenset({"docs"}), [StoredObject(name, 1, NOON) for name in uris], {})


class TestRunObjects:
    def uris(self, *uris: str) -> dict[str, list[str]]:
        return {folder: [stored.uri for stored in found] for folder, found in run_objects(root_of(*uris)).items()}

    def test_a_root_without_objects_has_no_runs(self) -> None:
        assert self.uris() == {}

    def test_each_object_belongs_to_the_run_whose_folder_contains_it(self) -> None:
        first, nested, second = f"{RUN}/use_case.yaml", f"{RUN}/answers/base/00000.jsonl", f"{OTHER_RUN}/run.json"
        assert self.uris(first, second, nested) == {RUN: [first, nested], OTHER_RUN: [second]}

    def test_the_folder_of_an_earlier_version_has_no_use_case(self) -> None:
        former = f"{ROOT}/runs/{former_run_key(KEY)}"
        entry = listing(str(former_run_key(KEY)))
        assert self.uris(f"{former}/source/train.jsonl", entry) == {former: [f"{former}/source/train.jsonl", entry]}

    def test_the_entry_in_the_list_of_reports_belongs_to_the_run_wherever_it_is_listed(self) -> None:
        entries = [listing(KEY), listing(KEY, "20261123T000000Z")]
        assert self.uris(entries[0], f"{RUN}/run.json", entries[1]) == {RUN: [f"{RUN}/run.json", *entries]}

    @pytest.mark.parametrize(
        "uri",
        [
            listing(OTHER_KEY),  # the folder of this run does not exist
            listing(KEY, use_case="faq"),
            f"{ROOT}/reports/docs/{KEY}.json",
            f"{listing(KEY)}.bak",
            listing(KEY).replace("s3://train/", "s3://elsewhere/"),
            f"{ROOT}-2/runs/docs/{KEY}/run.json",
            f"{ROOT}/datasets/ab/train.jsonl",
            f"{ROOT}/latest/docs.json",
        ],
    )
    def test_other_objects_belong_to_no_run(self, uri: str) -> None:
        assert self.uris(f"{RUN}/run.json", uri) == {RUN: [f"{RUN}/run.json"]}


class TestNewestReports:
    def root(
        self, *reports: tuple[str, datetime.datetime], entries: tuple[str, ...] = (), uri: str = ROOT
    ) -> ProjectRoot:
        stored = [StoredObject(RunFolder(run).report("json"), 1, modified) for run, modified in reports]
        stored += [StoredObject(entry, 1, NOON) for entry in entries]
        runs = {run: RunInfo(run.removeprefix(f"{uri}/runs/").split("/")[0], 24) for run, _ in reports}
        return ProjectRoot(uri, frozenset({"docs", "faq"}), stored, runs)

    def test_there_is_none_without_roots_or_reports(self) -> None:
        assert newest_reports([]) == frozenset()
        html = root_of(f"{RUN}/report/report.html", f"{RUN}/run.json")
        assert newest_reports([ProjectRoot(ROOT, html.use_cases, html.objects, {RUN: RunInfo("docs", 24)})]) == set()

    @pytest.mark.parametrize("seconds", [1, -1])
    def test_the_newest_run_of_each_use_case_counts(self, seconds: int) -> None:
        faq = f"{ROOT}/runs/faq/{KEY}"
        other = NOON + datetime.timedelta(seconds=seconds)
        root = self.root((RUN, NOON), (OTHER_RUN, other), (faq, NOON - datetime.timedelta(days=99)))
        assert newest_reports([root]) == {OTHER_RUN if seconds > 0 else RUN, faq}

    def test_each_root_has_its_own_newest_run(self) -> None:
        elsewhere = "s3://train/second"
        second = self.root((f"{elsewhere}/runs/docs/{KEY}", NOON + datetime.timedelta(days=1)), uri=elsewhere)
        assert newest_reports([self.root((RUN, NOON)), second]) == {RUN, f"{elsewhere}/runs/docs/{KEY}"}

    def test_a_run_without_a_frozen_use_case_does_not_count(self) -> None:
        known = self.root((RUN, NOON))
        unknown = StoredObject(RunFolder(OTHER_RUN).report("json"), 1, NOON + datetime.timedelta(days=1))
        root = ProjectRoot(ROOT, known.use_cases, [*known.objects, unknown], known.runs)
        assert newest_reports([root]) == {RUN}

    def test_new_labels_in_an_old_run_do_not_make_it_the_newest(self) -> None:
        """Labels rewrite the report, but not the entry in the list of reports, which has the time of the run's end."""
        entries = (listing(KEY, "20261121T120000Z"), listing(OTHER_KEY, "20261122T120000Z"))
        root = self.root((RUN, NOON + datetime.timedelta(days=5)), (OTHER_RUN, NOON), entries=entries)
        assert newest_reports([root]) == {OTHER_RUN}

    def test_clearing_the_report_of_an_old_run_does_not_make_it_the_newest(self) -> None:
        """An earlier version then wrote a second entry, with the time of the new report."""
        entries = tuple(listing(key, f"2026112{day}T120000Z") for key, day in ((KEY, 1), (OTHER_KEY, 2), (KEY, 3)))
        root = self.root((RUN, NOON + datetime.timedelta(days=5)), (OTHER_RUN, NOON), entries=entries)
        assert newest_reports([root]) == {OTHER_RUN}

    def test_a_run_whose_entry_could_not_be_written_counts_by_the_time_of_its_report(self) -> None:
        india = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
        later = (NOON + datetime.timedelta(seconds=1)).astimezone(india)
        root = self.root((RUN, NOON), (OTHER_RUN, later), entries=(listing(KEY),))
        assert newest_reports([root]) == {OTHER_RUN}
