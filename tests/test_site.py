# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""End to end: a Mailman that was started, posts over LMTP, what came of them."""

import email
import pytest

from dev.demo.__main__ import decisions_in, hand_in, MODERATED
from dev.demo.routes import ROUTES, STRANGERS
from dev.site.mailman import MEMBER
from dev.site.outcomes import Outcome
from dev.site.posts import CONFIGURATION, make_post, ROOT, SENDER
from dev.site.process import wait_until
from tests.conftest import (
    assert_in_manual,
    BAD,
    CHAIN,
    DEFAULT_CHAIN,
    GOOD,
    new_list,
    post_to,
)
from tests.test_chain import recorded, RULE


pytestmark = pytest.mark.mailman

# What no mail server should write, some of it as far as LMTP lets it through.
JUNK = {
    'bytes that are no UTF-8': ['by \udce9\udcff\udc80'],
    'RFC 2047 words': ['=?utf-8?b?ZnJvbSBb?= =?iso-8859-1?q?=E9?='],
    'an RFC 2047 word of no charset': ['=?no-charset?q?=00?='],
    'NUL bytes': ['by \0\0'],
    'odd folds': ['by\n x\n\ty\n  \t z', '\n x'],
    'white space': [' ', ''],
    'a field of 10 MB': ['\n '.join(['x' * 980] * 10_000)],
    'many': ['junk'] * 100_000,
}


def sent(site, data):
    """What Mailman sent to the member of the list."""
    message_id = email.message_from_bytes(data)['message-id']
    return next(
        one.message
        for one in site.sent
        if MEMBER in one.recipients and one.message['message-id'] == message_id
    )


def rest_path(address):
    """The path of a list in REST."""
    return f'/3.1/lists/{address.replace("@", ".")}'


def held(site, address):
    """The entries of the held queue of one list, to which nothing is coming."""
    answer = site.rest('GET', f'{rest_path(address)}/held')
    assert answer['total_size'] == len(answer.get('entries', []))
    return answer.get('entries', [])


def test_every_route_ends_as_it_should(site):
    address = new_list(site)
    posts = [make_post(route.fields, to=address) for route in ROUTES]
    outcomes = dict(
        zip([route.name for route in ROUTES], post_to(site, address, *posts))
    )
    assert outcomes == {
        route.name: Outcome.DELIVERED if route.trusted else Outcome.HELD
        for route in ROUTES
    }
    for route, data in zip(ROUTES, posts):
        if route.trusted:
            message = sent(site, data)
            assert recorded(message, 'x-mailman-rule-hits') == [RULE]
            assert RULE not in recorded(message, 'x-mailman-rule-misses')
    # What is held says which rules missed, the plugin's first.
    for entry in held(site, address):
        message = email.message_from_string(entry['msg'])
        assert recorded(message, 'x-mailman-rule-hits') == ['nonmember-moderation']
        assert recorded(message, 'x-mailman-rule-misses')[0] == RULE


def test_what_speaks_for_strangers_is_held_though_its_route_is_good(site):
    address = new_list(site)
    site.add_member(address.replace('@', '.'), MODERATED, 'hold')
    ids = [f'<stranger-{number}@example.org>' for number, _ in enumerate(STRANGERS)]
    for route, message_id in zip(STRANGERS, ids):
        hand_in(site, route, message_id, address)
    assert site.wait_for(ids) == dict.fromkeys(ids, Outcome.HELD)
    logged = decisions_in(site.vette_log())
    assert [logged[one]['reason'] for one in ids] == [
        'usenet',
        'web-archive',
        'mailing-list',
    ]


@pytest.mark.parametrize(
    ('action', 'outcome'),
    [('reject', Outcome.REJECTED), ('discard', Outcome.DISCARDED)],
)
def test_list_that_is_closed_to_nonmembers_stays_closed(site, action, outcome):
    address = new_list(site, default_nonmember_action=action)
    assert post_to(
        site,
        address,
        make_post(GOOD, to=address),
        make_post(GOOD, to=address, sender=MEMBER),
    ) == [outcome, Outcome.DELIVERED]


def test_trusted_post_is_held_while_emergency_is_on(site):
    address = new_list(site, emergency=True)
    assert post_to(site, address, make_post(GOOD, to=address)) == [Outcome.HELD]


def test_list_off_the_chain_is_as_without_the_plugin(site):
    address = new_list(site, style='legacy-default')
    assert post_to(site, address, make_post(GOOD, to=address)) == [Outcome.HELD]
    assert f'list={address.replace("@", ".")}' not in site.vette_log()


def test_rest_lists_what_there_is(site):
    # With an SQLAlchemy that Mailman does not work with, REST answers 500.
    address = new_list(site)
    post = make_post(BAD, to=address)
    assert post_to(site, address, post) == [Outcome.HELD]
    lists = site.rest('GET', '/3.1/lists')
    assert address in [entry['fqdn_listname'] for entry in lists['entries']]
    assert lists['total_size'] == len(lists['entries'])
    (entry,) = held(site, address)
    assert entry['message_id'] == email.message_from_bytes(post)['message-id']
    assert site.rest('GET', '/3.1/users')['total_size'] > 0


def test_bad_input_is_neither_lost_nor_shunted(site):
    # A notice would have the post in it.
    address = new_list(
        site,
        max_message_size=0,
        admin_immed_notify=False,
        respond_to_post_requests=False,
    )
    posts = {name: make_post(fields, to=address) for name, fields in JUNK.items()}
    for data in posts.values():
        site.post(address, data, SENDER)
    # The log has that Mailman holds a post before that is committed.
    path = f'{rest_path(address)}/held/count'
    wait_until(lambda: site.rest('GET', path)['count'] == len(posts))
    assert site.shunted() == 0
    assert 'Traceback' not in site.logs()
    site.rest('DELETE', rest_path(address))


def test_message_without_a_header_is_held(site):
    address = new_list(site)
    site.post(address, b'\nHello.\n', SENDER)
    # Mailman counts before it lists, and the post may come in between.
    wait_until(lambda: site.rest('GET', f'{rest_path(address)}/held/count')['count'])
    (entry,) = held(site, address)
    assert entry['sender'] == SENDER
    assert site.shunted() == 0


def test_junk_below_a_trusted_route_does_not_keep_the_post_back(site):
    address = new_list(site, max_message_size=0)
    junk = {name: fields for name, fields in JUNK.items() if name != 'many'}
    posts = [make_post([*GOOD, *fields], to=address) for fields in junk.values()]
    outcomes = post_to(site, address, *posts)
    assert dict(zip(junk, outcomes)) == dict.fromkeys(junk, Outcome.DELIVERED)
    assert site.shunted() == 0


# Without the plugin.


@pytest.fixture(scope='module')
def without_plugin(run_site):
    """A Mailman from which the plugin was removed.

    With it come the address of a list that was taken off the chain before,
    and of three that nobody took off.
    """
    site = run_site(CONFIGURATION)
    addresses = [new_list(site) for number in range(4)]
    disabled = site.mailman('trustedserver', 'disable', '--all').stdout
    for address in addresses:
        assert f'{address}: now on {DEFAULT_CHAIN}\n' in disabled
    off, *left = addresses
    # The REST runner may be older than the plugin: it was not restarted.
    enabled = site.mailman('trustedserver', 'enable', '--mailman-is-down', *left).stdout
    assert enabled.count(f': now on {CHAIN}\n') == len(left)
    return run_site('\n'), off, left


def test_posts_go_on_after_the_lists_were_taken_off(without_plugin):
    site, off, left = without_plugin
    assert post_to(
        site, off, make_post(GOOD, to=off, sender=MEMBER), make_post(GOOD, to=off)
    ) == [Outcome.DELIVERED, Outcome.HELD]


def commands_in_manual(*beginnings):
    """What stands after `mailman` in the page's lines that begin so."""
    page = (ROOT / 'docs' / 'operations.md').read_text(encoding='utf-8')
    lines = [line.strip() for line in page.splitlines()]
    return [
        next(line for line in lines if line.startswith(beginning))[len('mailman ') :]
        for beginning in beginnings
    ]


def test_list_that_was_left_on_the_chain_is_recovered(without_plugin):
    site, off, (typed, as_in_manual, _) = without_plugin
    posts = [make_post(GOOD, to=typed, sender=MEMBER), make_post(GOOD, to=typed)]
    others = [make_post(GOOD, to=as_in_manual, sender=MEMBER)]
    # Mailman said 250 to each.
    assert {
        *post_to(site, typed, *posts),
        *post_to(site, as_in_manual, *others),
    } == {Outcome.SHUNTED}
    assert_in_manual("KeyError: 'trusted-server-posting-chain'", site.logs())
    site.mailman(
        'shell', '-l', typed, input=f"m.posting_chain = '{DEFAULT_CHAIN}'\ncommit()\n"
    )
    # As the manual says it, for another list.
    for command in commands_in_manual('mailman shell -l', 'mailman unshunt'):
        site.mailman(*command.replace('staff@lists.example.org', as_in_manual).split())
    # The queue is empty, so that what is settled is settled anew.
    assert site.shunted() == 0
    ids = [email.message_from_bytes(data)['message-id'] for data in [*posts, *others]]
    assert list(site.wait_for(ids).values()) == [
        Outcome.DELIVERED,
        Outcome.HELD,
        Outcome.DELIVERED,
    ]


def test_shunted_posts_are_trusted_once_the_section_is_back(without_plugin, run_site):
    site, off, left = without_plugin
    posts = [make_post(fields, to=left[-1]) for fields in (GOOD, BAD)]
    assert post_to(site, left[-1], *posts) == [Outcome.SHUNTED] * 2
    run_site(CONFIGURATION)
    site.mailman('unshunt')
    ids = [email.message_from_bytes(data)['message-id'] for data in posts]
    assert list(site.wait_for(ids).values()) == [Outcome.DELIVERED, Outcome.HELD]
