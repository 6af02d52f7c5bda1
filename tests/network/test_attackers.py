# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that an attacker sends is trusted, shunted or lost."""

import pytest

from dev.site.outcomes import Outcome
from tests.network import report
from tests.network.attacks import attack, attempts, ENDS, Ident, smuggle, SUBJECTS
from tests.network.hosts import MAILMAN, OUT, RELAY
from tests.network.routes import AUTH, STAFF
from tests.network.testbed import list_id_of, make_certificate


pytestmark = pytest.mark.network

# Courier hands this sender on without the quotes that it needs, Postfix refuses
# it, and Courier takes no more mail for the lists for a while.
STOPPING = {('courier', 'x=[192.168.10.1]@example.org')}

# The lists of both sites, so that each attempt meets both proofs of submission.
RECIPIENTS = (STAFF, f'staff@{AUTH}')


@pytest.fixture(scope='session')
def ident(testbed):
    """The attacker's ident server."""
    ident = Ident(testbed.network)
    yield ident
    ident.stop()


@pytest.fixture(scope='session')
def certificates(testbed):
    """The attacker's client certificates."""
    for number, subject in enumerate(SUBJECTS):
        make_certificate(testbed.layers, testbed.directory, str(number), subject)
    return [str(testbed.directory / str(number)) for number in range(len(SUBJECTS))]


@pytest.mark.parametrize('server', [OUT, RELAY, MAILMAN], ids=lambda host: host.name)
def test_hostile_message_is_held_or_refused(
    testbed, mix, good_fields, ident, certificates, server
):
    if server not in mix.attacked:
        pytest.skip('another mix has this software in this part')
    software = testbed.servers[server].software
    tried = [
        one
        for one in attempts(good_fields, certificates)
        if (software, one.mail_from) not in STOPPING
    ]
    ids = [attack(testbed.network, ident, server, RECIPIENTS, one) for one in tried]
    accepted = {one: name for one, name in zip(ids, tried) if one is not None}
    found = testbed.results((one, RECIPIENTS) for one in accepted)
    returned = {key[0] for key, one in found.items() if one.verdict == 'returned'}
    trusted = {key[0] for key, one in found.items() if one.verdict == 'trusted'}
    counts = [len(one) for one in (tried, accepted, returned, trusted)]
    report.attacked(software, server.name, counts)
    if software == 'courier' and server is not OUT:
        # It asks for ident; what is answered must have come into its fields.
        assert any('ident' in attempt.name for attempt in accepted.values())
    # An outgoing server takes nothing from those who do not log in.
    assert server is not OUT or not accepted
    wrong = {
        (accepted[key[0]].name, str(one))
        for key, one in found.items()
        if key[0] not in returned
        and (one.outcome is not Outcome.HELD or one.verdict != 'not-trusted')
    }
    assert not wrong
    assert testbed.single_hop.shunted() == testbed.auth.shunted() == 0


def test_smuggled_message_is_not_trusted(testbed, mix, good_fields):
    # If Mailman's host made two messages of what the relay took for one, the
    # second would come from the relay, and all its lower fields be attested.
    if not {RELAY, MAILMAN} & set(mix.attacked):
        pytest.skip('another mix has this software on the relay and before Mailman')
    pairs = [
        smuggle(testbed.network, RELAY, STAFF, good_fields[1:], end) for end in ENDS
    ]
    first = testbed.results((one, [STAFF]) for one, _ in pairs if one)
    assert {one.outcome for one in first.values()} <= {Outcome.HELD}
    # The second of a pair may not exist; it would take the same time.
    second = testbed.results(((one, [STAFF]) for _, one in pairs), seconds=3)
    for end, (outer, inner) in zip(ENDS, pairs):
        result = second[inner, list_id_of(STAFF)]
        report.smuggled(str(mix), end, outer is not None, result)
    assert not [one for one in second.values() if one.verdict == 'trusted']
    assert not [one for one in second.values() if one.outcome is Outcome.DELIVERED]
