"""
Let all use cases below a prefix buy the same batch job for the same questions, even if they do so at the same moment.

The name of a batch job contains the use case. So two use cases that look for running jobs and then buy would each buy a
job. Before a task buys a job, it therefore claims the questions with a conditional write. If another use case holds the
claim, the task buys or finds the job under the name in this claim. Bedrock refuses a second job with the same name and
request token. If the holder died before it bought, the task buys the job itself, so nobody waits for a dead task.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from include.distill.batch.records import BatchClaimRecord
from include.distill.config.layout import RunFolder
from include.distill.core.errors import NotFoundError
from include.distill.core.storage import ObjectStore, read_versioned_json, replace_json

_TRIES = 5  # each try is lost only if another task has written the claim meanwhile


@dataclass(frozen=True)
class BatchClaims:
    """The claims in ``batches/<sha256>/claim.json``. A claim stays after its job has ended, until the next purchase."""

    store: ObjectStore
    folder: RunFolder

    def name_to_buy(self, sha256: str, name: str, role_arn: str, *, has_ended: Callable[[str], bool]) -> str:
        """
        Claim questions, or find out under which name another use case buys a job for them.

        :param sha256: hash of the model and of the keys of the questions.
        :param name: the name under which this task would buy the job.
        :param role_arn: the role of the job. Use cases with other roles cannot share a job.
        :param has_ended: returns whether the job with a name has ended, so that its claim counts no more.
        :return: the name under which the job must be bought.
        """
        uri = self.folder.batch_claim(sha256)
        own: BatchClaimRecord = {"job_name": name, "role_arn": role_arn}
        for _ in range(_TRIES):
            version = None
            try:
                held, version = read_versioned_json(self.store, uri, BatchClaimRecord)
            except NotFoundError:
                held = own
            if held["role_arn"] != role_arn:
                return name
            if version and (held == own or not has_ended(held["job_name"])):
                return held["job_name"]
            if replace_json(self.store, uri, {**own}, version):
                return name
        return name
