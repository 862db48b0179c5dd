"""
Run the AWS simulator: ``python -m tools.aws_simulator --port 0 --state FOLDER --port-file FILE``.

To use it, set ``AWS_ENDPOINT_URL`` to ``http://127.0.0.1:<port>``. Any access key is accepted, unless ``--policies`` is
given. The simulator is ready when ``GET /_admin/health`` answers 200. SIGTERM or SIGINT stops it; its state stays in
the folder.
"""

from __future__ import annotations

import argparse
import datetime
import logging
import os
import re
import signal
import socket
import sqlite3
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tools.aws_simulator.account.settings import Settings
from tools.aws_simulator.catalog.history import first_day
from tools.aws_simulator.server.app import AwsSimulator
from tools.aws_simulator.server.server import bind, new_server
from tools.aws_simulator.services.callers import check_caller
from tools.aws_simulator.services.roles import service_role
from tools.aws_simulator.stacks.yaml_files import StackError

# The errors that occur at the start if the state folder cannot be written, or if its files are damaged.
UNREADABLE = (OSError, sqlite3.Error, ValueError, LookupError, TypeError, AttributeError)
_SETTINGS = ("job_seconds", "throughput_seconds", "deployment_seconds", "model_units", "latency_ms")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.aws_simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on (default: 127.0.0.1)")
    parser.add_argument(
        "--beyond-loopback", action="store_true", help="also allow addresses other than loopback; meant for containers"
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="host name that clients may use for the simulator, besides localhost and loopback addresses;"
        " may be repeated",
    )
    parser.add_argument("--port", type=_port, default=0, help="0 selects a free port")
    parser.add_argument("--state", type=_folder, required=True, help="state folder, created if it does not exist")
    parser.add_argument(
        "--port-file",
        type=_file,
        help="file that receives the port once clients can connect; its folder must exist",
    )
    parser.add_argument(
        "--role",
        type=_role,
        action="append",
        default=[],
        metavar="ARN",
        help="ARN of a role that the account has from the start; may be repeated. Bedrock may assume the role for jobs,"
        " and the role may use all buckets and models",
    )
    _add_access(parser)
    for name in _SETTINGS:
        field = Settings.model_fields[name]
        text = f"{field.description} ({field.default})"
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(field.default), help=text)
    parser.add_argument("--as-of", type=_day, metavar="DATE", help=Settings.model_fields["as_of"].description)
    return parser


def _add_access(parser: argparse.ArgumentParser) -> None:
    """Add the options that say who may do what."""
    parser.add_argument(
        "--policies",
        type=_existing_file,
        action="append",
        metavar="FILE",
        help="CloudFormation template or stack deployment file, loaded at each start; may be repeated. With this"
        " option, every request is authorised with the policies of its caller, and unknown access keys are refused",
    )
    parser.add_argument(
        "--caller",
        type=_caller,
        action="append",
        default=[],
        metavar="KEY=ROLE",
        help="access key that acts for a role, or for the account's owner if the role is 'root'; may be repeated. A"
        " role that does not exist is created without permissions",
    )


def _role(text: str) -> str:
    """Check the value of --role before the state is opened."""
    try:
        service_role(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _caller(text: str) -> tuple[str, str]:
    """Check the value of --caller before the state is opened."""
    key, equals, role = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} names no role. The form is KEY=ROLE.")
    try:
        check_caller(key, role)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}. The form is KEY=ROLE.") from None
    return key, role


def _existing_file(text: str) -> Path:
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a folder. Name a file.")
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"The file {text!r} does not exist.")
    return path


def _day(text: str) -> datetime.date:
    """Check the value of --as-of, which has the limits of ``make run AS_OF=``."""
    opened = first_day()
    try:
        day = datetime.date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII) else None
    except ValueError:
        day = None
    if day is None or not opened <= day <= datetime.datetime.now(datetime.UTC).date():
        raise argparse.ArgumentTypeError(
            f"{text!r} must be a day from {opened} to today, such as 2025-02-12. Nothing was started. Correct the"
            " value, or leave the option out to use the Bedrock of today."
        )
    return day


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) not in range(2**16):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; expected a number from 0 to 65535.")
    return int(text)


def _folder(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("The name of the folder is empty.")
    return Path(text)


def _file(text: str) -> Path:
    path = _folder(text)
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK) or path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} cannot be written: {path.parent} is not a folder with write access.")
    return path


def _write_port(path: Path, sock: socket.socket) -> None:
    new = path.with_suffix(".tmp")
    new.write_text(str(sock.getsockname()[1]))
    new.replace(path)


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".") + "."


def _open(options: argparse.Namespace, settings: dict[str, Any]) -> AwsSimulator | None:
    """Open the account; None if this is not possible. The reason is then on standard error."""
    try:
        return AwsSimulator(
            options.state,
            settings,
            hosts=options.allow_host,
            roles=options.role,
            policies=options.policies,
            callers=dict(options.caller),
        )
    except BlockingIOError:
        sys.stderr.write(
            f"Another AWS simulator uses {options.state}. Nothing was started. Stop that simulator, or choose another"
            " --state.\n"
        )
    except StackError as error:
        sys.stderr.write(
            f"A file of --policies cannot be loaded: {_one_line(error)} Nothing was started. Roles, policies and"
            " buckets of this file and of those before it may have been created or changed. Correct the file and start"
            " again.\n"
        )
    except UNREADABLE as error:
        sys.stderr.write(
            f"The state folder {options.state} cannot be used: {_one_line(error)} Nothing was started. Repair the"
            " folder, or choose another --state.\n"
        )
    return None


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal arrives; return the exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    parser = _parser()
    options = parser.parse_args(arguments)
    keys = [key for key, _ in options.caller]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        parser.error(f"argument --caller: the access key {twice[0]!r} is given twice. A key acts for one role.")
    settings: dict[str, Any] = {
        name: getattr(options, name) for name in (*_SETTINGS, "as_of") if getattr(options, name) is not None
    }
    try:
        Settings.model_validate(settings)
    except ValidationError as error:
        sys.stderr.write(f"A setting is out of range. Nothing was started. {error}\n")
        return 2
    # uvicorn raises the signal again after its shutdown. With the default handler, SIGTERM would end the process before
    # the state is closed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sock = bind(options.host, options.port, beyond_loopback=options.beyond_loopback)
    except (ValueError, OSError) as error:
        sys.stderr.write(
            f"Cannot listen on {options.host}:{options.port}: {error}\n"
            "Nothing was started. Choose another --host or --port.\n"
        )
        return 2
    simulator = _open(options, settings)
    if simulator is None:
        return 2
    sock.listen(2048)  # from here on, connections wait instead of being refused
    if options.port_file:
        _write_port(options.port_file, sock)
    try:
        new_server(simulator).run(sockets=[sock])
    except KeyboardInterrupt:
        pass
    finally:
        simulator.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
