# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent, and what Mailman did with it."""

from __future__ import annotations

import itertools
import re
import smtplib
import ssl

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from dev.site.mailman import MailmanSite, MEMBER
from dev.site.outcomes import Outcome
from mailman_trustedserver.report import read_log
from tests.network.hosts import Host, Network, SENDER
from tests.network.software import PASSWORD, REALM, USER


# She is no member of any list, so without trust her posts are held.
ALICE = f'{USER}@{REALM}'
SECONDS = 30.0

_numbers = itertools.count(1)


def make_post(
    recipients: Sequence[str],
    fields: Sequence[str] = (),
    sender: str = ALICE,
    others: Sequence[str] = (),
) -> tuple[str, str]:
    """A Message-ID, and a post with it and these Received fields, newest first.

    `others` are fields with their names.
    """
    message_id = f'<network-{next(_numbers)}@example.org>'
    lines = [f'Received: {field}' for field in fields]
    lines += [
        *others,
        f'From: {sender}',
        f'To: {", ".join(recipients)}',
        'Subject: A post',
        f'Message-ID: {message_id}',
        'Date: Tue, 1 Sep 2026 10:00:00 +0000',
        '',
        'Hello.',
        '',
    ]
    return message_id, '\n'.join(lines)


def submit(
    network: Network,
    server: Host,
    recipients: Sequence[str],
    post: str,
    six: bool = False,
    user: str = ALICE,
) -> None:
    """Hand in a post as a mail program does, with TLS and AUTH.

    Raises smtplib.SMTPException if the server refuses.
    """
    with network.on(SENDER):
        client = smtplib.SMTP(
            server.address6 if six else server.address,
            25,
            f'[{SENDER.address}]',
            timeout=SECONDS,
        )
    with closing(client):
        client.starttls(context=trusting())
        # All servers offer PLAIN; with the user's domain where it is asked for.
        client.login(user, PASSWORD)
        client.sendmail(user, recipients, post)
        client.quit()


def trusting() -> ssl.SSLContext:
    """TLS that takes any certificate: those of the servers are self-signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass
class Result:
    """What became of one post on one list, and the plugin's line about it."""

    outcome: Outcome = Outcome.PENDING
    verdict: str = 'none'
    reason: str = 'none'
    proof: str = 'none'

    @property
    def settled(self) -> bool:
        return self.outcome is not Outcome.PENDING and self.verdict != 'none'


_HELD = re.compile(
    r'HOLD: (?P<list>\S+) post from .* held, message-id=(?P<id><[^ >]*>)'
)


def results(site: MailmanSite) -> dict[tuple[str, str], Result]:
    """What became of every post so far: Message-ID and posting address to result.

    A post is delivered when Mailman sent it to the member of the list.  Raises
    AssertionError if a post was handled twice.
    """
    found: dict[tuple[str, str], Result] = {}

    def result(message_id: str, list_id: str) -> Result:
        return found.setdefault((message_id, list_id), Result())

    log = site.vette_log()
    for logged in read_log(log):
        if not re.fullmatch(r'<[^ >]*>', logged['message-id']):
            continue
        one = result(logged['message-id'], logged['list'])
        assert one.verdict == 'none', f'handled twice: {logged}'
        one.verdict, one.reason = logged['verdict'], logged['reason']
        one.proof = logged.get('proof', 'none')
    for line in log.splitlines():
        match = _HELD.search(line)
        if match:
            one = result(match['id'], match['list'].replace('@', '.'))
            assert one.outcome is Outcome.PENDING, f'handled twice: {line}'
            one.outcome = Outcome.HELD
    # Mailman wanted to hold these.
    for shunted in site.unholdable():
        for key, one in found.items():
            if all(name.encode() in shunted for name in key):
                one.outcome = Outcome.HELD
    for sent in site.sent:
        list_id = re.search(r'<([^>]*)>', str(sent.message['List-Id']))
        if MEMBER in sent.recipients and list_id:
            one = result(str(sent.message['Message-ID']), list_id[1])
            assert one.outcome is Outcome.PENDING, f'delivered twice: {list_id[1]}'
            one.outcome = Outcome.DELIVERED
    return found
