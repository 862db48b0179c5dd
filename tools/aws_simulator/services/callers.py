"""
Say for whom the access keys of the clients act.

An access key can act for a role, as the keys of an instance profile or of a pod do, or for the account's owner. The
simulator has no users, so no other key than these and those of sessions belongs to anyone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.account.records import SessionRecord
from tools.aws_simulator.services.iam import Iam
from tools.aws_simulator.services.iam_records import new_role

OWNER = "root"
# The names of roles: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
_ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
_KEY = re.compile(r"[\w+=,.@:-]{2,64}", re.ASCII)  # it is also the name of the session
_TRUST = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
_DESCRIPTION = "Created by the AWS simulator at its start, for an access key"


class Callers:
    """
    The access keys that act for a role or for the account's owner.

    :param names: the name of a role or ``root``, by access key. The roles that do not exist are created. They have no
        permissions.
    :raises ValueError: a key or the name of a role is not valid.
    """

    def __init__(self, iam: Iam, names: Mapping[str, str]) -> None:
        self._iam = iam
        self._names = dict(names)
        for key, name in self._names.items():
            check_caller(key, name)
            if name != OWNER:
                iam.add_role(new_role(name, trust=_TRUST, description=_DESCRIPTION))

    def __contains__(self, access_key: str) -> bool:
        """Return whether the access key acts for a role or for the owner."""
        return access_key in self._names

    def session(self, access_key: str) -> SessionRecord | None:
        """Return the session of the role that a key acts for; None if it acts for no role. The session has no end."""
        name = self._names.get(access_key, OWNER)
        if name == OWNER:
            return None
        role = self._iam.role_named(name)
        return SessionRecord(
            arn=f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{name}/{access_key}",
            user_id=f"{role[1]['id'] if role else 'AROA'}:{access_key}",
            role=role[0] if role else f"arn:aws:iam::{ACCOUNT_ID}:role/{name}",
            expires=float("inf"),
        )


def check_caller(key: str, name: str) -> None:
    """Check an access key and the name of its role.

    :raises ValueError: one of them is not valid.
    """
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is not an access key; expected 2 to 64 letters, digits and characters of +=,.@:-_")
    if not _ROLE_NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is not the name of a role; expected 1 to 64 letters, digits and characters of +=,.@-_"
        )
