"""What a signal does to a process."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

_INTERRUPTED = """
import os, signal, warnings
from notifydb.cli import signals

signals.install()
try:
    os.kill(os.getpid(), signal.SIGTERM)
    signal.pause()
except signals.Terminated:
    warnings.warn("transaction already deassociated from connection")
    print("ended")
"""


def test_nobody_is_warned_of_what_a_signal_has_interrupted() -> None:
    done = subprocess.run([sys.executable, "-c", _INTERRUPTED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ended\n", "")


_MASKED = """
import os, signal, sys
from notifydb import errors
from notifydb.cli import app, signals
from notifydb.cli.console import Console
from notifydb.cli.{module} import {job}

def command(**_):
    with {made}.running():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        except signals.Terminated:
            pass
        raise errors.DatabaseUnreachable("sending query failed: another command is already in progress")

app.app = command
app.main()
"""


@pytest.mark.parametrize(
    ("module", "job", "made"),
    [
        ("job", "Job", 'Job(Console(), "upgrade", as_json=True)'),
        ("purge_job", "PurgeJob", 'PurgeJob(Console(), "purge", as_json=True)'),
    ],
)
def test_what_fails_as_a_signal_cuts_it_short_is_told_as_stopped(module: str, job: str, made: str) -> None:
    """The summary said that the connection was lost (exit 4), and the process ended with 143."""
    program = _MASKED.format(module=module, job=job, made=made)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    summary = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, summary["exit_code"], summary["outcome"]) == (143, 143, "stopped")
    assert "error:" not in done.stderr
