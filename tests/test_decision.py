# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is decided on a post, and what stands in the way of it."""

import pytest

from dev.site.posts import make_post
from mailman_trustedserver import decide, Header, parse_settings, Reason
from mailman_trustedserver.decision import Obstacle, obstacles
from mailman_trustedserver.names import CHAIN, DEFAULT_CHAIN
from mailman_trustedserver.scopes import Configuration
from mailman_trustedserver.settings import MailingList
from tests.test_policy import hop, MUA, OUT, RELAY, UNKNOWN


def settings(**keys):
    lists = {'trusted_local_servers': RELAY, 'trusted_remote_servers': OUT}
    return parse_settings({**lists, **keys}, 'mailman.cfg', 'plugin.trustedserver')


def mlist(chain=CHAIN, action='hold'):
    return MailingList('staff.example.com', 'staff@example.com', chain, action)


GOOD = Header.parse(make_post([hop(RELAY), hop(OUT), hop(MUA)]))
BAD = Header.parse(make_post([hop(UNKNOWN)]))


@pytest.mark.parametrize(
    ('chain', 'action', 'mode', 'found'),
    [
        (CHAIN, 'hold', 'enforce', []),
        (CHAIN, 'hold', 'observe', ['observe']),
        (CHAIN, 'reject', 'enforce', ['nonmember-action']),
        (CHAIN, 'accept', 'observe', ['nonmember-action', 'observe']),
        (DEFAULT_CHAIN, 'hold', 'enforce', ['posting-chain']),
        (
            'accept',
            'defer',
            'observe',
            ['posting-chain', 'nonmember-action', 'observe'],
        ),
    ],
)
def test_every_obstacle_is_named_the_first_to_be_mended_first(
    chain, action, mode, found
):
    in_force = settings(mode=mode)
    assert [one.value for one in obstacles(mlist(chain, action), in_force)] == found
    decision = decide(GOOD, in_force, mlist(chain, action))
    assert [one.value for one in decision.obstacles] == found
    # The rule knows nothing of the chain that asks it.
    assert decision.bypasses is (set(found) <= {'posting-chain'})
    assert decision.observed is (found[-1:] == ['observe'] and action == 'hold')
    assert not decide(BAD, in_force, mlist(chain, action)).bypasses


@pytest.mark.parametrize('missing', [Reason.NOT_ENABLED, Reason.CONFIGURATION_ERROR])
def test_without_settings_nothing_is_trusted_and_the_route_is_kept(missing):
    decision = decide(BAD, missing, mlist())
    assert not decision.bypasses
    assert decision.settings is None
    assert decision.verdict.reason is missing
    assert decision.verdict.route is Reason.UNLISTED_PEER
    assert obstacles(mlist(DEFAULT_CHAIN), missing) == (Obstacle.POSTING_CHAIN,)


def test_route_alone_meets_no_obstacle():
    decision = decide(GOOD, settings(mode='observe'))
    assert decision.obstacles == ()
    assert decision.mlist is None
    assert decision.bypasses


def test_usenet_article_is_not_trusted():
    decision = decide(GOOD, settings(), mlist(), usenet=True)
    assert decision.verdict.reason is Reason.USENET
    assert not decision.bypasses


def test_obstacle_is_described_with_the_values_of_the_list():
    one = mlist('accept', 'reject')
    assert [obstacle.describe(one) for obstacle in Obstacle] == [
        'it is on accept',
        'default_nonmember_action is reject',
        'the mode is observe',
    ]


def test_every_list_has_the_settings_of_the_site():
    configuration = Configuration(settings())
    assert configuration.for_list(mlist()) == settings()
