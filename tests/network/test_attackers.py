# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that an attacker sends is trusted, shunted or lost."""

import pytest

from dev.site.outcomes import Outcome
from tests.network import report
from tests.network.attacks import attempts, besiege, ENDS, smuggle
from tests.network.hosts import MAILMAN, OUT, RELAY
from tests.network.routes import AUTH, STAFF
from tests.network.testbed import list_id_of


pytestmark = pytest.mark.network

# Courier hands this sender on without the quotes that it needs, Postfix refuses
# it, and Courier takes no more mail for the lists for a while.
STOPPING = {('courier', 'x=[192.168.10.1]@example.org')}

# The lists of both sites, so that each attempt meets both proofs of submission.
RECIPIENTS = (STAFF, f'staff@{AUTH}')


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
    harm = besiege(testbed, ident, server, RECIPIENTS, tried)
    report.attacked(software, server.name, harm.counts)
    if software == 'courier' and server is not OUT:
        # It asks for ident; what is answered must have come into its fields.
        assert any('ident' in attempt.name for attempt in harm.accepted.values())
    # An outgoing server takes nothing from those who do not log in.
    assert server is not OUT or not harm.accepted
    assert not harm.wrong
    testbed.check_shunted()


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
