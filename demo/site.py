# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One real Mailman in a temporary directory of its own, for the demo and the end-to-end tests.

    with MailmanSite(plugins) as site:
        site.create_list('staff@lists.example.org')
        site.post('staff@lists.example.org', message, 'alice@example.org')
        outcome = site.wait_for(['<x@example.org>'])['<x@example.org>']

Everything listens on free ports of 127.0.0.1. When the block ends, for whatever reason, SIGTERM included, no process
and no file is left. What goes wrong in the harness itself is a `SiteError` that says what Mailman said.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import secrets
import select
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Callable

from aiosmtpd.controller import Controller

from demo.outcomes import Outcome, Sent, Sink, outcome_of

LOOPBACK = '127.0.0.1'
REST_USER = 'restadmin'
# The subscriber of every list, so that an accepted post leaves through the sink.
MEMBER = 'member@example.net'
# A start takes about four seconds on two idle cores; a busy machine gets a minute.
START_SECONDS = 60.0
STOP_SECONDS = 15.0
COMMAND_SECONDS = 60.0
# Newer versions of gunicorn put a control socket into the home directory, where it would outlive the site.
GUNICORN = '[gunicorn]\ncontrol_socket_disable = true\ngraceful_timeout = 2\n'


class SiteError(Exception):
    """Mailman did not do what the harness needs."""


class MailmanSite:
    """A Mailman with the text `plugins` at the end of its mailman.cfg and `files` (name to text) beside it.

    `{directory}` in either stands for the site's directory.
    """

    def __init__(self, plugins: str = '', files: Mapping[str, str] | None = None) -> None:
        self.plugins = plugins
        self.files = dict(files or {})
        self.directory = Path()
        self.lmtp_port = self.rest_port = self.smtp_port = 0
        self._password = secrets.token_hex(16)
        self._sink = Sink()
        self._smtp: Controller | None = None
        self._alive: int | None = None
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> MailmanSite:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    # Starting and stopping.

    def start(self) -> None:
        """Make the directory, start the sink and Mailman, and return once LMTP and REST answer."""
        self._handle_signals(self._interrupt)
        try:
            self.directory = Path(tempfile.mkdtemp(prefix='mailman-'))
            self.lmtp_port, self.rest_port, self.smtp_port = _free_ports(3)
            self._smtp = Controller(self._sink, hostname=LOOPBACK, port=self.smtp_port, server_hostname='localhost')
            self._smtp.start()
            self._start_mailman()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop Mailman and the sink and remove the directory; a second call does nothing."""
        self._handle_signals(signal.SIG_IGN)
        try:
            self._stop_mailman()
        finally:
            if self._smtp is not None:
                self._smtp.stop(no_assert=True)
                self._smtp = None
            if self.directory != Path():
                shutil.rmtree(self.directory)
                self.directory = Path()
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            self._handlers.clear()

    def restart(self, plugins: str | None = None) -> None:
        """Stop Mailman, put other plugin sections into mailman.cfg if any are given, and start it again."""
        self._stop_mailman()
        self.plugins = self.plugins if plugins is None else plugins
        self._start_mailman()

    def _handle_signals(self, handler: Any) -> None:
        # Python makes an exception of SIGINT only. No thread but the main one may ask for more; nohup is respected.
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            current = signal.getsignal(number)
            if current not in (signal.SIG_IGN, None):
                self._handlers.setdefault(number, current)
                signal.signal(number, handler)

    def _interrupt(self, number: int, frame: object) -> None:
        # Once is enough: a second Ctrl-C must not interrupt the clearing up.
        self._handle_signals(signal.SIG_IGN)
        raise KeyboardInterrupt(number)

    def _write_configuration(self) -> None:
        template = Path(__file__).with_name('site.cfg').read_text(encoding='utf-8')
        site = template.format(
            directory=self.directory,
            lmtp_port=self.lmtp_port,
            rest_port=self.rest_port,
            smtp_port=self.smtp_port,
            rest_user=REST_USER,
            rest_password=self._password,
        )
        for name, text in {**self.files, 'gunicorn.cfg': GUNICORN, 'mailman.cfg': f'{site}\n{self.plugins}'}.items():
            # Not str.format here: a regular expression may have braces of its own.
            (self.directory / name).write_text(text.replace('{directory}', str(self.directory)), encoding='utf-8')

    def _start_mailman(self) -> None:
        self._write_configuration()
        # Every process of Mailman inherits the writing end of this pipe, so its end of file says that the last of them
        # is gone. A process id does not say that: it may be a zombie's, or another process's by now.
        self._alive, inherited = os.pipe()
        try:
            # The master keeps the standard output of `mailman start`, so it must not be a pipe that is read to its end.
            with (self.directory / 'start.log').open('wb') as output:
                self._run('start', stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=(inherited,))
        finally:
            os.close(inherited)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._gone(0.1) or time.monotonic() > deadline:
                raise SiteError(f'Mailman did not start.\n{self.logs()}')

    def _answers(self) -> bool:
        try:
            with self._lmtp():
                self.rest('GET', '/3.1/system/versions')
        except OSError:
            return False
        return True

    def _gone(self, seconds: float) -> bool:
        return bool(select.select([self._alive], [], [], seconds)[0])

    def _stop_mailman(self) -> None:
        if self._alive is None:
            return
        pid_file = self.directory / 'var' / 'master.pid'
        deadline = time.monotonic() + STOP_SECONDS
        try:
            # A master that is still starting has no pid file yet, and may miss the first request to stop.
            while not self._gone(0.1) and time.monotonic() < deadline:
                if pid_file.exists():
                    self.mailman('stop', check=False)
                    self._gone(3)
            if not self._gone(0):
                # The master leads a session of its own, so its runners are in the process group of its number.
                with contextlib.suppress(OSError, ValueError):
                    os.killpg(int(pid_file.read_text()), signal.SIGKILL)
                if not self._gone(STOP_SECONDS):
                    raise SiteError(f'Mailman did not stop.\n{self.logs()}')
        finally:
            os.close(self._alive)
            self._alive = None

    # Using it.

    def mailman(self, *args: str, check: bool = True, input: str = '') -> subprocess.CompletedProcess[str]:  # noqa: A002
        """Run `mailman ARGS…`, though not `start`; raise SiteError if it fails and `check` is true."""
        streams = dict.fromkeys(('stdin', 'stdout', 'stderr'), subprocess.PIPE)
        result = self._run(*args, input=input, encoding='utf-8', errors='surrogateescape', **streams)
        if check and result.returncode != 0:
            raise SiteError(f'mailman {" ".join(args)} ended with {result.returncode}:\n{result.stdout}{result.stderr}')
        return result

    def _run(self, *args: str, input: str | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
        script = Path(sys.executable).with_name('mailman')
        if not script.is_file():
            raise SiteError(f'There is no {script}; run this in a virtual environment that has Mailman.')
        as_root = ['--run-as-root'] if os.geteuid() == 0 else []
        command = [sys.executable, str(script), *as_root, '-C', str(self.directory / 'mailman.cfg'), *args]
        environment = {name: value for name, value in os.environ.items() if not name.startswith('MAILMAN_')}
        # In a session of its own a command is not hit by the Ctrl-C that interrupts the harness.
        process = subprocess.Popen(command, env=environment, start_new_session=True, **options)  # noqa: S603
        with process:
            try:
                stdout, stderr = process.communicate(input, timeout=COMMAND_SECONDS)
            except BaseException:
                # A command that is killed leaves its locks behind, and the next one waits for them for 25 seconds.
                process.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_SECONDS)
                process.kill()
                raise
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    def rest(self, method: str, path: str, data: Mapping[str, Any] | None = None) -> Any:
        """Send `data` as JSON to the path `/3.1/…` and decode the answer; raises urllib.error.HTTPError."""
        credentials = base64.b64encode(f'{REST_USER}:{self._password}'.encode()).decode()
        request = urllib.request.Request(  # noqa: S310
            f'http://{LOOPBACK}:{self.rest_port}{path}',
            data=None if data is None else json.dumps(data).encode(),
            headers={'Authorization': f'Basic {credentials}', 'Content-Type': 'application/json'},
            method=method,
        )
        # The empty ProxyHandler keeps out a proxy that the environment names.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=COMMAND_SECONDS) as response:
            body = response.read()
        return json.loads(body) if body else None

    def create_list(self, posting_address: str) -> str:
        """Create the list, and its domain if need be, subscribe MEMBER, and return the list-id."""
        self.mailman('create', posting_address)
        list_id = posting_address.replace('@', '.')
        agreed = {'pre_verified': True, 'pre_confirmed': True, 'pre_approved': True, 'send_welcome_message': False}
        self.rest('POST', '/3.1/members', {'list_id': list_id, 'subscriber': MEMBER, **agreed})
        return list_id

    def post(self, list_address: str, message: bytes, mail_from: str) -> None:
        """Hand one message to Mailman over LMTP; raises smtplib.SMTPException if it is refused.

        Line feeds are sent as CR LF, as by an MTA. Mailman refuses lines longer than 1,001 octets.
        """
        with self._lmtp() as client:
            # Unlike text, smtplib sends bytes with the line ends that they have.
            client.sendmail(mail_from, [list_address], re.sub(rb'(?<!\r)\n', b'\r\n', message))
            client.quit()

    def _lmtp(self) -> contextlib.closing[smtplib.LMTP]:
        # In a with statement of its own, smtplib puts an error about QUIT in the place of an interrupt.
        return contextlib.closing(smtplib.LMTP(LOOPBACK, self.lmtp_port, local_hostname='localhost'))

    # Looking.

    @property
    def sent(self) -> list[Sent]:
        """What Mailman sent out so far."""
        return list(self._sink.sent)

    def vette_log(self) -> str:
        """The text of the vette log."""
        path = self.directory / 'var' / 'logs' / 'vette.log'
        return path.read_text(encoding='utf-8', errors='replace') if path.exists() else ''

    def logs(self) -> str:
        """The last lines of each of Mailman's logs."""
        paths = [self.directory / 'start.log', *sorted(self.directory.glob('var/logs/*.log'))]
        texts = {path.name: path.read_text(encoding='utf-8', errors='replace') for path in paths if path.is_file()}
        return '\n'.join('\n'.join([f'--- {name}', *text.splitlines()[-20:]]) for name, text in texts.items() if text)

    def held(self) -> set[str]:
        """The Message-IDs of what is held, of every list."""
        lists = self.rest('GET', '/3.1/lists').get('entries', [])
        answers = [self.rest('GET', f'/3.1/lists/{entry["list_id"]}/held') for entry in lists]
        return {entry['message_id'] for answer in answers for entry in answer.get('entries', [])}

    def shunted(self) -> int:
        """The number of files in the shunt queue."""
        return len(self._shunt_files())

    def _shunt_files(self) -> list[Path]:
        return list((self.directory / 'var' / 'queue' / 'shunt').glob('*.pck'))

    def wait_for(
        self,
        message_ids: Iterable[str],
        timeout: float = 30.0,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> dict[str, Outcome]:
        """What became of the posts (their Message-IDs with brackets), after at most `timeout` seconds.

        `progress` is called with the number of posts that are settled and the number of all, several times a second.
        """
        wanted = list(message_ids)
        deadline = time.monotonic() + timeout
        while True:
            held, log, sent = self.held(), self.vette_log(), self.sent
            shunted = b''.join(path.read_bytes() for path in self._shunt_files())
            outcomes = {one: outcome_of(one, sent, MEMBER, held, log, shunted) for one in wanted}
            settled = sum(outcome is not Outcome.PENDING for outcome in outcomes.values())
            progress(settled, len(wanted))
            if settled == len(wanted) or time.monotonic() > deadline:
                return outcomes
            time.sleep(0.1)


def _free_ports(count: int) -> list[int]:
    """Free ports of the loopback, all held at once so that they differ."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for held in sockets:
            held.bind((LOOPBACK, 0))
        return [held.getsockname()[1] for held in sockets]
