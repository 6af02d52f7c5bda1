# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One real Mailman in a temporary directory, for the demo and the tests.

    with MailmanSite(plugins) as site:
        site.create_list('staff@lists.example.org')
        site.post('staff@lists.example.org', message, 'alice@example.org')
        outcome = site.wait_for(['<x@example.org>'])['<x@example.org>']

Everything listens on free ports of 127.0.0.1, LMTP elsewhere if so told.  When
the block ends, for whatever reason, SIGTERM included, no process and no file is
left.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import secrets
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

from aiosmtpd.controller import Controller
from collections.abc import Iterable, Mapping
from dev.site.outcomes import Outcome, outcome_of, Sent, Sink
from dev.site.process import mailman_program, MailmanProcess, SiteError
from pathlib import Path
from typing import Any, Callable


LOOPBACK = '127.0.0.1'
REST_USER = 'restadmin'
REST_SECONDS = 300.0

# Mailman cannot hold a post that came in certain microseconds, 1 of 33,000: it keeps
# the pickled time as text, in `mailman.model.requests`, and reads a backslash and a U
# in it as an escape.  It shunts the post, with the plugin and without it.
UNHOLDABLE = "'rawunicodeescape' codec can't decode"

# SQLite gives up on a lock after 5 seconds, and Mailman then shunts the post.
SQLITE = """\
[database]
url: sqlite:///$DATA_DIR/mailman.db?timeout=60
"""
# The subscriber of every list: what is accepted leaves through the sink.
MEMBER = 'member@example.net'
# Newer versions of gunicorn put a control socket into the home directory,
# where it would outlive the site.
GUNICORN = """\
[gunicorn]
control_socket_disable = true
graceful_timeout = 2
"""


class MailmanSite:
    """A Mailman with the text `plugins` at the end of its mailman.cfg.

    `files` are put beside it, a name to a text each.  `{directory}` in any of
    these texts stands for the site's directory.  LMTP listens on `lmtp_host`,
    which has to include 127.0.0.1.
    """

    def __init__(
        self,
        plugins: str = '',
        files: Mapping[str, str] | None = None,
        lmtp_host: str = LOOPBACK,
    ) -> None:
        self.plugins = plugins
        self.files = dict(files or {})
        self.directory = Path()
        self.lmtp_host = lmtp_host
        self.lmtp_port = self.rest_port = self.smtp_port = 0
        self.rest_password = secrets.token_hex(16)
        self._database = ''
        self._process = MailmanProcess(self.directory)
        self._sink = Sink()
        self._smtp: Controller | None = None
        self._handlers: dict[int, Any] = {}

    @staticmethod
    def new_database() -> str:
        """The section of a database that nobody used; tests/conftest.py has others."""
        return SQLITE

    def __enter__(self) -> MailmanSite:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    # Starting and stopping.

    def start(self) -> None:
        """Start the sink and Mailman; return once LMTP and REST answer."""
        self._handle_signals(self._interrupt)
        try:
            self.directory = Path(tempfile.mkdtemp(prefix='mailman-'))
            self._process = MailmanProcess(self.directory)
            self.lmtp_port, self.rest_port, self.smtp_port = free_ports(3)
            self._smtp = Controller(
                self._sink,
                hostname=LOOPBACK,
                port=self.smtp_port,
                server_hostname='localhost',
            )
            self._smtp.start()
            self._database = self.new_database()
            self._write_configuration()
            self._process.start(self.answers)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything and remove the directory; harmless if repeated."""
        self._handle_signals(signal.SIG_IGN)
        try:
            self._process.stop()
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
        """Stop and start Mailman, with other plugin sections if given."""
        self._process.stop()
        self.plugins = self.plugins if plugins is None else plugins
        self._write_configuration()
        self._process.start(self.answers)

    def _handle_signals(self, handler: Any) -> None:
        # Python makes an exception of SIGINT only.  No thread but the main
        # one may ask for more, and what nohup ignores stays ignored.
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
        template = Path(__file__).with_name('mailman.cfg').read_text('utf-8')
        site = template.format(
            directory=self.directory,
            bin_dir=mailman_program().parent,
            database=self._database,
            lmtp_host=self.lmtp_host,
            lmtp_port=self.lmtp_port,
            rest_port=self.rest_port,
            smtp_port=self.smtp_port,
            rest_user=REST_USER,
            rest_password=self.rest_password,
        )
        files = {**self.files, 'gunicorn.cfg': GUNICORN}
        files['mailman.cfg'] = f'{site}\n{self.plugins}'
        for name, text in files.items():
            # Not str.format: a regular expression may have braces.
            text = text.replace('{directory}', str(self.directory))
            (self.directory / name).write_text(text, encoding='utf-8')

    def gone(self) -> bool:
        """Whether no process of Mailman is left."""
        return self._process.gone()

    def answers(self) -> bool:
        """Whether LMTP and REST answer."""
        try:
            with self._lmtp():
                self.rest('GET', '/3.1/system/versions')
        except OSError:
            return False
        return True

    # Using it.

    def command(self, *args: str) -> list[str]:
        """What a person would type to run `mailman ARGS…`."""
        return self._process.command(*args)

    def mailman(
        self, *args: str, check: bool = True, input: str = ''
    ) -> subprocess.CompletedProcess[str]:
        """Run `mailman ARGS…`, but not `start`.

        Raises SiteError if the command fails and `check` is true.
        """
        result = self._process.run(
            *args,
            input=input,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding='utf-8',
            errors='surrogateescape',
        )
        if check and result.returncode != 0:
            raise SiteError(
                f'mailman {" ".join(args)} ended with {result.returncode}:\n'
                f'{result.stdout}{result.stderr}'
            )
        return result

    def rest(
        self, method: str, path: str, data: Mapping[str, Any] | None = None
    ) -> Any:
        """Send `data` as JSON to the path `/3.1/…`; return what comes back.

        Raises urllib.error.HTTPError.
        """
        credentials = f'{REST_USER}:{self.rest_password}'.encode()
        request = urllib.request.Request(
            f'http://{LOOPBACK}:{self.rest_port}{path}',
            data=None if data is None else json.dumps(data).encode(),
            headers={
                'Authorization': 'Basic ' + base64.b64encode(credentials).decode(),
                'Content-Type': 'application/json',
            },
            method=method,
        )
        # The empty ProxyHandler keeps out a proxy of the environment.
        no_proxy = urllib.request.ProxyHandler({})
        opener = urllib.request.build_opener(no_proxy)
        with opener.open(request, timeout=REST_SECONDS) as response:
            body = response.read()
        return json.loads(body) if body else None

    def create_list(self, posting_address: str) -> str:
        """Create the list with its domain and MEMBER; return the list-id."""
        self.mailman('create', posting_address)
        list_id = posting_address.replace('@', '.')
        self.make_ready(list_id)
        return list_id

    def make_ready(self, list_id: str) -> None:
        """Give MEMBER to a list that has just been created."""
        self._subscribe(list_id, MEMBER)
        # Mailman notes the archivers of a list when it first needs them.  Two
        # runners may do so at once, for two of the first posts, and then it
        # shunts every post that follows.
        self.rest('GET', f'/3.1/lists/{list_id}/archivers')

    def add_member(self, list_id: str, email: str, action: str) -> None:
        """Subscribe somebody whose posts get this action of Mailman."""
        self._subscribe(list_id, email)
        member = self.rest('GET', f'/3.1/lists/{list_id}/member/{email}')
        path = '/3.1' + member['self_link'].partition('/3.1')[2]
        self.rest('PATCH', path, {'moderation_action': action})

    def _subscribe(self, list_id: str, email: str) -> None:
        member = {
            'list_id': list_id,
            'subscriber': email,
            'pre_verified': True,
            'pre_confirmed': True,
            'pre_approved': True,
            'send_welcome_message': False,
        }
        self.rest('POST', '/3.1/members', member)

    def post(self, list_address: str, message: bytes, mail_from: str) -> None:
        """Hand one message to Mailman over LMTP.

        Line feeds become CR LF, as with an MTA.  Mailman refuses a line of
        more than 1,001 octets; that and the like is an SMTPException.
        """
        # Unlike text, smtplib sends bytes with the line ends that they have.
        message = re.sub(rb'(?<!\r)\n', b'\r\n', message)
        with self._lmtp() as client:
            client.sendmail(mail_from, [list_address], message)
            client.quit()

    def gate(self, list_address: str, article: bytes) -> None:
        """Put a Usenet article into the queue, as `mailman gatenews` does.

        Raises SiteError.
        """
        text = article.decode('utf-8', 'surrogateescape')
        self.mailman('inject', '-m', 'fromusenet=True', list_address, input=text)

    def _lmtp(self) -> contextlib.closing[smtplib.LMTP]:
        # At the end of a with statement of its own, smtplib may raise an
        # error about QUIT in the place of an interrupt.
        return contextlib.closing(
            smtplib.LMTP(LOOPBACK, self.lmtp_port, local_hostname='localhost')
        )

    # Looking.

    @property
    def sent(self) -> list[Sent]:
        """What Mailman sent out so far."""
        return list(self._sink.sent)

    def vette_log(self) -> str:
        """The text of the vette log."""
        path = self.directory / 'var' / 'logs' / 'vette.log'
        return path.read_text('utf-8', 'replace') if path.exists() else ''

    def logs(self) -> str:
        """The last lines of each of Mailman's logs."""
        return self._process.logs()

    def held(self) -> set[str]:
        """The Message-IDs of the posts that are held, on any list."""
        held = set()
        for entry in self.rest('GET', '/3.1/lists').get('entries', []):
            answer = self.rest('GET', f'/3.1/lists/{entry["list_id"]}/held')
            held |= {one['message_id'] for one in answer.get('entries', [])}
        return held

    def shunted(self) -> int:
        """The number of files in the shunt queue."""
        return len(self._shunted())

    def unholdable(self) -> list[bytes]:
        """The files in the shunt queue of posts that Mailman could not hold."""
        log = (self.directory / 'var' / 'logs' / 'mailman.log').read_text(
            'utf-8', 'replace'
        )
        names = re.findall(rf'{re.escape(UNHOLDABLE)}.*\n.* SHUNTING: (\S+)', log)
        return [(self._shunt_queue / f'{name}.pck').read_bytes() for name in names]

    def _shunted(self) -> list[bytes]:
        return [path.read_bytes() for path in self._shunt_queue.glob('*.pck')]

    @property
    def _shunt_queue(self) -> Path:
        return self.directory / 'var' / 'queue' / 'shunt'

    def wait_for(
        self,
        message_ids: Iterable[str],
        timeout: float = 300.0,
        progress: Callable[[int, int], None] = lambda settled, total: None,
    ) -> dict[str, Outcome]:
        """What became of the posts with these Message-IDs (with brackets).

        Returns once all are settled, after `timeout` seconds at the latest.
        `progress` is told several times a second how many are settled, and
        of how many.
        """
        wanted = list(message_ids)
        deadline = time.monotonic() + timeout
        while True:
            held, log, sent = self.held(), self.vette_log(), self.sent
            shunted = b''.join(self._shunted())
            outcomes = {
                one: outcome_of(one, sent, MEMBER, held, log, shunted) for one in wanted
            }
            pending = list(outcomes.values()).count(Outcome.PENDING)
            progress(len(outcomes) - pending, len(outcomes))
            if not pending or time.monotonic() > deadline:
                return outcomes
            time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Free ports of the loopback, all held at once so that they differ."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((LOOPBACK, 0))
        return [one.getsockname()[1] for one in sockets]
