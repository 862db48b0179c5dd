"""Let the tasks of a labeling DAG read the sample that was drawn, and check that it is a sample of their use case."""

from __future__ import annotations

from bedrock_distill.run.access import RunAccess
from bedrock_distill.run.ownership import require_run_of
from include.distill.core.errors import InputError
from include.distill.core.storage import read_jsonl
from include.distill.labeling.records import LabelExample, SampleManifest


class SampleAccess(RunAccess):
    """
    Read a drawn sample. A mixin for operators.

    The task class sets ``sample``, the manifest of the task ``draw_sample``, and ``use_case_name``.
    """

    sample: SampleManifest
    use_case_name: str

    def open_sample(self) -> list[LabelExample]:
        """
        Read the key of the sample, and return its examples.

        After this call, the operator works on the sample's run.

        :raises InputError: the manifest does not name a run and a sample of this use case. A user could have edited
            the manifest in Airflow.
        """
        self.run_uri = self.sample["run_uri"]
        require_run_of(
            self.use_case_name, self.store, self.folder, left="This task read no answers, and no label was stored."
        )
        pair = self.sample["candidate"], self.sample["baseline"]
        for uri in (self.sample["key_uri"], self.sample["sheet_uri"]):
            if uri != self.folder.label_sample(*pair, uri.rpartition("/")[2]):
                raise InputError(
                    f"The result of draw_sample names a file that is not in the sample of run {self.folder.run_key}.",
                    left="This task read no answers, and no label was stored.",
                    to_do="Clear draw_sample with downstream.",
                )
        return read_jsonl(self.store, self.sample["key_uri"], LabelExample)
