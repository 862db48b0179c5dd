"""Calls Airflow's REST API after a login with a user name and a password."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from tools.local_airflow.airflow_api import TIMEOUT_SECONDS, AirflowApi, AirflowApiError


class SignedInApi(AirflowApi):
    """A client of an api-server that requires a login. Before :meth:`sign_in`, only its health can be read."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._url = url

    def sign_in(self, user: str, password: str) -> None:
        """
        Get a token, which is valid for a day, and send it with every request.

        :raises AirflowApiError: the password is refused, or there is no answer.
        """
        body = json.dumps({"username": user, "password": password}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self._url}/auth/token", body, headers)  # noqa: S310 http on loopback
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                token = json.load(response)["access_token"]
        except urllib.error.HTTPError as error:
            message = (
                f"Airflow refused to log {user!r} in ({error.code}): {error.read().decode(errors='replace')[:500]}"
            )
            raise AirflowApiError(message, error.code) from None
        except OSError as error:
            raise AirflowApiError(f"Airflow did not answer the login of {user!r}: {error}", None) from None
        self._opener.addheaders = [("Authorization", f"Bearer {token}")]
