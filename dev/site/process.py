# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of a Mailman: `mailman start`, `mailman stop`, the commands.

What goes wrong is a `SiteError` that says what Mailman said.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time

from pathlib import Path
from typing import Any, Callable


# A start takes four seconds on two idle cores; only a hang takes so long.
START_SECONDS = 300.0
STOP_SECONDS = 60.0
COMMAND_SECONDS = 300.0
LOG_LINES = 20


class SiteError(Exception):
    """Mailman did not do what the harness needs."""


def wait_until(condition: Callable[[], object], seconds: float = 300.0) -> None:
    """Ask again and again; a busy machine takes long, and only a hang so long.

    Raises TimeoutError.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError('It did not come true in time.')
        time.sleep(0.01)


def mailman_program() -> Path:
    """The program `mailman`: that beside this Python, or else that of the PATH.

    `master` and `runner` are beside it.  Debian has all three where the link
    /usr/bin/mailman leads to.  Raises SiteError.
    """
    beside = Path(sys.executable).parent
    path = os.pathsep.join([str(beside), os.environ.get('PATH', os.defpath)])
    found = shutil.which('mailman', path=path)
    if found is None:
        raise SiteError(f'There is no mailman in {beside}: use a Python that has it.')
    return Path(found).resolve()


class MailmanProcess:
    """The Mailman of the mailman.cfg in `directory`, with var_dir `var`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._alive: int | None = None

    def command(self, *args: str) -> list[str]:
        """What runs `mailman ARGS…`, from any directory.

        Raises SiteError.
        """
        command = [sys.executable, str(mailman_program())]
        if os.geteuid() == 0:
            command.append('--run-as-root')
        return [*command, '-C', str(self.directory / 'mailman.cfg'), *args]

    def run(
        self, *args: str, input: str | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run `mailman ARGS…`; `options` are those of subprocess.Popen."""
        command = self.command(*args)
        environment = dict(os.environ)
        for name in os.environ:
            if name.startswith('MAILMAN_'):
                del environment[name]
        # In a session of its own, a command does not get the Ctrl-C that is
        # meant for the harness.
        process = subprocess.Popen(
            command, env=environment, start_new_session=True, **options
        )
        with process:
            try:
                out, err = process.communicate(input, timeout=COMMAND_SECONDS)
            except BaseException:
                # A command that is killed leaves its locks behind, and the
                # next one waits 25 seconds for them.
                process.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_SECONDS)
                process.kill()
                raise
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def start(self, ready: Callable[[], bool]) -> None:
        """Run `mailman start`, and return once `ready` says so."""
        # Every process of Mailman inherits the writing end of this pipe, so
        # its end of file says that the last of them is gone.  A process id
        # does not say that: it may be a zombie's, or belong to another by now.
        self._alive, inherited = os.pipe()
        output = self.directory / 'start.log'
        try:
            # The master keeps the standard output of `mailman start`: a pipe
            # would not come to its end while Mailman runs.
            with output.open('wb') as stream:
                self.run(
                    'start',
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=stream,
                    pass_fds=(inherited,),
                )
        finally:
            os.close(inherited)
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self._gone(0.1) or time.monotonic() > deadline:
                raise SiteError(f'Mailman did not start.\n{self.logs()}')

    def stop(self) -> None:
        """Run `mailman stop`, and return once every process is gone."""
        if self._alive is None:
            return
        try:
            self._stop(self.directory / 'var' / 'master.pid')
        finally:
            os.close(self._alive)
            self._alive = None

    def _stop(self, pid_file: Path) -> None:
        # A master that is still starting has no pid file yet, and may miss
        # the first request to stop.
        deadline = time.monotonic() + STOP_SECONDS
        while not self._gone(0.1) and time.monotonic() < deadline:
            if pid_file.exists():
                self.run('stop', '--quiet', stderr=subprocess.DEVNULL)
                self._gone(3)
        if self.gone():
            return
        # The master leads a session, and so a process group, of its own, in
        # which its runners are.
        with contextlib.suppress(OSError, ValueError):
            os.killpg(int(pid_file.read_text()), signal.SIGKILL)
        if not self._gone(STOP_SECONDS):
            raise SiteError(f'Mailman did not stop.\n{self.logs()}')

    def gone(self) -> bool:
        """Whether no process of it is left."""
        return self._gone(0)

    def _gone(self, seconds: float) -> bool:
        if self._alive is None:
            return True
        return bool(select.select([self._alive], [], [], seconds)[0])

    def logs(self) -> str:
        """The last lines of each of Mailman's logs."""
        logs = sorted(self.directory.glob('var/logs/*.log'))
        lines = []
        for path in [self.directory / 'start.log', *logs]:
            if path.is_file() and path.stat().st_size > 0:
                text = path.read_text(encoding='utf-8', errors='replace')
                lines.append(f'--- {path.name}')
                lines += text.splitlines()[-LOG_LINES:]
        return '\n'.join(lines)
