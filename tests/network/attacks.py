# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An attacker: what he says to a mail server, byte for byte."""

from __future__ import annotations

import base64
import itertools
import json
import socket
import socketserver
import ssl
import threading

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from dev.site.outcomes import Outcome
from tests.network.hosts import ATTACKER, Host, Network
from tests.network.mail import ALICE, make_post, Result, trusting
from tests.network.software import PASSWORD
from tests.network.testbed import Testbed
from tests.vectors import DATA


HOSTILE = json.loads((DATA / 'hostile.json').read_text(encoding='ascii'))
# A server that says nothing for so long has not understood.
SECONDS = 10.0

# The names of client certificates.  A name has at most 64 characters.
SUBJECTS = (
    'out.example.org',
    'x) by relay.example.org ([192.168.10.1])',
    'x (y [192.168.10.1]) by z with ESMTPSA id 1',
    'x) (Authenticated sender: alice',
)
SPOOF = '[192.168.10.1]'
# Some servers take one of these for the end of a message, and others for text.
ENDS = (
    b'\n.\n',
    b'\n.\r\n',
    b'\r\n.\n',
    b'\r.\r',
    b'\r.\r\n',
    b'\r\n.\r',
    b'\n.\r',
    b'\r\n\0.\r\n',
    b'\r\n.\r\r\n',
)


@dataclass(frozen=True)
class Attempt:
    """One hostile message.

    :ivar name: What is tried.
    :ivar fields: The Received fields that it comes with.
    :ivar certificate: The path of a client certificate, without its ending.
    :ivar six: Whether it is sent over IPv6.
    """

    name: str
    helo: str = SPOOF
    mail_from: str = ALICE
    ident: str = 'alice'
    fields: Sequence[str] = ()
    certificate: str = ''
    six: bool = False


def attempts(good: Sequence[str], certificates: Sequence[str]) -> Iterator[Attempt]:
    """Everything that is tried on one server.

    `good` are the fields of a good route, to be copied word for word: all of
    them, without the newest one, and so on down to none.
    """
    copies = [tuple(good[number:]) for number in range(len(good) + 1)]
    for copy in copies:
        for helo in (SPOOF, 'out.example.org', 'x with ESMTPSA'):
            yield Attempt(f'{len(copy)} fields', helo, fields=copy)
        for helo in ('[IPv6:2001:db8::1]', 'out.example.org'):
            yield Attempt(f'{len(copy)} fields, IPv6', helo, fields=copy, six=True)
    turns = itertools.cycle(copies)
    for helo in HOSTILE['helo']:
        yield Attempt(f'HELO {helo[:80]!r}', helo, fields=next(turns))
    for mail_from in HOSTILE['mail_from']:
        yield Attempt(f'MAIL {mail_from!r}', mail_from=mail_from, fields=next(turns))
    for ident in HOSTILE['ident']:
        yield Attempt(f'ident {ident[:80]!r}', ident=ident, fields=next(turns))
    for parts in HOSTILE['together']:
        yield Attempt(f'together {parts!r}', fields=next(turns), **parts)
    for certificate in certificates:
        yield Attempt(
            f'certificate {certificate}', certificate=certificate, fields=next(turns)
        )


class Ident:
    """An ident server of the attacker's; `answer` is the user that it names."""

    def __init__(self, network: Network) -> None:
        self.answer = 'alice'
        ident = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                request = self.rfile.readline(100).strip()
                answer = ident.answer.encode('utf-8', 'surrogateescape')
                # One who asks may have gone by now.
                with suppress(OSError):
                    self.wfile.write(
                        request + b' : USERID : UNIX : ' + answer + b'\r\n'
                    )

        with network.on(ATTACKER):
            self._server = socketserver.ThreadingTCPServer(
                (ATTACKER.address, 113), Handler
            )
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class Client:
    """A connection to port 25 that sends what it is told."""

    def __init__(self, network: Network, server: Host, six: bool = False) -> None:
        address = server.address6 if six else server.address
        with network.on(ATTACKER):
            self._socket = socket.create_connection((address, 25), SECONDS)
        self._file = self._socket.makefile('rb')
        self.reply()

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()

    def reply(self) -> int:
        """The code of the next reply; 0 if there is none."""
        with suppress(OSError):
            while True:
                line = self._file.readline()
                if line[3:4] != b'-':
                    return int(line[:3] or 0)
        return 0

    def send(self, data: bytes) -> None:
        """Send bytes; the next reply is 0 if the server has hung up."""
        with suppress(OSError):
            self._socket.sendall(data)

    def say(self, command: str) -> int:
        """Send a command; return the code of its reply."""
        line = command.encode('utf-8', 'surrogateescape')
        self.send(line + b'\r\n')
        # A line feed in a command makes two of it.
        return [self.reply() for _ in range(line.count(b'\n') + 1)][-1]

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Say STARTTLS, and begin TLS if the server wants to."""
        if self.say('STARTTLS') == 220:
            self._file.close()
            # A server that does not like the certificate hangs up.
            with suppress(OSError):
                self._socket = context.wrap_socket(self._socket)
            self._file = self._socket.makefile('rb')

    def message(self, mail_from: str, recipients: Sequence[str], data: bytes) -> bool:
        """Send a message to its end; return whether the server accepted it."""
        accepted = self.say(f'MAIL FROM:<{mail_from}>') == 250
        for recipient in recipients:
            accepted = self.say(f'RCPT TO:<{recipient}>') == 250 and accepted
        if not accepted or self.say('DATA') != 354:
            return False
        self.send(data + b'\r\n.\r\n')
        return self.reply() == 250


def attack(
    network: Network,
    ident: Ident,
    server: Host,
    recipients: Sequence[str],
    attempt: Attempt,
    user: str = '',
) -> str | None:
    """Try one; return the Message-ID if the server accepted the message.

    The user, if there is one, has an account on the server.
    """
    ident.answer = attempt.ident
    message_id, post = make_post(recipients, attempt.fields)
    client = Client(network, server, attempt.six)
    try:
        client.say(f'EHLO {attempt.helo}')
        if attempt.certificate or user:
            context = trusting()
            if attempt.certificate:
                context.load_cert_chain(
                    f'{attempt.certificate}.pem', f'{attempt.certificate}.key'
                )
            client.start_tls(context)
            client.say(f'EHLO {attempt.helo}')
        if user:
            secret = base64.b64encode(f'\0{user}\0{PASSWORD}'.encode()).decode()
            client.say(f'AUTH PLAIN {secret}')
        data = post.replace('\n', '\r\n').encode('utf-8', 'surrogateescape')
        accepted = client.message(attempt.mail_from, recipients, data)
    finally:
        client.close()
    return message_id if accepted else None


@dataclass
class Harm:
    """What all attempts on one server did.

    :ivar tried: How many there were.
    :ivar accepted: Those that the server accepted, by their Message-IDs.
    :ivar results: What became of these on each list.
    """

    tried: int
    accepted: dict[str, Attempt]
    results: dict[tuple[str, str], Result]

    def with_verdict(self, verdict: str) -> set[str]:
        """The Message-IDs of those with a verdict on any list."""
        return {key[0] for key, one in self.results.items() if one.verdict == verdict}

    @property
    def counts(self) -> list[int]:
        """How many were tried, accepted, returned and trusted."""
        verdicts = [len(self.with_verdict(one)) for one in ('returned', 'trusted')]
        return [self.tried, len(self.accepted), *verdicts]

    @property
    def wrong(self) -> set[tuple[str, str]]:
        """Those that were neither held nor returned, with what became of them."""
        returned = self.with_verdict('returned')
        return {
            (self.accepted[key[0]].name, str(one))
            for key, one in self.results.items()
            if key[0] not in returned
            and (one.outcome is not Outcome.HELD or one.verdict != 'not-trusted')
        }


def besiege(
    testbed: Testbed,
    ident: Ident,
    server: Host,
    recipients: Sequence[str],
    tried: Sequence[Attempt],
    user: str = '',
) -> Harm:
    """Try one after the other; return once all are settled."""
    ids = [
        attack(testbed.network, ident, server, recipients, one, user) for one in tried
    ]
    accepted = {one: name for one, name in zip(ids, tried) if one is not None}
    results = testbed.results((one, recipients) for one in accepted)
    return Harm(len(tried), accepted, results)


def smuggle(
    network: Network, server: Host, recipient: str, fields: Sequence[str], end: bytes
) -> tuple[str | None, str]:
    """Send a message with another one behind a doubtful end of the first.

    Returns the Message-IDs of the first one, if the server accepted it, and of
    the other.  What comes with `fields` is the other.
    """
    outer_id, outer = make_post([recipient])
    inner_id, inner = make_post([recipient], fields)
    lines = [f'MAIL FROM:<{ALICE}>', f'RCPT TO:<{recipient}>', 'DATA', inner]
    data = (
        outer.replace('\n', '\r\n').encode().rstrip()
        + end
        + '\n'.join(lines).replace('\n', '\r\n').encode()
    )
    client = Client(network, server)
    try:
        client.say('EHLO attacker.example.com')
        accepted = client.message(ALICE, [recipient], data)
        client.say('QUIT')
    finally:
        client.close()
    return outer_id if accepted else None, inner_id
