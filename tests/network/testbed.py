# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts, two Mailmans, and the mail servers of one mix after the other."""

from __future__ import annotations

import shutil
import smtplib
import subprocess
import time

from aiosmtpd.controller import Controller
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dev.site.mailman import MailmanSite, MEMBER
from dev.site.outcomes import Outcome
from pathlib import Path
from tests.conftest import STYLE
from tests.network import roots, software
from tests.network.hosts import (
    ATTACKER,
    Host,
    MAILMAN,
    Network,
    RELAY,
    RELAY2,
)
from tests.network.mail import ALICE, make_post, Result, results, submit
from tests.network.proofs import HUB_ALIASES, Post
from tests.network.routes import (
    ALIASES,
    AUTH,
    AUTH_SITE,
    BOARD,
    COMMAND,
    DOMAINS,
    HAND,
    Mix,
    PROGRAM,
    Route,
    SINGLE_HOP_SITE,
    TEAM,
)
from tests.network.servers import Server
from typing import Any


# A route takes seconds; a busy machine gets two minutes.
SECONDS = 120.0
# The names of the files on each server, as in `software`.
CERTIFICATES = {'mail': 'mail.example.org', **{one: one for one in software.TENANTS}}


class Filter:
    """A content filter that finds nothing: aiosmtpd calls `handle_DATA`."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Hand the message back to the relay."""
        with smtplib.SMTP('127.0.0.1', software.REINJECTION_PORT, 'localhost') as back:
            back.sendmail(envelope.mail_from, envelope.rcpt_tos, envelope.content)
        return '250 OK'


class Testbed:
    """Everything that runs; `start_mix` and `stop_mix` change the mail servers."""

    def __init__(self, directory: Path, layers: Path) -> None:
        self.directory = directory
        self.layers = layers
        self.network = Network()
        # Both have the addresses; the second asks for AUTH, and is the one
        # host of a site that has no other.
        self.single_hop = MailmanSite(SINGLE_HOP_SITE, lmtp_host='0.0.0.0')  # noqa: S104
        self.auth = MailmanSite(AUTH_SITE, lmtp_host='0.0.0.0')  # noqa: S104
        self.servers: dict[Host, Server] = {}
        self._stack = ExitStack()
        self._mixes = 0

    def __enter__(self) -> Testbed:
        with ExitStack() as stack:
            stack.enter_context(self.network)
            for site in (self.single_hop, self.auth):
                stack.enter_context(site)
            for domain in DOMAINS:
                _create_list(self.site_of(domain), f'staff@{domain}')
            _create_list(self.single_hop, BOARD)
            for name, subject in CERTIFICATES.items():
                make_certificate(self.layers, self.directory, name, subject)
            filters = [self._start_filter(host) for host in (RELAY, RELAY2)]
            for one in filters:
                stack.callback(one.stop)
            stack.callback(self.stop_mix)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def site_of(self, address: str) -> MailmanSite:
        """The Mailman of a list or a domain."""
        return self.auth if address.endswith(AUTH) else self.single_hop

    def _start_filter(self, host: Host) -> Controller:
        one = Controller(Filter(), hostname='127.0.0.1', port=software.FILTER_PORT)
        # The thread that this makes is on the host, too.
        with self.network.on(host):
            one.start()
        return one

    # The servers.

    def start_mix(self, mix: Mix) -> None:
        """Start the mail servers of a mix; return once all of them greet."""
        self._mixes += 1
        tasks = mix.parts(self.single_hop.lmtp_port, self.auth.lmtp_port)
        for host, kind in mix.software.items():
            directory = self.directory / f'mix{self._mixes}' / host.name
            server = Server(self.network, host, kind, directory)
            server.mount(self.layers)
            self.servers[host] = server
            for name in CERTIFICATES:
                for path in (f'{name}.pem', f'{name}.key'):
                    text = (self.directory / path).read_text()
                    server.write(f'etc/{path}', text, 0o600)
            software.START[kind](server, tasks[host])
        for server in self.servers.values():
            server.wait()

    def stop_mix(self) -> None:
        """Stop the mail servers, and remove their files."""
        while self.servers:
            _, server = self.servers.popitem()
            server.stop()
            shutil.rmtree(server.directory)

    def logs(self) -> str:
        """The ends of all logs."""
        servers = [server.logs() for server in self.servers.values()]
        return '\n'.join([*servers, self.single_hop.logs(), self.auth.logs()])

    # Posts.

    def send(self, route: Route) -> str:
        """Send a post the way of a route; return its Message-ID."""
        message_id, post = make_post(route.recipients)
        host = route.server
        if route.handed_in == COMMAND:
            self.servers[host].sendmail(ALICE, list(route.recipients), post)
        elif route.handed_in == PROGRAM:
            submit(self.network, host, route.recipients, post, route.six)
        elif route.handed_in == HAND:
            self.single_hop.post(route.recipients[0], post.encode(), ALICE)
        else:
            address = host.address6 if route.six else host.address
            self._send_as_stranger(address, route.recipients, post)
        return message_id

    def send_post(self, post: Post) -> str:
        """Send a post; return its Message-ID."""
        message_id, text = make_post(
            [post.to or post.recipient], sender=post.sender, others=post.others
        )
        self.hand_in(post.server, [post.recipient], text, post.user)
        return message_id

    def hand_in(
        self, server: Host, recipients: Sequence[str], text: str, user: str
    ) -> None:
        """Hand in a message as a user, or as a stranger if there is none."""
        if user:
            submit(self.network, server, recipients, text, user=user)
        else:
            self._send_as_stranger(server.address, recipients, text)

    def _send_as_stranger(
        self, address: str, recipients: Sequence[str], text: str
    ) -> None:
        with self.network.on(ATTACKER):
            client = smtplib.SMTP(address, 25, ATTACKER.name)
        with client:
            client.sendmail(ALICE, recipients, text)

    def results(
        self, posts: Iterable[tuple[str, Sequence[str]]], seconds: float = SECONDS
    ) -> dict[tuple[str, str], Result]:
        """What became of posts (Message-ID and recipients) on each list.

        Mailman's LMTP refuses some posts, and the server before it tells the
        sender: these are rejected, with the verdict `returned`.  Returns once
        all are settled, after `seconds` at the latest.
        """
        wanted = {
            (message_id, list_id_of(address))
            for message_id, recipients in posts
            for address in recipients
        }
        deadline = time.monotonic() + seconds
        while True:
            known = {**results(self.single_hop), **results(self.auth)}
            found = {key: known.get(key, Result()) for key in wanted}
            missing = [key for key in wanted if not found[key].settled]
            late = time.monotonic() > deadline
            # Few are returned, and to find them takes a while.
            if late or len(missing) < 30:
                for key in missing:
                    if self.servers[MAILMAN].returned(key[0]):
                        found[key] = Result(Outcome.REJECTED, 'returned')
            if late or all(one.settled for one in found.values()):
                return found
            time.sleep(0.5)

    def check_shunted(self) -> None:
        """See that nothing was shunted but what Mailman cannot hold."""
        for site in (self.single_hop, self.auth):
            assert site.shunted() == len(site.unholdable())

    def received_fields(self, message_id: str) -> list[str]:
        """The Received fields with which Mailman delivered a post."""
        for sent in [*self.single_hop.sent, *self.auth.sent]:
            if MEMBER in sent.recipients and sent.message['Message-ID'] == message_id:
                return sent.message.get_all('Received', [])
        raise LookupError(f'{message_id} was not delivered.')


def list_id_of(address: str) -> str:
    """The list-id of a posting address or an alias of one."""
    return {**ALIASES, **HUB_ALIASES}.get(address, address).replace('@', '.')


def _create_list(site: MailmanSite, address: str) -> None:
    name, domain = address.split('@')
    path = f'/3.1/lists/{name}.{domain}'
    known = {
        entry['mail_host']
        for entry in site.rest('GET', '/3.1/domains').get('entries', ())
    }
    if domain not in known:
        site.rest('POST', '/3.1/domains', {'mail_host': domain})
    site.rest('POST', '/3.1/lists', {'fqdn_listname': address, 'style_name': STYLE})
    site.make_ready(f'{name}.{domain}')
    # Hundreds of posts are held: nobody is to be told of each.
    settings = {
        'admin_immed_notify': False,
        'respond_to_post_requests': False,
        'max_message_size': 0,
        'acceptable_aliases': [TEAM, *HUB_ALIASES],
    }
    site.rest('PATCH', f'{path}/config', settings)


def make_certificate(layers: Path, directory: Path, name: str, subject: str) -> None:
    """A certificate for a common name that signs itself, NAME.pem, and NAME.key."""
    # Debian's openssl is in the base; here it may be missing.
    command = ['chroot', str(layers / roots.BASE), 'openssl', 'req', '-x509', '-nodes']
    command += ['-newkey', 'rsa:2048', '-days', '2', '-subj', f'/CN={subject}']
    text = subprocess.run(
        [*command, '-keyout', '-'], check=True, capture_output=True, encoding='ascii'
    ).stdout
    begin = text.index('-----BEGIN CERTIFICATE')
    (directory / f'{name}.key').write_text(text[:begin])
    (directory / f'{name}.pem').write_text(text[begin:])
