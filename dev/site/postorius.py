# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Postorius for a `MailmanSite`, for the demo and the tests.

    with MailmanSite(plugins) as site, WebSite(site) as web:
        web.create_users(User('olivia', 'olivia@example.org', 'secret'))
        print(web.url)

It listens on a free port of 127.0.0.1 and keeps its files in the directory of
the MailmanSite, which removes them.  It must stop before that, and relies on
it to make a KeyboardInterrupt of SIGTERM.
"""

from __future__ import annotations

import dataclasses
import http.cookiejar
import json
import os
import re
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from collections.abc import Mapping, Sequence
from dev.site.mailman import free_ports, LOOPBACK, MailmanSite, REST_USER
from dev.site.posts import ROOT
from dev.site.process import SiteError
from pathlib import Path
from typing import Any


# What an administrator adds to INSTALLED_APPS.
APPS = ('mailman_trustedserver.postorius',)
START_SECONDS = 60.0
STOP_SECONDS = 10.0
COMMAND_SECONDS = 120.0
PAGE_SECONDS = 120.0
# An exception as Python prints it, and an answer 500 as runserver logs it.
ERROR = re.compile(
    r'^Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*\S.*|^.*" 500 \d+$',
    re.MULTILINE,
)


@dataclasses.dataclass(frozen=True)
class User:
    """One who can log in.  What he may do with a list is in Mailman."""

    name: str
    email: str
    password: str
    superuser: bool = False


class WebSite:
    """A Postorius for `site`, with `apps` at the end of INSTALLED_APPS."""

    def __init__(self, site: MailmanSite, apps: Sequence[str] = APPS) -> None:
        self.site = site
        self.apps = apps
        self.port = 0
        self._secret_key = secrets.token_hex(32)
        self._server: subprocess.Popen[bytes] | None = None
        self._errors_seen = 0

    def __enter__(self) -> WebSite:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    # Starting and stopping.

    @property
    def directory(self) -> Path:
        """Where its files are."""
        return self.site.directory / 'web'

    @property
    def url(self) -> str:
        """The address to give to a browser, without a slash at the end."""
        return f'http://{LOOPBACK}:{self.port}'

    def start(self) -> None:
        """Start the server; return once it answers.

        Raises SiteError.
        """
        self.directory.mkdir(exist_ok=True)
        self._write_settings()
        if not (self.directory / 'web.db').exists():
            self._run('django', 'migrate', '--verbosity', '0')
        # A browser keeps its cookies over a restart only with the same port.
        self.port = self.port or free_ports(1)[0]
        address = f'{LOOPBACK}:{self.port}'
        try:
            with (self.directory / 'web.log').open('ab') as log:
                # In a session of its own, it does not get the Ctrl-C that is
                # meant for the harness.  Without DEBUG it serves static files
                # only if told so.
                self._server = subprocess.Popen(
                    self._command(
                        'django', 'runserver', '--noreload', '--insecure', address
                    ),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    **self._options(),
                )
            self._wait()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server; harmless if repeated."""
        if self._server is None:
            return
        self._server.terminate()
        try:
            self._server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self._server = None

    def check(self) -> None:
        """Raise SiteError if the server ended by itself."""
        if self._server is None or self._server.poll() is not None:
            raise SiteError(f'Postorius ended.\n{self.log}')

    def restart(self, apps: Sequence[str] | None = None) -> None:
        """Stop and start the server, with other apps if given."""
        self.stop()
        self.apps = self.apps if apps is None else apps
        self.start()

    def _wait(self) -> None:
        # The empty ProxyHandler keeps out a proxy of the environment.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                opener.open(f'{self.url}/accounts/login/', timeout=10).close()
                return
            except OSError:
                self.check()
                if time.monotonic() > deadline:
                    raise SiteError(f'Postorius did not start.\n{self.log}') from None
            time.sleep(0.1)

    def _write_settings(self) -> None:
        settings = {
            'secret_key': self._secret_key,
            'rest_url': f'http://{LOOPBACK}:{self.site.rest_port}',
            'rest_user': REST_USER,
            'rest_password': self.site.rest_password,
            'apps': list(self.apps),
        }
        path = self.directory / 'settings.json'
        path.write_text(json.dumps(settings), encoding='utf-8')

    def _run(self, *args: str, input: str = '') -> None:
        result = subprocess.run(
            self._command(*args),
            input=input,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding='utf-8',
            errors='replace',
            timeout=COMMAND_SECONDS,
            **self._options(),
        )
        if result.returncode != 0:
            raise SiteError(f'{" ".join(args)} failed:\n{result.stdout}')

    def _command(self, *args: str) -> list[str]:
        return [sys.executable, '-m', *args]

    def _options(self) -> dict[str, Any]:
        # The client of Mailman's REST API honours a proxy.
        no_proxy = ','.join(filter(None, [os.environ.get('no_proxy'), LOOPBACK]))
        # The current directory is where Python looks for the package `dev`.
        return {
            'cwd': ROOT,
            'env': {
                **os.environ,
                'no_proxy': no_proxy,
                'DJANGO_SETTINGS_MODULE': 'dev.site.postorius_settings',
                'DEMO_WEB': str(self.directory / 'settings.json'),
            },
        }

    # Using it.

    def create_users(self, *users: User) -> None:
        """Create them, with verified addresses.

        Raises SiteError.  One call for all takes no longer than for one.
        """
        described = json.dumps([dataclasses.asdict(user) for user in users])
        self._run('dev.site.postorius_users', input=described)

    def visit(self, user: User | None = None) -> Visitor:
        """Somebody who asks for pages, logged in as a user or as nobody.

        Raises SiteError if the user cannot log in.
        """
        return Visitor(self.url, user)

    @property
    def log(self) -> str:
        """What the server logged, requests included."""
        path = self.directory / 'web.log'
        return path.read_text('utf-8', 'replace') if path.exists() else ''

    def errors(self) -> list[str]:
        """The tracebacks and the answers 500 logged since the last call."""
        found = ERROR.findall(self.log)
        new, self._errors_seen = found[self._errors_seen :], len(found)
        return new


class Visitor:
    """One who asks a WebSite for pages without a browser.  See `WebSite.visit`."""

    def __init__(self, url: str, user: User | None) -> None:
        self._url = url
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            # The empty one keeps out a proxy of the environment.
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(self._cookies),
            _NoRedirect(),
        )
        # The form comes with the token that every POST needs.
        self.get('/accounts/login/')
        if user is not None:
            data = {'login': user.name, 'password': user.password}
            status, _ = self.post('/accounts/login/', data)
            if status != 302:
                raise SiteError(f'{user.name} could not log in: {status}')

    def get(self, path: str) -> tuple[int, str]:
        """The status and the text of a page; no redirect is followed."""
        return self._open(path)

    def post(
        self, path: str, data: Mapping[str, str], token: bool = True
    ) -> tuple[int, str]:
        """The same where a form is sent, with the token against forgery or without."""
        tokens = {one.name: one.value or '' for one in self._cookies}
        if token:
            data = {**data, 'csrfmiddlewaretoken': tokens['csrftoken']}
        return self._open(path, urllib.parse.urlencode(data).encode())

    def _open(self, path: str, data: bytes | None = None) -> tuple[int, str]:
        try:
            answer = self._opener.open(self._url + path, data, PAGE_SECONDS)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.read().decode()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        """See `HTTPRedirectHandler`."""
        return None
