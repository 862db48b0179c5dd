"""
Find and read the metrics that Bedrock writes for a customization job.

The user guide puts ``validation_metrics.csv`` into ``post_fine_tuning_validation/``:
https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-analyze.html
But some jobs have written the file one folder deeper, in ``post_fine_tuning_validation/validation/``. Several public
programs read it there, and the AWS simulator writes it there. The folder of the training metrics has also changed over
time. The functions of this module therefore find the files by name.
"""

from __future__ import annotations

from collections.abc import Callable

from include.distill.core.storage import ObjectStore
from include.distill.training.losses import LossColumn, loss_curve
from include.distill.training.records import LossPoint, TrainingManifest

TRAINING_METRICS = "step_wise_training_metrics.csv"
VALIDATION_METRICS = "validation_metrics.csv"
_COLUMNS: dict[str, LossColumn] = {TRAINING_METRICS: "training_loss", VALIDATION_METRICS: "validation_loss"}
MAX_BYTES = 64 * 1024 * 1024


def read_metrics(
    store: ObjectStore, trained: TrainingManifest, name: str, *, note: Callable[[str], object]
) -> list[LossPoint] | None:
    """
    Return the losses in the metrics file ``name`` of a job; ``None`` if the job wrote no such file.

    If the job wrote the file into several folders, the first file of :func:`find_metrics` with a loss is used.

    :param note: is called with one sentence for each kind of fault in the file that is used. If no file has a loss, it
        is called for the faults of all files.
    """
    uris = find_metrics(store, trained, name)
    if not uris:
        return None
    faults: list[str] = []
    for uri in uris:
        of_file: list[str] = []
        curve = _read_curve(store, uri, _COLUMNS[name], of_file.append)
        if any(point["loss"] is not None for point in curve):
            faults = of_file
            break
        faults += of_file
    for fault in faults:
        note(fault)
    return curve


def _read_curve(store: ObjectStore, uri: str, column: LossColumn, note: Callable[[str], object]) -> list[LossPoint]:
    with store.reader(uri) as body:
        metrics = body.read(MAX_BYTES + 1)
    if len(metrics) > MAX_BYTES:
        note(f"{uri} has more than {MAX_BYTES:,} bytes and was not read")
        return []
    return loss_curve(metrics, column=column, note=lambda text: note(f"{uri}: {text}"))


def find_metrics(store: ObjectStore, trained: TrainingManifest, name: str) -> list[str]:
    """
    Return the URIs of the metrics file ``name`` of a job, the deepest folder first.

    The output folder may have files of other jobs. A file belongs to the job if the name of one of its folders is the
    job's id, or ends in a hyphen and the job's id.
    """
    output, job_id = trained["output_uri"], trained["job_arn"].rsplit("/", 1)[-1]

    def is_of_job(uri: str) -> bool:
        *folders, file = uri.removeprefix(output).split("/")
        return file == name and any(folder == job_id or folder.endswith(f"-{job_id}") for folder in folders)

    return sorted(filter(is_of_job, store.list(output)), key=lambda uri: (uri.count("/"), uri), reverse=True)
