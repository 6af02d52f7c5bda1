# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a trusted post bypasses: the decisions of moderation, and nothing else.

The table in docs/bypass.md is what a real Mailman made of a post in each
situation.  `make bypass-table` renews it.
"""

import copy
import itertools
import pytest

from dataclasses import dataclass
from dev.site.posts import CONFIGURATION, ROOT, SENDER
from tests.conftest import (
    assert_documented,
    BAD,
    CHAIN,
    DEFAULT_CHAIN,
    GOOD,
    list_on_the_chain,
    make_message,
)
from tests.test_chain import (
    CASES,
    links_of,
    match_header,
    MODERATION,
    process,
    recorded,
    RULE,
    subscribe,
    trusted_links,
)


pytestmark = pytest.mark.mailman

DOCUMENT = ROOT / 'docs' / 'bypass.md'

# From the mildest to the strictest.
OUTCOMES = ('accept', 'hold', 'reject', 'discard')
ACTIONS = (*OUTCOMES, 'defer')

# No check hits, or one of those that come after moderation.
NONE = 'none'
LATER = [
    case
    for case in CASES
    if case.outcome == 'hold' and case.link not in ('emergency', 'any')
]
CHECKS = {NONE: CASES[-1], **{case.link: case for case in LATER}}

EVERY_ACTION = 'nonmember_actions: ' + ' '.join(ACTIONS)
KEYS = (
    'moderation_action',
    'member_moderation_action',
    'moderation_sender',
    'moderation_reasons',
)


# Who the sender is, and where the action comes from.


def note_nonmember(mlist, action):
    from mailman.interfaces.member import MemberRole
    from mailman.interfaces.usermanager import IUserManager
    from zope.component import getUtility

    address = getUtility(IUserManager).create_address(SENDER)
    mlist.subscribe(address, MemberRole.nonmember).moderation_action = action


def set_default_member_action(mlist, action):
    mlist.default_member_action = action
    subscribe(mlist, SENDER, None)


def set_default_nonmember_action(mlist, action):
    mlist.default_nonmember_action = action


SENDERS = {
    'member': lambda mlist, action: subscribe(mlist, SENDER, action),
    "member by the list's default": set_default_member_action,
    'nonmember': note_nonmember,
    "nonmember by the list's default": set_default_nonmember_action,
}


# The table.


@dataclass(frozen=True)
class Run:
    """One way through Mailman.

    :ivar chain: The chain that the list is on.
    :ivar fields: The Received fields of the post.
    :ivar configuration: The plugin's section.
    """

    chain: str = CHAIN
    fields: tuple = GOOD
    configuration: str = CONFIGURATION


DEFAULT = 'default chain'
TRUSTED = {
    'trusted': Run(),
    'trusted, every `nonmember_actions`': Run(
        configuration=CONFIGURATION + EVERY_ACTION
    ),
    '… and `bypassed_actions: hold`': Run(
        configuration=f'{CONFIGURATION}{EVERY_ACTION}\nbypassed_actions: hold\n'
    ),
}
NOT_TRUSTED = 'not trusted'
RUNS = {
    DEFAULT: Run(DEFAULT_CHAIN),
    **TRUSTED,
    NOT_TRUSTED: Run(fields=BAD, configuration=CONFIGURATION + EVERY_ACTION),
}

# A good route is of no use under these.
POWERLESS = {
    DEFAULT: RUNS[DEFAULT],
    'observe': Run(configuration=f'{CONFIGURATION}{EVERY_ACTION}\nmode: observe\n'),
    'not configured': Run(configuration=''),
    'nothing bypassed': Run(configuration=CONFIGURATION + 'bypassed_actions:'),
}


def results_of(runs, situation, mailman_layer, configure):
    """The result of each run, by its name, on one new list."""
    from mailman.interfaces.action import Action

    sender, action, check = situation
    with list_on_the_chain(mailman_layer) as mlist:
        # Notices of held posts take half of the time, and decide nothing.
        mlist.admin_immed_notify = mlist.respond_to_post_requests = False
        SENDERS[sender](mlist, Action[action])
        CHECKS[check].arrange(mlist)
        results = {}
        for name, run in runs.items():
            configure(run.configuration)
            msg = make_message(run.fields, **CHECKS[check].headers)
            results[name] = process(mlist, msg, run.chain)
        return results


_situations: dict = {}


@pytest.fixture
def situations(mailman_layer, configure):
    """The results by sender, action and check; they are made once."""
    for situation in itertools.product(SENDERS, ACTIONS, CHECKS):
        if situation not in _situations:
            _situations[situation] = results_of(
                RUNS, situation, mailman_layer, configure
            )
    return _situations


def merge(rows, position):
    """Join rows that differ in one cell alone, in which they get a tuple."""
    merged = {}
    for row in rows:
        others = (*row[:position], *row[position + 1 :])
        merged.setdefault(others, []).append(row[position])
    return [
        (*others[:position], tuple(cells), *others[position:])
        for others, cells in merged.items()
    ]


def print_table(situations):
    """The situations as a table of Markdown, equal rows as one."""
    rows = [
        (action, sender, check, *(results[column].outcome for column in RUNS))
        for (sender, action, check), results in situations.items()
    ]
    names = {
        tuple(CHECKS): 'any or none',
        tuple(case.link for case in LATER): 'any',
        tuple(SENDERS): 'anybody',
    }
    lines = [
        ('action', 'of whom', 'later check that hits', *RUNS),
        ('---',) * (3 + len(RUNS)),
    ]
    merged = merge(merge(rows, 2), 1)
    for action, senders, checks, *outcomes in sorted(
        merged, key=lambda row: ACTIONS.index(row[0])
    ):
        cells = [names.get(cell) or ', '.join(cell) for cell in (senders, checks)]
        lines.append((f'`{action}`', *cells, *outcomes))
    return ''.join(f'| {" | ".join(cells)} |\n' for cells in lines)


def test_every_later_check_of_the_default_chain_is_in_the_table(mlist):
    from mailman.interfaces.chain import LinkAction

    assert [case.link for case in LATER] == [
        link.rule.name
        for link in links_of(DEFAULT_CHAIN, mlist, make_message(GOOD))
        if link.action is LinkAction.defer
    ]


def test_trusted_post_is_never_worse_off_than_on_the_default_chain(situations):
    assert [
        (situation, column)
        for situation, results in situations.items()
        for column in TRUSTED
        if OUTCOMES.index(results[column].outcome)
        > OUTCOMES.index(results[DEFAULT].outcome)
    ] == []


def test_post_that_is_not_trusted_is_as_on_the_default_chain(situations):
    for situation, results in situations.items():
        assert_as_on_the_default_chain(
            results[NOT_TRUSTED], results[DEFAULT], situation
        )


def assert_as_on_the_default_chain(ours, default, situation):
    assert ours.outcome == default.outcome, situation
    assert ours.hits == default.hits, situation
    assert ours.misses == (RULE, *default.misses), situation


@pytest.mark.parametrize('action', ACTIONS)
@pytest.mark.parametrize('sender', SENDERS)
def test_good_route_changes_nothing_where_nothing_is_bypassed(
    mailman_layer, configure, sender, action
):
    situation = (sender, action, NONE)
    results = results_of(POWERLESS, situation, mailman_layer, configure)
    default = results[DEFAULT]
    for name in ('observe', 'not configured'):
        assert_as_on_the_default_chain(results[name], default, name)
    ours = results['nothing bypassed']
    assert ours.outcome == default.outcome
    # The post is trusted all the same, if the list's own action allows it.
    assert set(ours.hits) - {RULE} == set(default.hits)


def test_documented_table_is_what_mailman_did(situations):
    assert_documented(DOCUMENT, '| action |', print_table(situations))


# What the rules decide, and what becomes of it.


def test_both_rules_run_so_that_the_sender_is_noted_as_a_nonmember(mlist):
    assert mlist.nonmembers.get_member(SENDER) is None
    result = process(mlist, make_message(GOOD))
    assert mlist.nonmembers.get_member(SENDER) is not None
    assert result.hits == (RULE,)
    assert set(MODERATION) < set(result.misses)


@pytest.mark.parametrize('sender', ['member', 'nonmember'])
def test_post_that_moderation_accepts_has_both_names_in_its_hits(mlist, sender):
    from mailman.interfaces.action import Action

    SENDERS[sender](mlist, Action.accept)
    msg = make_message(GOOD, subject=None)
    result = process(mlist, msg)
    assert result.outcome == 'accept'
    assert result.hits == (f'{sender}-moderation', RULE)
    assert recorded(msg, 'x-mailman-rule-hits') == [f'{sender}-moderation', RULE]


@pytest.mark.parametrize('sender', ['member', 'nonmember'])
@pytest.mark.parametrize('bypassed', ['hold', 'reject discard', 'hold discard', ''])
@pytest.mark.parametrize('action', OUTCOMES)
def test_only_what_bypassed_actions_names_is_bypassed(
    mlist, configure, sender, bypassed, action
):
    from mailman.interfaces.action import Action

    configure(f'{CONFIGURATION}bypassed_actions: {bypassed}\n')
    SENDERS[sender](mlist, Action[action])
    result = process(mlist, make_message(GOOD))
    if action in bypassed.split():
        assert result.outcome == 'accept'
        assert result.hits == (RULE,)
    else:
        assert result.outcome == action
        assert result.hits == (f'{sender}-moderation', RULE)


@pytest.mark.parametrize('matched', OUTCOMES)
@pytest.mark.parametrize('action', OUTCOMES)
def test_header_match_is_no_stricter_than_the_moderation_that_is_bypassed(
    mlist, action, matched
):
    from mailman.interfaces.action import Action

    match_header(mlist, matched)
    subscribe(mlist, SENDER, Action[action])
    msg = make_message(GOOD, x_spam='yes')
    chains = [
        link.chain.name
        for link in links_of(DEFAULT_CHAIN, mlist, msg)
        if link.chain is not None
    ]
    # Up to Mailman 3.3.9, moderation comes first: what it holds meets no match.
    matched_first = chains.index('header-match') < chains.index('moderation')
    default = process(mlist, make_message(GOOD, x_spam='yes'), DEFAULT_CHAIN)
    assert default.outcome == (matched if matched_first else action)
    trusted = process(mlist, msg)
    assert trusted.outcome == min(matched, default.outcome, key=OUTCOMES.index)
    assert RULE in trusted.hits


def test_moderation_that_a_header_match_brings_back_has_its_own_reasons(mlist):
    from mailman.interfaces.action import Action

    match_header(mlist)
    subscribe(mlist, SENDER, Action.hold)
    results = {
        chain: process(mlist, make_message(GOOD, x_spam='yes'), chain)
        for chain in (DEFAULT_CHAIN, CHAIN)
    }
    assert results[CHAIN].reasons == results[DEFAULT_CHAIN].reasons


def rules_in_place(mlist):
    """What runs in the place of the two rules for a trusted post."""
    return {
        link.rule.name: link.rule
        for link in trusted_links(mlist, make_message(GOOD))
        if link.chain is not None and link.rule.name in MODERATION
    }


EARLIER = {
    'moderation_action': 'defer',
    'member_moderation_action': 'accept',
    'moderation_sender': 'bob@example.org',
    'moderation_reasons': ['An earlier one', ('Header "{}"', 'X')],
}


@pytest.mark.parametrize('sender', ['member', 'nonmember'])
@pytest.mark.parametrize('action', ['hold', 'reject', 'discard'])
@pytest.mark.parametrize(
    'present',
    [(), KEYS, *((key,) for key in KEYS)],
    ids=lambda keys: ' '.join(keys) or 'none',
)
def test_bypass_leaves_msgdata_as_it_was(mlist, sender, action, present):
    from mailman.interfaces.action import Action

    SENDERS[sender](mlist, Action[action])
    before = {**{key: EARLIER[key] for key in present}, 'other': ['kept']}
    msgdata = copy.deepcopy(before)
    rule = rules_in_place(mlist)[f'{sender}-moderation']
    assert rule.check(mlist, make_message(GOOD), msgdata) is False
    assert msgdata == before


def test_what_is_not_bypassed_stays_in_msgdata(mlist):
    from mailman.interfaces.action import Action

    subscribe(mlist, SENDER, Action.accept)
    ours, theirs = copy.deepcopy(EARLIER), copy.deepcopy(EARLIER)
    ours_hit, theirs_hit = (
        rule.check(mlist, make_message(GOOD), msgdata)
        for rule, msgdata in (
            (rules_in_place(mlist)['member-moderation'], ours),
            (registered('member-moderation'), theirs),
        )
    )
    assert ours_hit is theirs_hit is True
    assert ours == theirs
    assert ours['moderation_sender'] == SENDER


@pytest.mark.parametrize('bypassed', ['hold', 'reject'])
def test_decision_without_a_sender_is_an_action(mlist, configure, bypassed):
    configure(f'{CONFIGURATION}bypassed_actions: {bypassed}\n')
    msgdata = {}
    rule = rules_in_place(mlist)['nonmember-moderation']
    hit = rule.check(mlist, make_message(GOOD, sender=None), msgdata)
    assert hit == (bypassed == 'reject')
    assert set(msgdata) == (set(KEYS[1:]) if hit else set())


# Rules that are not Mailman's own.


def registered(name):
    from mailman.config import config

    return config.rules[name]


@pytest.fixture
def put_in_place(mlist, monkeypatch):
    """A function that puts another rule in the place of one of the two."""
    from mailman.config import config
    from mailman.interfaces.rules import IRule
    from zope.interface import implementer

    @implementer(IRule)
    class Rule:
        name = 'greylisting'
        description = 'The rule of another plugin.'
        record = True
        decision = 'hold'

        def check(self, mlist, msg, msgdata):
            if isinstance(self.decision, Exception):
                raise self.decision
            msgdata['member_moderation_action'] = self.decision
            msgdata['moderation_sender'] = msg.sender
            msgdata.setdefault('moderation_reasons', []).append('Because')
            return True

    def put_in_place(place, **members):
        rule = Rule()
        vars(rule).update(members)
        monkeypatch.setitem(config.rules, place, rule)
        # The default chain takes its rules once, when the first post comes.
        monkeypatch.setattr(config.chains[DEFAULT_CHAIN], '_cached_links', None)
        return rule

    return put_in_place


@pytest.mark.parametrize('name', MODERATION)
@pytest.mark.parametrize('record', [True, False])
def test_rule_of_another_name_in_the_place_is_bypassed(
    mlist, put_in_place, name, record
):
    put_in_place(name, record=record)
    default = process(mlist, make_message(GOOD), DEFAULT_CHAIN)
    assert default.outcome == 'hold'
    assert default.hits == (('greylisting',) if record else ())
    result = process(mlist, make_message(GOOD))
    assert result.outcome == 'accept'
    assert result.hits == (RULE,)
    assert ('greylisting' in result.misses) == record


@pytest.mark.parametrize('decision', ['accept', 'discard'])
def test_what_another_rule_decides_takes_its_course_if_not_bypassed(
    mlist, configure, put_in_place, decision
):
    configure(CONFIGURATION + 'bypassed_actions: hold reject\n')
    put_in_place('member-moderation', decision=decision)
    result = process(mlist, make_message(GOOD, subject=None))
    assert result.outcome == decision
    assert result.hits == ('greylisting', RULE)


@pytest.mark.parametrize('name', MODERATION)
def test_rule_that_the_default_chain_kept_is_bypassed(
    mlist, put_in_place, monkeypatch, name
):
    from mailman.config import config
    from mailman.interfaces.action import Action

    SENDERS[name.split('-')[0]](mlist, Action.reject)
    kept = links_of(DEFAULT_CHAIN, mlist, make_message(GOOD))
    put_in_place(name)
    monkeypatch.setattr(config.chains[DEFAULT_CHAIN], '_cached_links', kept)
    assert process(mlist, make_message(BAD)).hits == (name,)
    result = process(mlist, make_message(GOOD))
    assert result.outcome == 'accept'
    assert name in result.misses


def test_rule_that_bears_the_name_is_bypassed_though_it_is_not_registered(
    mlist, put_in_place, monkeypatch
):
    from mailman.config import config

    original = registered('member-moderation')
    put_in_place('member-moderation', name='member-moderation')
    links_of(DEFAULT_CHAIN, mlist, make_message(GOOD))
    monkeypatch.setitem(config.rules, 'member-moderation', original)
    assert process(mlist, make_message(BAD)).hits == ('member-moderation',)
    assert process(mlist, make_message(GOOD)).hits == (RULE,)


def test_same_rule_elsewhere_in_the_chain_is_not_bypassed(mlist, monkeypatch):
    from mailman.chains.base import Link
    from mailman.config import config
    from mailman.interfaces.action import Action
    from mailman.interfaces.chain import LinkAction

    note_nonmember(mlist, Action.hold)
    default = config.chains[DEFAULT_CHAIN]
    for action, chain, outcome in (
        (LinkAction.jump, 'discard', 'discard'),
        # The rule `any` holds it.
        (LinkAction.defer, None, 'hold'),
    ):
        links = [
            Link(link.rule, action, chain)
            if link.rule.name == 'nonmember-moderation'
            else link
            for link in links_of(DEFAULT_CHAIN, mlist, make_message(GOOD))
        ]
        with monkeypatch.context() as patch:
            patch.setattr(default, '_cached_links', links)
            result = process(mlist, make_message(GOOD))
        assert result.outcome == outcome
        assert result.hits == ('nonmember-moderation', RULE)


@pytest.mark.parametrize('decision', [None, [], {}, 7, 'defer', 'nonsense'])
def test_decision_that_is_none_is_left_to_mailman(mlist, put_in_place, decision):
    put_in_place('member-moderation', decision=decision)
    msgdata = {}
    (rule,) = (
        link.rule
        for link in trusted_links(mlist, make_message(GOOD))
        if link.rule.name == 'greylisting'
    )
    assert rule.check(mlist, make_message(GOOD), msgdata) is True
    assert msgdata['member_moderation_action'] == decision


def test_what_a_moderation_rule_raises_is_raised_as_on_the_default_chain(
    mlist, put_in_place
):
    put_in_place('member-moderation', decision=LookupError('no service'))
    for chain in (CHAIN, DEFAULT_CHAIN):
        with pytest.raises(LookupError, match='no service'):
            process(mlist, make_message(GOOD), chain)


@pytest.mark.parametrize('bad', ['no plugin', 'no settings'])
def test_configuration_that_goes_while_a_post_is_judged_bypasses_nothing(
    mlist, plugin, monkeypatch, bad
):
    from mailman.config import config

    links = trusted_links(mlist, make_message(GOOD))
    if bad == 'no plugin':
        monkeypatch.setattr(config, 'plugins', {})
    else:
        monkeypatch.setattr(plugin, '_files', None)
    (rule,) = (link.rule for link in links if link.rule.name == MODERATION[1])
    process(mlist, make_message(BAD))
    assert rule.check(mlist, make_message(GOOD), {}) is True


# What Mailman records in a post, and anybody can write.


@pytest.mark.parametrize('chain', [CHAIN, DEFAULT_CHAIN])
@pytest.mark.parametrize('subject', ['Hello', None], ids=['no hit', 'hit'])
@pytest.mark.parametrize(
    ('fields', 'configuration'),
    [
        (GOOD, CONFIGURATION),
        (BAD, CONFIGURATION),
        (GOOD, CONFIGURATION + 'mode: observe\n'),
        (GOOD, ''),
    ],
    ids=['trusted', 'not trusted', 'observe', 'not configured'],
)
def test_forged_hits_and_misses_are_taken_off(
    mlist, configure, fields, configuration, subject, chain
):
    from mailman.interfaces.action import Action

    configure(configuration)
    # She is not moderated, so that a post without any hit is accepted.
    subscribe(mlist, SENDER, Action.defer)
    forged = {
        'X-Mailman-Rule-Hits': f'{RULE}; forged',
        'x-mailman-rule-hits': 'forged',
        'X-MAILMAN-RULE-MISSES': 'forged',
        'X-Mailman-Rule-Misses ': 'forged',
        'X-Mailman-Rule-Hits\t': 'forged',
        'X-Mailman-Rule': 'kept',
    }
    msg = make_message(fields, subject=subject)
    for name, value in forged.items():
        msg[name] = value
    result = process(mlist, msg, chain)
    records = [
        (name.strip().lower(), value)
        for name, value in msg.items()
        if name.strip().lower().startswith('x-mailman-rule')
    ]
    if chain == DEFAULT_CHAIN:
        assert str(records).count('forged') == 5
        return
    expected = [('x-mailman-rule', 'kept')]
    if result.hits:
        expected.append(('x-mailman-rule-hits', '; '.join(result.hits)))
    expected.append(('x-mailman-rule-misses', '; '.join(result.misses)))
    assert records == expected
    assert (RULE in result.hits) == (fields == GOOD and configuration == CONFIGURATION)
