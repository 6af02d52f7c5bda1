# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The chain: what a trusted post bypasses, and what it still meets."""

import pytest

from contextlib import suppress
from dataclasses import dataclass, field
from dev.site.posts import CONFIGURATION, LIST, SENDER
from tests.conftest import BAD, CHAIN, DEFAULT_CHAIN, GOOD, make_message
from typing import Callable, Optional


pytestmark = pytest.mark.mailman

RULE = 'trusted-server'
MODERATION = ('member-moderation', 'nonmember-moderation')

# A name that is too long for DNS (RFC 1035 2.3.4), so that the policy of the
# domain is not looked up: Mailman mitigates what it cannot look up.
NOT_IN_DNS = 'alice@' + 'x' * 64 + '.example'


def reject_by_dmarc(mlist):
    from mailman.interfaces.mailinglist import DMARCMitigateAction

    mlist.dmarc_mitigate_action = DMARCMitigateAction.reject


def set_moderator_password(mlist):
    from mailman.config import config

    mlist.moderator_password = config.password_context.encrypt('secret').encode()
    mlist.emergency = True


def ban(mlist):
    from mailman.interfaces.bans import IBanManager

    IBanManager(mlist).ban(SENDER)


def match_header(mlist, chain='discard'):
    from mailman.interfaces.mailinglist import IHeaderMatchList

    IHeaderMatchList(mlist).append('X-Spam', '^yes$', chain)


def set_emergency(mlist):
    mlist.emergency = True


def allow_few_recipients(mlist):
    mlist.max_num_recipients = 2


def allow_small_posts(mlist):
    mlist.max_message_size = 1


def gate_to_moderated_newsgroup(mlist):
    from mailman.interfaces.nntp import NewsgroupModeration

    mlist.newsgroup_moderation = NewsgroupModeration.moderated


def suspect_header(mlist):
    mlist.bounce_matching_headers = 'X-Suspect: yes'


def subscribe(mlist, address, moderation_action):
    from mailman.interfaces.member import MemberRole
    from mailman.interfaces.usermanager import IUserManager
    from zope.component import getUtility

    manager = getUtility(IUserManager)
    subscriber = manager.get_address(address) or manager.create_address(address)
    nonmember = mlist.nonmembers.get_member(address)
    if nonmember is not None:
        nonmember.unsubscribe()
    member = mlist.subscribe(subscriber, MemberRole.member)
    member.moderation_action = moderation_action


@dataclass
class Case:
    """A post that one link of the default chain acts on.

    :ivar link: The rule of the link; for an unconditional link its chain.
    :ivar outcome: What becomes of the post.
    :ivar headers: What `make_message` takes to make the post.
    :ivar arrange: What is set on the list first.
    :ivar hits: The rules that hit; the one of the link if not given.
    """

    link: str
    outcome: str
    headers: dict = field(default_factory=dict)
    arrange: Callable = lambda mlist: None
    hits: Optional[tuple] = None

    def __post_init__(self):
        if self.hits is None:
            self.hits = (self.link,)


# One case for each link whose decision is not bypassed.
CASES = (
    Case('dmarc-mitigation', 'reject', {'sender': NOT_IN_DNS}, reject_by_dmarc),
    Case('no-senders', 'discard', {'sender': None}),
    Case('approved', 'accept', {'approved': 'secret'}, set_moderator_password),
    Case('loop', 'discard', {'list_post': LIST}),
    Case('banned-address', 'discard', arrange=ban),
    Case(
        'header-match',
        'discard',
        {'x_spam': 'yes'},
        match_header,
        ('header-match-staff.example.com-0',),
    ),
    Case('emergency', 'hold', arrange=set_emergency),
    Case('administrivia', 'hold', {'subject': 'unsubscribe'}),
    Case('implicit-dest', 'hold', {'to': 'other@example.com'}),
    Case('max-recipients', 'hold', {'cc': 'other@example.com'}, allow_few_recipients),
    Case('max-size', 'hold', {'body': 'Hello.\n' * 1000}, allow_small_posts),
    Case('news-moderation', 'hold', arrange=gate_to_moderated_newsgroup),
    Case('no-subject', 'hold', {'subject': None}),
    Case('digests', 'hold', {'subject': 'Re: Staff Digest, Vol 1, Issue 2'}),
    Case('suspicious-header', 'hold', {'x_suspect': 'yes'}, suspect_header),
    # The links at the end: hold what any of the above hit, accept the rest.
    Case(
        'any',
        'hold',
        {'subject': None, 'to': 'other@example.com'},
        hits=('implicit-dest', 'no-subject'),
    ),
    Case('accept', 'accept', hits=()),
)
CASE_IDS = [case.link for case in CASES]


@dataclass
class Result:
    """What the chain made of a post."""

    outcome: str
    hits: tuple
    misses: tuple
    reasons: tuple


def process(mlist, msg, chain=CHAIN):
    """Send a post through a chain as the incoming runner does."""
    from mailman.core.chains import process
    from mailman.interfaces.address import ExistingAddressError
    from mailman.interfaces.chain import ChainEvent
    from mailman.interfaces.usermanager import IUserManager
    from mailman.testing.helpers import event_subscribers
    from zope.component import getUtility

    for sender in msg.senders:
        with suppress(ExistingAddressError):
            getUtility(IUserManager).create_address(sender)
    events = []

    def subscriber(event):
        if isinstance(event, ChainEvent):
            events.append(type(event).__name__[: -len('Event')].lower())

    msgdata = {}
    with event_subscribers(subscriber):
        process(mlist, msg, msgdata, start_chain=chain)
    (outcome,) = events
    return Result(
        outcome,
        tuple(msgdata['rule_hits']),
        tuple(msgdata['rule_misses']),
        tuple(msgdata.get('moderation_reasons', ())),
    )


def recorded(msg, header):
    """The rules that a post says it hit, or missed."""
    return (msg[header] or '').split('; ')


def links_of(chain_name, mlist, msg):
    from mailman.config import config

    return list(config.chains[chain_name].get_links(mlist, msg, {}))


def trusted_links(mlist, msg):
    """The links of the chain that a trusted post goes through."""
    _, trusted, *_ = links_of(CHAIN, mlist, msg)
    return list(trusted.chain.get_links(mlist, msg, {}))


def test_every_link_of_the_default_chain_has_a_case(mlist):
    links = [
        link.chain.name if link.rule.name == 'truth' else link.rule.name
        for link in links_of(DEFAULT_CHAIN, mlist, make_message(GOOD))
    ]
    assert sorted(links) == sorted([*CASE_IDS, *MODERATION])


@pytest.mark.parametrize('case', CASES, ids=CASE_IDS)
def test_trusted_post_meets_the_link(mlist, case):
    case.arrange(mlist)
    result = process(mlist, make_message(GOOD, **case.headers))
    assert result.outcome == case.outcome
    assert result.hits == (*case.hits, RULE)


@pytest.mark.parametrize('case', CASES, ids=CASE_IDS)
def test_trusted_post_ends_as_that_of_an_unmoderated_member(mlist, case):
    from mailman.interfaces.action import Action
    from mailman.interfaces.member import MembershipIsBannedError

    case.arrange(mlist)
    trusted = process(mlist, make_message(GOOD, **case.headers))
    sender = case.headers.get('sender', SENDER)
    if sender is not None:
        with suppress(MembershipIsBannedError):
            subscribe(mlist, sender, Action.defer)
    member = process(mlist, make_message(BAD, **case.headers), DEFAULT_CHAIN)
    assert trusted.outcome == member.outcome
    assert [hit for hit in trusted.hits if hit != RULE] == list(member.hits)
    # The moderation rules ran for both, and missed.
    assert trusted.misses == member.misses


@pytest.mark.parametrize('case', CASES, ids=CASE_IDS)
def test_post_that_is_not_trusted_ends_as_on_the_default_chain(mlist, case):
    case.arrange(mlist)
    here = process(mlist, make_message(BAD, **case.headers))
    there = process(mlist, make_message(BAD, **case.headers), DEFAULT_CHAIN)
    assert here.outcome == there.outcome
    assert here.hits == there.hits
    assert here.misses == (RULE, *there.misses)


@pytest.mark.parametrize(('fields', 'outcome'), [(GOOD, 'accept'), (BAD, 'hold')])
def test_nonmember_is_moderated_unless_trusted(mlist, fields, outcome):
    result = process(mlist, make_message(fields))
    assert result.outcome == outcome
    assert ('nonmember-moderation' in result.hits) == (outcome == 'hold')


@pytest.mark.parametrize('action', ['hold', 'reject', 'discard'])
@pytest.mark.parametrize('fields', [GOOD, BAD], ids=['trusted', 'not'])
def test_member_is_moderated_unless_trusted(mlist, fields, action):
    from mailman.interfaces.action import Action

    subscribe(mlist, SENDER, Action[action])
    result = process(mlist, make_message(fields))
    assert result.outcome == ('accept' if fields is GOOD else action)
    assert ('member-moderation' in result.hits) == (fields is BAD)


@pytest.mark.parametrize('action', ['hold', 'reject', 'discard'])
def test_moderation_action_of_one_nonmember_is_bypassed(mlist, action):
    from mailman.interfaces.action import Action

    process(mlist, make_message(BAD))
    mlist.nonmembers.get_member(SENDER).moderation_action = Action[action]
    assert process(mlist, make_message(GOOD)).outcome == 'accept'
    assert process(mlist, make_message(BAD)).outcome == action


def test_trusted_post_is_held_while_emergency_is_on(mlist):
    mlist.emergency = True
    assert process(mlist, make_message(GOOD)).outcome == 'hold'
    mlist.emergency = False
    assert process(mlist, make_message(GOOD)).outcome == 'accept'


@pytest.mark.parametrize(
    'case',
    [case for case in CASES if case.outcome in ('accept', 'hold')],
    ids=lambda case: case.link,
)
def test_trusted_post_says_so_in_its_hits(mlist, case):
    case.arrange(mlist)
    msg = make_message(GOOD, **case.headers)
    process(mlist, msg)
    assert recorded(msg, 'x-mailman-rule-hits') == [*case.hits, RULE]
    assert RULE not in recorded(msg, 'x-mailman-rule-misses')


def test_post_that_is_not_trusted_says_so_in_its_misses(mlist):
    msg = make_message(BAD)
    process(mlist, msg)
    assert RULE not in recorded(msg, 'x-mailman-rule-hits')
    assert recorded(msg, 'x-mailman-rule-misses')[0] == RULE


def test_trusted_links_are_those_of_the_default_chain(mlist):
    from mailman.interfaces.chain import LinkAction

    msg = make_message(GOOD)
    default = links_of(DEFAULT_CHAIN, mlist, msg)
    links = trusted_links(mlist, msg)
    assert len(links) == len(default)
    for ours, theirs in zip(links, default):
        assert ours.rule.name == theirs.rule.name
        assert ours.rule.record == theirs.rule.record
        # Ours runs in the place of each of the two.
        assert (ours.rule is theirs.rule) == (theirs.rule.name not in MODERATION)
        assert ours.action is theirs.action
        assert ours.function is theirs.function
        if theirs.action is LinkAction.jump:
            # The post leaves, by one more chain that records the hit.
            record, leave = ours.chain.get_links(mlist, msg, {})
            assert record.action is LinkAction.run
            assert leave.chain is theirs.chain
        elif theirs.action is LinkAction.detour:
            assert ours.chain.name == theirs.chain.name
        else:
            assert ours is theirs


def test_links_that_mailman_adds_to_its_chain_carry_over(mlist, monkeypatch):
    from mailman.chains.base import Link
    from mailman.config import config
    from mailman.interfaces.chain import LinkAction

    default = config.chains[DEFAULT_CHAIN]
    links = links_of(DEFAULT_CHAIN, mlist, make_message(GOOD))
    links.insert(0, Link('truth', LinkAction.jump, 'discard'))
    monkeypatch.setattr(default, '_cached_links', links)
    assert process(mlist, make_message(GOOD)).outcome == 'discard'


def test_rule_does_not_record_itself(mlist):
    from mailman.config import config

    assert config.rules[RULE].record is False


def test_other_chains_can_use_the_rule_alone(mlist):
    from mailman.config import config

    rule = config.rules[RULE]
    assert rule.check(mlist, make_message(GOOD), {}) is True
    assert rule.check(mlist, make_message(BAD), {}) is False


@pytest.mark.parametrize(
    'nonmember_actions', [None, 'hold reject', 'discard accept defer', '']
)
@pytest.mark.parametrize(
    ('action', 'outcome'),
    [
        ('hold', 'hold'),
        ('reject', 'reject'),
        ('discard', 'discard'),
        ('accept', 'accept'),
        ('defer', 'accept'),
    ],
)
def test_bypass_applies_under_nonmember_actions(
    mlist, configure, nonmember_actions, action, outcome
):
    from mailman.interfaces.action import Action

    if nonmember_actions is not None:
        configure(CONFIGURATION + f'nonmember_actions: {nonmember_actions}\n')
    mlist.default_nonmember_action = Action[action]
    result = process(mlist, make_message(GOOD))
    applies = action in (nonmember_actions or 'hold').split()
    if nonmember_actions == '':
        applies = False
    assert result.outcome == ('accept' if applies else outcome)
    assert (RULE in result.hits) == applies
    assert (RULE in result.misses) == (not applies)


def test_moderated_member_stays_moderated_where_nonmembers_are_rejected(mlist):
    from mailman.interfaces.action import Action

    mlist.default_nonmember_action = Action.reject
    subscribe(mlist, SENDER, Action.hold)
    assert process(mlist, make_message(GOOD)).outcome == 'hold'


def test_trusted_post_goes_through_the_incoming_runner(mlist):
    from mailman.app.lifecycle import create_list
    from mailman.config import config
    from mailman.runners.incoming import IncomingRunner
    from mailman.testing.helpers import (
        get_queue_messages,
        make_testable_runner,
    )

    other = create_list('other@example.com')
    for one in (mlist, other):
        config.switchboards['in'].enqueue(
            make_message(GOOD, to=one.posting_address), listid=one.list_id, to_list=True
        )
    make_testable_runner(IncomingRunner, 'in').run()
    (accepted,) = get_queue_messages('pipeline', expected_count=1)
    assert accepted.msgdata['listid'] == mlist.list_id
    assert accepted.msg['x-mailman-rule-hits'] == RULE
    get_queue_messages('shunt', expected_count=0)
