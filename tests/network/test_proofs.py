# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gateways, a content filter and an alias: who is trusted, and who is not."""

import pytest
import time

from aiosmtpd.controller import Controller
from dev.site.outcomes import Outcome
from mailman_trustedserver.reasons import Reason
from tests.network import report
from tests.network.attacks import attempts, besiege
from tests.network.hosts import ATTACKER, INNER, NAME_SERVER, SHARED
from tests.network.mail import make_post, submit
from tests.network.proofs import (
    FRIEND,
    OWN_TENANT,
    POSTS,
    REPLAYS,
    SENDERS,
    SIEGES,
)
from tests.network.routes import STAFF
from tests.network.testbed import list_id_of


# The servers are others than those of the routes.
pytestmark = [
    pytest.mark.network,
    pytest.mark.parametrize('mix', [SENDERS], ids=str, indirect=True),
]

SECONDS = 60.0


class Mailbox:
    """The mail that somebody outside gets: aiosmtpd calls `handle_DATA`."""

    def __init__(self):
        self.messages = []

    async def handle_DATA(self, server, session, envelope):
        self.messages.append(envelope.content)
        return '250 OK'

    def wait_for(self, message_id):
        """The message with a Message-ID, byte for byte."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            for message in self.messages:
                if message_id.encode() in message:
                    return message
            time.sleep(0.1)
        raise AssertionError(f'{message_id} did not come.')


@pytest.fixture(scope='session')
def mailbox(testbed):
    """The mail server of somebody outside."""
    mailbox = Mailbox()
    server = Controller(mailbox, hostname=ATTACKER.address, port=25)
    # Its thread is on that host, too.
    with testbed.network.on(ATTACKER):
        server.start()
    yield mailbox
    server.stop()


@pytest.fixture(scope='session')
def posted(testbed, mix):
    """The Message-ID of each post and what became of it, all sent at once."""
    ids = {post: testbed.send_post(post) for post in POSTS}
    found = testbed.results((ids[post], [post.recipient]) for post in POSTS)
    return {
        post: (ids[post], found[ids[post], list_id_of(post.recipient)])
        for post in POSTS
    }


def outcome_of(testbed, message_id, name):
    """What becomes of one post; it is noted in the report."""
    found = testbed.results([(message_id, [STAFF])])
    result = found[message_id, list_id_of(STAFF)]
    report.sent(name, result)
    return result


@pytest.mark.parametrize('post', POSTS, ids=lambda post: post.name)
def test_post_is_trusted_or_held_for_the_right_reason(posted, post):
    _, result = posted[post]
    report.sent(post.name, result)
    assert result.reason == post.reason.value, result
    assert result.proof == post.proof
    outcome = Outcome.DELIVERED if post.reason.trusted else Outcome.HELD
    assert result.outcome is outcome


@pytest.mark.parametrize('replay', REPLAYS, ids=lambda replay: replay.name)
def test_signed_message_to_somebody_else_is_held(testbed, mix, mailbox, replay):
    message_id, text = make_post([FRIEND])
    submit(testbed.network, INNER[0], [FRIEND], text)
    message = mailbox.wait_for(message_id)
    assert b'DKIM-Signature: ' in message
    assert replay.old in message
    message = message.replace(replay.old, replay.new, 1)
    testbed.hand_in(SHARED, [STAFF], message.decode('ascii'), replay.user)
    result = outcome_of(testbed, message_id, f'mail to a friend, {replay.name}')
    assert result.reason == replay.reason.value, result
    assert result.outcome is Outcome.HELD


@pytest.mark.parametrize('siege', SIEGES, ids=str)
def test_hostile_message_is_held_or_refused(
    testbed, posted, ident, certificates, siege
):
    good = testbed.received_fields(posted[siege.good][0])
    tried = list(attempts(good, certificates))
    harm = besiege(testbed, ident, siege.server, siege.recipients, tried, siege.user)
    report.attacked(testbed.servers[siege.server].software, str(siege), harm.counts)
    assert not harm.wrong
    reasons = {
        one.reason
        for (message_id, list_id), one in harm.results.items()
        if list_id == list_id_of(siege.recipients[0]) and one.verdict != 'returned'
    }
    # Some attempts make a field that cannot be read.
    reasons.discard(Reason.MALFORMED.value)
    assert reasons == ({siege.reason.value} if siege.reason else set())
    testbed.check_shunted()


# The last one: a name that had no answer is not asked for again for a minute.
def test_post_is_held_while_dns_is_down(testbed, mix, posted):
    testbed.servers.pop(NAME_SERVER).stop()
    message_id = testbed.send_post(OWN_TENANT)
    result = outcome_of(testbed, message_id, 'tenant, DNS is down')
    assert result.reason == Reason.DKIM_DNS_FAILURE.value
    assert result.outcome is Outcome.HELD
