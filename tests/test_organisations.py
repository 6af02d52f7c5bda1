# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two organisations on one Mailman, which runs: each has servers of its own."""

import pytest

from dev.demo.routes import received
from dev.site.mailman import MailmanSite
from dev.site.outcomes import Outcome
from dev.site.posts import make_post, SENDER
from tests.conftest import section


pytestmark = pytest.mark.mailman

SECTION = section('configuration: {directory}/trusted.cfg')
FILE = """\
[trustedserver]
# The relay of the hosting provider.
trusted_local_servers: 127.0.0.1 192.0.2.3

[domain:one.example]
trusted_remote_servers: 198.51.100.1

[domain:two.example]
trusted_remote_servers: 203.0.113.1

[list:open@two.example]
trusted_remote_servers: 203.0.113.1 203.0.113.2
"""
ONE, TWO, OPEN = 'staff@one.example', 'staff@two.example', 'open@two.example'
LISTS = (ONE, TWO, OPEN)
# Who may post where without moderation.
SERVERS = {
    '198.51.100.1': (ONE,),
    '203.0.113.1': (TWO, OPEN),
    '203.0.113.2': (OPEN,),
    '192.0.2.66': (),
}


def fields(*peers):
    """A route from the first of these to the Mailman host."""
    names = [f'h{peer.replace(".", "-")}.example' for peer in peers]
    hops = zip(names, peers, [*names[1:], 'lists.example'])
    return [received(name, name, peer, by) for name, peer, by in reversed([*hops])]


@pytest.fixture(scope='module')
def outcomes():
    """What became of a post through each server to each list, by both."""
    routes = {
        # The user's program is before each outgoing server.
        (server, relayed, to): fields('100.64.0.9', server, *['192.0.2.3'] * relayed)
        for server in SERVERS
        for relayed in (False, True)
        for to in LISTS
    }
    # The other's outgoing server before one's own is no user of it.
    for own, other, to in (
        ('198.51.100.1', '203.0.113.1', ONE),
        ('203.0.113.1', '198.51.100.1', TWO),
    ):
        routes[f'{other} before', own, to] = fields('100.64.0.9', other, own)
    with MailmanSite(SECTION, {'trusted.cfg': FILE}) as site:
        for address in LISTS:
            site.create_list(address)
        site.mailman('trustedserver', 'enable', *LISTS)
        names = {}
        for number, (route, hops) in enumerate(routes.items()):
            names[route] = f'<{number}@example.org>'
            to = route[2]
            site.post(to, make_post(hops, to=to, message_id=names[route]), SENDER)
        found = site.wait_for(names.values())
        return {route: found[name] for route, name in names.items()}


@pytest.mark.parametrize('to', LISTS)
@pytest.mark.parametrize('relayed', [False, True], ids=['directly', 'by the relay'])
@pytest.mark.parametrize('server', SERVERS)
def test_server_is_trusted_for_the_lists_of_its_own_organisation_only(
    outcomes, server, relayed, to
):
    expected = Outcome.DELIVERED if to in SERVERS[server] else Outcome.HELD
    assert outcomes[server, relayed, to] is expected


def test_server_of_the_other_is_no_user_of_ones_own(outcomes):
    assert [
        outcome for route, outcome in outcomes.items() if 'before' in str(route[0])
    ] == [Outcome.HELD, Outcome.HELD]
