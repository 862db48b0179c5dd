"""
Answer the STS operations GetCallerIdentity and AssumeRole.

A key that AssumeRole has issued identifies the session of the role and needs the token of the session. A key can also
act for a role or for the account's owner (``callers.py``). Any other key counts as the root user of the account,
because the simulator has no users. If every request is authorised, any other key is refused.
"""

from __future__ import annotations

import re
import secrets
import time
from enum import Enum
from typing import Any

from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.account.records import SessionRecord
from tools.aws_simulator.account.state import State
from tools.aws_simulator.protocol.errors import ServiceError
from tools.aws_simulator.protocol.specification import load_service
from tools.aws_simulator.services.callers import Callers
from tools.aws_simulator.services.iam import Iam
from tools.aws_simulator.services.permissions import ROOT
from tools.aws_simulator.services.request_keys import request_keys
from tools.aws_simulator.services.roles import Roles
from tools.aws_simulator.services.service import ServiceCall, SimulatedService

DEFAULT_SECONDS = 3600
_CHAINED_MAXIMUM = 3600
_UNSUPPORTED = ("Policy", "PolicyArns", "SerialNumber", "TokenCode", "ProvidedContexts", "TransitiveTagKeys")


class TokenProblem(Enum):
    """Why the keys of a session are refused."""

    MISSING = "the request has no session token"
    FOREIGN = "the token is not that of the session"
    EXPIRED = "the session has expired"
    UNKNOWN = "the access key belongs to nobody"


class Sts:
    """
    The sessions of roles, and the callers with keys of their own.

    :param enforced: refuse all keys that belong neither to a session nor to a caller.
    """

    def __init__(self, state: State, iam: Iam, roles: Roles, callers: Callers, *, enforced: bool = False) -> None:
        self._state = state
        self._iam = iam
        self._roles = roles
        self._callers = callers
        self.enforced = enforced
        handlers = {"GetCallerIdentity": self.caller_identity, "AssumeRole": self.assume_role}
        self.service = SimulatedService(load_service("sts"), handlers)

    def session(self, access_key: str) -> SessionRecord | None:
        """Return the session that an access key belongs to; None if the key is not that of a role."""
        if access_key in self._callers:
            return self._callers.session(access_key)
        record: SessionRecord | None = self._state.load(f"sts_session:{access_key}", None)
        return record

    def is_refused(self, access_key: str) -> bool:
        """Return whether an access key belongs to nobody, and is therefore refused."""
        return self.enforced and access_key not in self._callers and self.session(access_key) is None

    def caller_arn(self, access_key: str) -> str:
        """Return the ARN of the caller with this access key, even if the session has expired."""
        session = self.session(access_key)
        return session["arn"] if session else ROOT

    def caller_role(self, access_key: str) -> str:
        """Return the ARN of the role that the caller's session belongs to; for all other callers, the root user's."""
        session = self.session(access_key)
        return session["role"] if session else ROOT

    def token_problem(self, access_key: str, token: str | None) -> TokenProblem | None:
        """Return why a request with this access key and session token is refused; None if it is accepted.

        The key of a caller is accepted with any token and without one, as is an unknown key if requests are not
        authorised. Sessions that earlier versions of the simulator stored have no token, so only their expiry time is
        checked.
        """
        session = self.session(access_key)
        if session is None:
            return TokenProblem.UNKNOWN if self.is_refused(access_key) else None
        if "token" in session and not token:
            return TokenProblem.MISSING
        if "token" in session and token != session["token"]:
            return TokenProblem.FOREIGN
        return TokenProblem.EXPIRED if session["expires"] <= time.time() else None

    def caller_identity(self, call: ServiceCall) -> dict[str, Any]:
        """Handle GetCallerIdentity."""
        session = self.session(call.scope.access_key)
        user_id = session["user_id"] if session else ACCOUNT_ID
        return {"Arn": self.caller_arn(call.scope.access_key), "UserId": user_id, "Account": ACCOUNT_ID}

    def assume_role(self, call: ServiceCall) -> dict[str, Any]:
        """Handle AssumeRole."""
        arguments, role_arn = call.arguments, call.arguments["RoleArn"]
        if not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/.+", role_arn):
            raise ServiceError("ValidationError", f"{role_arn} is invalid")
        caller = self.caller_arn(call.scope.access_key)
        if unsupported := [name for name in _UNSUPPORTED if name in arguments]:
            raise ServiceError(
                "ValidationError", f"The AWS simulator does not support {', '.join(unsupported)} in AssumeRole."
            )
        self._check_allowed(call, caller, role_arn)
        role = self._iam.roles[role_arn]
        seconds = self._duration(call, role["max_session_seconds"] or DEFAULT_SECONDS)
        session = SessionRecord(
            arn=f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role['name']}/{arguments['RoleSessionName']}",
            user_id=f"{role['id']}:{arguments['RoleSessionName']}",
            role=role_arn,
            expires=float(int(time.time()) + seconds),
            token=secrets.token_urlsafe(120),
        )
        access_key = f"ASIA{secrets.token_hex(8).upper()}"
        self._state.store(f"sts_session:{access_key}", session)
        credentials = {
            "AccessKeyId": access_key,
            "SecretAccessKey": secrets.token_urlsafe(30),
            "SessionToken": session["token"],
            "Expiration": session["expires"],
        }
        user = {"AssumedRoleId": session["user_id"], "Arn": session["arn"]}
        identity = {"SourceIdentity": arguments["SourceIdentity"]} if "SourceIdentity" in arguments else {}
        return {"Credentials": credentials, "AssumedRoleUser": user, **identity}

    def _check_allowed(self, call: ServiceCall, caller: str, role_arn: str) -> None:
        session = self.session(call.scope.access_key)
        principals = {("AWS", caller), ("AWS", ROOT), ("AWS", ACCOUNT_ID)}
        if session:
            principals.add(("AWS", session["role"]))
        context = {
            "aws:PrincipalArn": session["role"] if session else ROOT,
            "aws:PrincipalAccount": ACCOUNT_ID,
            **request_keys(call.arguments),
        }
        region = call.scope.region
        trusted = self._roles.trusts(role_arn, frozenset(principals), region, context)
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
        tags = trusted and bool(call.arguments.get("Tags"))
        if tags and not self._roles.trusts(role_arn, frozenset(principals), region, context, action="sts:TagSession"):
            text = f"User: {caller} is not authorized to perform: sts:TagSession on resource: {role_arn}"
            raise ServiceError("AccessDenied", text, 403)
        allowed = not session or self._roles.allows(session["role"], "sts:AssumeRole", role_arn, region, context)
        if not trusted or not allowed:
            text = f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
            raise ServiceError("AccessDenied", text, 403)

    def _duration(self, call: ServiceCall, maximum: int) -> int:
        seconds = int(call.arguments.get("DurationSeconds", DEFAULT_SECONDS))
        if seconds > _CHAINED_MAXIMUM and self.session(call.scope.access_key):
            raise ServiceError(
                "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            )
        if seconds > maximum:
            raise ServiceError(
                "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            )
        return seconds
