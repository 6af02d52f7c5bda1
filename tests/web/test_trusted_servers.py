# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The chain of a list and the route of a held message, in Postorius."""

import pytest
import re

from dev.demo.routes import PICKUP, received
from dev.site.outcomes import Outcome
from dev.site.posts import CONFIGURATION, make_post, SENDER
from dev.site.process import wait_until
from tests.conftest import (
    BAD,
    CHAIN,
    DEFAULT_CHAIN,
    GOOD,
    post_to,
    put_on_chain,
    section,
)
from tests.web.conftest import (
    chain_of,
    hold,
    list_id,
    make_lists,
    newest_of,
    SECTION,
    set_chain,
    TRY,
    wait_for_held,
)


pytestmark = pytest.mark.web

WHY = 'a.mailman-trustedserver-why'
ROUTE = '.mailman-trustedserver-route > li'
OWNERS = {'superuser', 'owner'}
MODERATORS = OWNERS | {'moderator'}

# A HELO that Haraka lets through.
SCRIPT = '<script>alert(1)</script>'
SCRIPT_FIELD = (
    f'from {SCRIPT} (unknown [203.0.113.66])\n'
    '\tby lists.example.org (Haraka/3.0.3) with ESMTP id 4F12-1.1\n'
    '\tenvelope-from <a@example.com>;\n'
    '\tTue, 1 Sep 2026 10:00:00 +0000'
)


def try_message(browser, address, text, **servers):
    """Ask as a person does what the verdict on a message would be."""
    browser.open_list(address, TRY)
    # As it would be pasted: a tab typed would leave the field.
    area = browser.find('[name=message]')
    browser.driver.execute_script('arguments[0].value = arguments[1]', area, text)
    if servers:
        browser.click('form details summary')
    for key, entries in servers.items():
        browser.find(f'[name={key}]').send_keys(entries)
    browser.submit('[name=message]')
    assert browser.status == 200


def choose(browser, address, chain):
    """Choose the chain as a person does."""
    browser.open_list(address, SECTION)
    browser.find(f'input[name=posting_chain][value={chain}]').click()
    browser.submit('input[name=posting_chain]')


# Choosing the chain.


@pytest.mark.parametrize('name', sorted(OWNERS))
def test_chosen_chain_decides_on_the_next_post(browser, site, lists, name):
    address, _ = lists
    browser.log_in(name)
    choose(browser, address, CHAIN)
    assert 'The settings have been updated.' in browser.text
    assert browser.find(f'input[value={CHAIN}]').is_selected()
    assert chain_of(site, address) == CHAIN
    assert post_to(site, address, make_post(GOOD, to=address)) == [Outcome.DELIVERED]
    assert post_to(site, address, make_post(BAD, to=address)) == [Outcome.HELD]

    choose(browser, address, DEFAULT_CHAIN)
    assert chain_of(site, address) == DEFAULT_CHAIN
    assert post_to(site, address, make_post(GOOD, to=address)) == [Outcome.HELD]


def test_section_shows_what_is_in_force(browser, lists):
    browser.log_in('owner')
    assert browser.open_list(lists[0], SECTION) == 200
    for shown in (
        '192.168.10.5',
        '192.168.10.2',
        'single-hop',
        'The site administrator vouches for two things',
    ):
        assert shown in browser.text
    assert not browser.find_all('.alert')


def test_chain_of_another_kind_is_kept(browser, site, lists):
    address, _ = lists
    put_on_chain(site, address, 'accept')
    browser.log_in('owner')
    browser.open_list(address, SECTION)
    assert browser.find('input[name=posting_chain][value=accept]').is_selected()
    browser.submit('input[name=posting_chain]')
    assert chain_of(site, address) == 'accept'


@pytest.mark.parametrize('chain', [CHAIN, DEFAULT_CHAIN])
def test_chain_of_another_kind_is_replaced_by_name(browser, site, lists, chain):
    address, _ = lists
    put_on_chain(site, address, 'accept')
    browser.log_in('owner')
    browser.open_list(address, SECTION)
    assert 'This list is on the chain accept' in browser.text
    assert browser.text.count('This replaces the chain accept.') == 2
    choose(browser, address, chain)
    assert 'The settings have been updated.' in browser.text
    assert chain_of(site, address) == chain
    assert 'accept.' not in browser.text


def test_chain_that_the_page_did_not_name_is_not_replaced(browser, site, lists):
    address, _ = lists
    browser.log_in('owner')
    browser.open_list(address, SECTION)
    # Somebody puts the list on it while the page is open.
    put_on_chain(site, address, 'accept')
    browser.find(f'input[name=posting_chain][value={CHAIN}]').click()
    browser.submit('input[name=posting_chain]')
    assert 'Mailman left the list as it is' in browser.text
    assert chain_of(site, address) == 'accept'


def test_action_under_which_nothing_is_bypassed_is_told(browser, site, lists):
    address, _ = lists
    path = f'/3.1/lists/{list_id(address)}/config'
    site.rest('PATCH', path, {'default_nonmember_action': 'reject'})
    browser.log_in('owner')
    browser.open_list(address, SECTION)
    assert '“Reject (with notification)”' in browser.find('.alert').text


@pytest.mark.parametrize('chain', ['accept', 'discard', ''])
def test_no_other_chain_can_be_sent(browser, site, lists, chain):
    address, _ = lists
    browser.log_in('owner')
    browser.open_list(address, SECTION)
    browser.send(browser.driver.current_url, {'posting_chain': chain})
    assert chain_of(site, address) == DEFAULT_CHAIN


# Who may see and change what.


@pytest.fixture(scope='module')
def held(web):
    """A list and another owner's, each with the page of a held message."""
    return [(address, hold(web.site, address)) for address in make_lists(web.site)]


@pytest.mark.parametrize('page', [SECTION, TRY, 'held_messages/1/explanation'])
def test_who_has_not_logged_in_is_asked_to(browser, lists, page):
    browser.open_list(lists[0], page)
    assert browser.driver.current_url.startswith(f'{browser.web.url}/accounts/login/')


@pytest.mark.parametrize(
    'number', ['0', '999999999', '9999999999', 'x', '-1', '%D9%A3']
)
def test_message_that_is_not_held_is_not_found(browser, lists, number):
    browser.log_in('owner')
    assert browser.open_list(lists[0], f'held_messages/{number}/explanation') == 404


# Why was it held?


def test_held_message_leads_to_its_explanation(browser, site, lists):
    address, _ = lists
    set_chain(site, address, CHAIN)
    hold(site, address, [GOOD[0], *BAD, *GOOD], subject='Minutes')
    browser.log_in('moderator')
    browser.open_list(address, 'held_messages')
    assert 'not from a list member' in browser.find('table').text
    browser.follow(WHY)
    assert browser.status == 200
    assert 'Minutes' in browser.text
    alert = browser.find('.alert').text
    assert 'from 203.0.113.66, which is on no list.' in alert
    assert 'If you do not know 203.0.113.66, do nothing: it is a stranger.' in alert
    older, boundary, end, relay, mailman = (
        item.text for item in browser.find_all(ROUTE)
    )
    assert '3 older fields' in older
    assert 'Anybody could have written' in boundary
    for shown in (
        '203.0.113.66',
        'x.example.com',
        'on no list',
        'Trust ended here',
    ):
        assert shown in end
    for shown in ('192.168.10.3', 'local server: entry 192.168.10.3', 'ESMTPS'):
        assert shown in relay
    assert mailman == 'Mailman'


def test_explanation_shows_auth_and_the_outgoing_server(browser, site, lists):
    address, _ = lists
    path = hold(site, address, GOOD)
    browser.log_in('owner')
    browser.open_list(address, path)
    assert 'The route is trusted.' in browser.text
    assert 'This list is not on the chain of trusted servers' in browser.text
    program, outgoing, relay, _ = (item.text for item in browser.find_all(ROUTE))
    assert 'authenticated (AUTH)' in program
    assert "the sender's program: need not be listed" in program
    assert 'on no list' not in program
    assert 'outgoing server: entry 192.168.10.1' in outgoing
    assert 'Trust ended here' not in browser.text


def test_trusted_message_that_another_check_held_says_so(browser, site, lists):
    address, _ = lists
    set_chain(site, address, CHAIN)
    site.rest('PATCH', f'/3.1/lists/{list_id(address)}/config', {'emergency': True})
    path = hold(site, address, GOOD)
    browser.log_in('owner')
    browser.open_list(address, path)
    assert 'another check held it' in browser.text


@pytest.mark.parametrize(
    ('fields', 'sentence'),
    [
        ([], 'The message has no Received field.'),
        (['x'], 'could not be read: it is in no form that is known: x'),
        (GOOD[:1], 'came by local servers only'),
        ([*GOOD, *GOOD], 'More than one hop lies before'),
    ],
)
def test_each_reason_is_a_sentence(browser, site, lists, fields, sentence):
    address, _ = lists
    path = hold(site, address, fields)
    browser.log_in('owner')
    assert browser.open_list(address, path) == 200
    assert sentence in browser.find('.alert').text
    assert browser.find_all(ROUTE)


def test_field_that_cannot_be_read_is_shown_as_far_as_it_can(browser, site, lists):
    address, _ = lists
    path = hold(site, address, [GOOD[0].replace('; Tue', f' {SCRIPT}; Tue'), *GOOD])
    browser.log_in('owner')
    browser.open_list(address, path)
    stopped = browser.find('.nearest').text
    assert stopped.startswith('the form Postfix reads it up to here; \u201c;\u201d')
    assert f'<staff@lists.example.org> ◄ {SCRIPT}; Tue, 1 Sep' in stopped
    assert SCRIPT not in browser.driver.page_source


def test_long_names_do_not_widen_the_page_of_a_phone(browser, site, lists):
    address, _ = lists
    path = hold(site, address, [SCRIPT_FIELD.replace(SCRIPT, 'x' * 900)])
    browser.log_in('owner')
    browser.resize(400)
    browser.open_list(address, path)
    wider = 'return document.querySelector("ol").scrollWidth > window.innerWidth'
    assert browser.driver.execute_script(wider) is False


# What was decided when the post came.

THEN = '.mailman-trustedserver-then'


def test_verdict_that_is_still_the_same_is_one_quiet_line(browser, site, lists):
    address, _ = lists
    set_chain(site, address, CHAIN)
    path = hold(site, address)
    browser.log_in('moderator')
    browser.open_list(address, path)
    note = browser.find('.mailman-trustedserver-note').text
    assert 'It was the same when the post came.' in note
    assert not browser.find_all(THEN)


def test_verdict_that_was_not_kept_is_not_told(browser, site, lists):
    address, _ = lists
    # On the default chain, nobody asks the rule.
    path = hold(site, address)
    browser.log_in('moderator')
    browser.open_list(address, path)
    assert 'when the post came' not in browser.text.lower()


def test_settings_of_the_list_may_be_why_the_verdict_is_another(browser, site, lists):
    address, _ = lists
    config = f'/3.1/lists/{list_id(address)}/config'
    set_chain(site, address, CHAIN)
    path = hold(site, address)
    site.rest('PATCH', config, {'default_nonmember_action': 'reject'})
    browser.log_in('moderator')
    browser.open_list(address, path)
    assert browser.find(THEN).text.splitlines() == [
        'When the post came',
        'not trusted: 203.0.113.66 is on no list',
        'Now',
        'switched off by “Default action to take when a non-member posts to the list: '
        'Reject (with notification)”',
    ]
    assert 'The settings of this list were changed in between.' in browser.text
    browser.speak('ja')
    browser.open_list(address, path)
    assert 'その後、このリストの設定が変更されました。' in browser.text


@pytest.fixture
def configure(site):
    """A function that adds lines to the configuration while Mailman runs."""
    path = site.directory / 'mailman.cfg'
    before = path.read_text()

    def configure(text):
        def digest():
            return site.rest('GET', '/3.1/plugins/trustedserver')['digest']

        old = digest()
        path.write_text(before + text)
        wait_until(lambda: digest() != old)

    yield configure
    configure('')


def test_configuration_may_be_why_the_verdict_is_another(
    browser, site, lists, configure
):
    address, _ = lists
    set_chain(site, address, CHAIN)
    path = hold(site, address)
    configure('dedicated_remote_servers: 203.0.113.66\n')
    browser.log_in('moderator')
    browser.open_list(address, path)
    assert 'The route is trusted.' in browser.find('.alert').text
    assert browser.find(THEN).text.splitlines() == [
        'When the post came',
        'not trusted: 203.0.113.66 is on no list',
        'Now',
        'trusted',
    ]
    assert 'The configuration of the plugin was changed in between.' in browser.text
    assert 'another check held it' not in browser.text


# A route is drawn as what it is.

FROM_RELAY = received('relay.example.org', 'x', '192.168.10.3', 'out.example.org')


@pytest.mark.parametrize(
    ('fields', 'words'),
    [
        ([*GOOD, *GOOD], 'at most one hop may lie before the outgoing server'),
        ([*GOOD[:2], FROM_RELAY], 'a user has to hand the message in, and no server'),
    ],
)
def test_proof_that_is_missing_is_marked_where_it_was_to_be(
    browser, site, lists, fields, words
):
    address, _ = lists
    path = hold(site, address, fields)
    browser.log_in('moderator')
    browser.open_list(address, path)
    (mark,) = browser.find_all(f'{ROUTE} .end')
    assert mark.text == f'The proof is missing here: {words}.'
    marked = [one for one in browser.find_all(ROUTE) if words in one.text]
    # The message is handed to the outgoing server there.
    assert 'handed to out.example.org' in marked[0].text
    assert 'Trust ended here' not in browser.text


@pytest.mark.parametrize(
    ('keys', 'words', 'marked'),
    [
        (
            'authenticated_remote_servers: 192.168.10.1',
            'The proof is missing here: the outgoing server has to state',
            'need not be listed',
        ),
        (
            'microsoft_365_servers: 192.168.10.1\nmicrosoft_365_tenants: example.org',
            'The proof is missing here: the header has to state',
            'outgoing server: entry 192.168.10.1 of microsoft_365_servers',
        ),
        (
            'dkim_remote_servers: 192.168.10.1\nsender_domains: example.org',
            'The proof that is needed here is a DKIM signature',
            'outgoing server: entry 192.168.10.1 of dkim_remote_servers',
        ),
    ],
)
def test_each_proof_is_asked_for_in_its_place(
    browser, site, lists, configure, keys, words, marked
):
    address, _ = lists
    field = GOOD[2].replace('ESMTPSA', 'ESMTPS')
    fields = [*GOOD[:2], field.replace('(Authenticated sender: alice)\n\t', '')]
    path = hold(site, address, fields)
    configure(f'trusted_remote_servers:\n{keys}\n')
    browser.log_in('moderator')
    browser.open_list(address, path)
    (mark,) = browser.find_all(f'{ROUTE} .end')
    assert words in mark.text
    (hop,) = [one for one in browser.find_all(ROUTE) if words in one.text]
    assert marked in hop.text
    assert 'on no list' not in browser.text


def test_setting_that_decides_is_named_and_the_route_is_good(browser, site, lists):
    address, _ = lists
    config = f'/3.1/lists/{list_id(address)}/config'
    path = hold(site, address, GOOD)
    site.rest('PATCH', config, {'default_nonmember_action': 'accept'})
    setting = (
        'Default action to take when a non-member posts to the list is '
        'Accept immediately (bypass other rules).'
    )
    for name in ('moderator', 'owner'):
        browser.log_in(name)
        browser.open_list(address, path)
        alert = browser.find('.alert').text
        assert f'The settings of this list switch it off: {setting}' in alert
        assert 'if it is: Hold for moderation' in alert
        assert 'The route itself is trusted.' in alert
        assert 'Trust ended here' not in browser.text
        program = browser.find(ROUTE).text
        assert "the sender's program: need not be listed" in program
        browser.open_list(address, 'held_messages')
        assert browser.find(WHY).text.startswith('switched off by “Default action')
    browser.open_list(address, path)
    browser.follow('.alert a')
    assert browser.status == 200
    assert browser.driver.current_url.endswith('/settings/message_acceptance')


def test_moderator_has_no_link_into_the_settings(browser, site, lists):
    address, _ = lists
    config = f'/3.1/lists/{list_id(address)}/config'
    path = hold(site, address, GOOD)
    site.rest('PATCH', config, {'default_nonmember_action': 'accept'})
    browser.log_in('moderator')
    browser.open_list(address, path)
    assert not browser.find_all('.alert a')


def test_message_of_a_stranger_is_said_to_be_one(browser, site, lists):
    address, _ = lists
    path = hold(site, address, GOOD, auto_submitted='auto-replied')
    browser.log_in('owner')
    browser.open_list(address, path)
    alert = browser.find('.alert').text
    assert 'The message speaks for a stranger. The message is an automatic' in alert
    assert 'The route itself is trusted.' in alert
    assert 'Trust ended here' not in browser.text


def test_many_hops_are_folded_and_what_is_not_read_may_matter(browser, site, lists):
    address, _ = lists
    relays = [
        received(f'relay{n}.example.org', 'unknown', '192.168.10.3', 'x.example.org')
        for n in range(102)
    ]
    path = hold(site, address, relays)
    browser.log_in('owner')
    browser.open_list(address, path)
    assert '2 older fields were not read.' in browser.text
    assert 'nothing' not in browser.find(ROUTE).text
    assert 'Anybody could have written' not in browser.text
    assert '88 more hops' in browser.text
    # Those that are folded are there.
    assert len(browser.find_all(f'{ROUTE} li .peer')) == 88
    assert len([one for one in browser.find_all('.peer') if one.is_displayed()]) == 12


def test_field_that_cannot_be_read_is_shown_with_who_wrote_it(browser, site, lists):
    address, _ = lists
    broken = GOOD[1].replace(' (Postfix)', f' {SCRIPT} (Postfix)')
    path = hold(site, address, [GOOD[0], broken])
    browser.log_in('moderator')
    browser.open_list(address, path)
    hop = browser.find('.unlisted').text
    assert 'The server 192.168.10.3 wrote it.' in hop
    # Open, on the lines that it has.
    lines = browser.find('.unlisted pre').text.splitlines()
    assert lines[0] == broken.splitlines()[0]
    assert any(SCRIPT in line for line in lines[1:])
    assert SCRIPT not in browser.driver.page_source
    assert not browser.find('.trusted pre').is_displayed()


def test_host_that_handed_the_message_to_itself_is_no_warning(browser, site, lists):
    address, _ = lists
    path = hold(site, address, [*GOOD[:2], PICKUP])
    browser.log_in('owner')
    browser.open_list(address, path)
    assert 'The route is trusted.' in browser.text
    assert 'The same host' in browser.find(f'{ROUTE}.sender').text
    assert not browser.find_all(f'{ROUTE}.unlisted')


def test_newest_field_was_written_by_the_mailman_host(browser, site, lists):
    address, _ = lists
    path = hold(site, address, ['from x by y'])
    browser.log_in('moderator')
    browser.open_list(address, path)
    assert 'The server of the Mailman host wrote it.' in browser.text


def test_each_hop_has_its_time_and_how_long_it_took(browser, site, lists):
    address, _ = lists
    relay, outgoing, program = GOOD
    relay = relay.replace('10:00:00', '10:05:00')
    program = program.replace('10:00:00', '10:00:03')
    path = hold(site, address, [relay, outgoing, program])
    browser.log_in('owner')
    browser.open_list(address, path)
    program, outgoing, relay, _ = (item.text for item in browser.find_all(ROUTE))
    assert '10 a.m.' in program
    assert '3 s before the hop before it: the clocks differ' in outgoing
    assert '5 min later' in relay


# The list of held messages.


def test_verdict_stands_in_the_list_and_in_the_dialogue(browser, site, lists):
    address, _ = lists
    set_chain(site, address, CHAIN)
    site.rest('PATCH', f'/3.1/lists/{list_id(address)}/config', {'emergency': True})
    hold(site, address, GOOD, subject='Good')
    post = make_post(BAD, to=address, subject='Bad')
    assert post_to(site, address, post) == [Outcome.HELD]
    browser.log_in('moderator')
    browser.open_list(address, 'held_messages')
    verdicts = ['trusted', 'not trusted: 203.0.113.66 is on no list']
    assert [one.text for one in browser.find_all(f'td {WHY}')] == verdicts
    for number in (1, 0, 1):
        browser.find_all('.show-modal-btn')[number].click()
        wait_until(lambda: browser.find_all(f'.modal.show {WHY}'))
        assert [
            one.get_attribute('textContent')
            for one in browser.find_all(f'#held-messages-modal {WHY}')
        ] == [verdicts[number]]
        wait_until(lambda: is_hidden(browser, '#held-messages-modal'))


def is_hidden(browser, selector):
    """Whether a dialogue is gone; while it still opens, it cannot be closed."""
    browser.driver.execute_script('$(arguments[0]).modal("hide")', selector)
    return not browser.find(selector).is_displayed()


@pytest.mark.parametrize(('held', 'below'), [(False, 'p'), (True, 'form')])
def test_filter_stands_below_the_heading(browser, site, lists, held, below):
    address, _ = lists
    if held:
        hold(site, address)
    browser.log_in('moderator')
    browser.open_list(address, 'held_messages')
    parts = browser.find_all('h2, .mailman-trustedserver-filter, form, p')
    names = [one.tag_name for one in parts]
    number = names.index('nav')
    assert 'h2' in names[:number]
    assert names[number + 1] == below


def test_list_is_filtered_by_the_verdict_and_kept_in_its_place(browser, site, lists):
    address, _ = lists
    posts = [
        make_post(fields, to=address, subject=f'Post {number}')
        for number, fields in enumerate((BAD, GOOD, BAD, GOOD, BAD))
    ]
    post_to(site, address, *posts)
    browser.log_in('moderator')
    browser.open_list(address, 'held_messages')
    assert len(browser.find_all('tbody tr')) == 5
    browser.follow('a[href="?verdict=trusted"]')
    assert [one.text for one in browser.find_all('.show-modal-btn')] == [
        'Post 1',
        'Post 3',
    ]
    browser.open_list(address, 'held_messages?verdict=not-trusted&count=2&page=2')
    assert [one.text for one in browser.find_all('.show-modal-btn')] == ['Post 4']
    browser.follow(WHY)
    browser.follow('.mailman-trustedserver > p > a')
    assert [one.text for one in browser.find_all('.show-modal-btn')] == ['Post 4']


@pytest.mark.parametrize('query', ['verdict=x', 'page=x&count=y', 'page=%22%3E'])
def test_query_that_makes_no_sense_is_left_out(browser, site, lists, query):
    address, _ = lists
    path = hold(site, address)
    browser.log_in('moderator')
    assert browser.open_list(address, f'{path}?{query}') == 200
    back = browser.driver.find_element('link text', 'Back to the held messages')
    assert back.get_attribute('href').endswith('/held_messages')
    assert browser.open_list(address, f'held_messages?{query}') == 200
    assert browser.find_all(WHY)


# Deciding where the route is shown.


@pytest.mark.parametrize('action', ['accept', 'reject', 'discard'])
def test_message_is_decided_on_where_its_route_is_shown(browser, site, lists, action):
    address, _ = lists
    path = hold(site, address)
    browser.log_in('moderator')
    browser.open_list(address, path)
    browser.follow(f'.mailman-trustedserver-decide [name={action}]')
    assert f'The message was {action}ed' in browser.text
    assert browser.driver.current_url.endswith('/held_messages')
    assert browser.open_list(address, path) == 404


def test_decision_without_its_token_decides_nothing(browser, site, lists):
    address, _ = lists
    path = hold(site, address)
    browser.log_in('moderator')
    browser.open_list(address, path)
    url = browser.find('.mailman-trustedserver-decide').get_attribute('action')
    number = browser.find('[name=msgid]').get_attribute('value')
    data = {'msgid': number, 'accept': '1'}
    assert browser.send(url, data, token=False) == 403
    assert browser.open_list(address, path) == 200
    for name in ('member', 'other-owner'):
        browser.log_in(name)
        browser.open('/postorius/lists/')
        assert browser.send(url, data) == 403


@pytest.mark.parametrize('name', sorted(MODERATORS))
def test_only_a_superuser_is_told_which_line_lists_an_address(
    browser, site, lists, name
):
    address, _ = lists
    helo = BAD[0].replace('x.example.com', 'trusted_remote_servers')
    path = hold(site, address, [helo], subject='trusted_remote_servers: x')
    browser.log_in(name)
    browser.open_list(address, path)
    alert = browser.find('.alert')
    told = alert.get_attribute('textContent')
    if name == 'superuser':
        assert 'servers:' not in alert.text
        alert.find_element('tag name', 'summary').click()
        keys = [one.text for one in alert.find_elements('css selector', 'dt')]
        assert keys == [
            'authenticated_remote_servers: 203.0.113.66',
            'trusted_remote_servers: 203.0.113.66',
            'dedicated_remote_servers: 203.0.113.66',
            'trusted_local_servers: 203.0.113.66',
        ]
    else:
        assert 'remote_servers' not in told
        text = alert.find_element('tag name', 'textarea').get_attribute('value')
        assert text.split() == [
            address,
            '203.0.113.66',
            f'{browser.web.url}/postorius/lists/{list_id(address)}/{path}',
        ]


def test_equal_hops_are_folded(browser, site, lists):
    address, _ = lists
    path = hold(site, address, [GOOD[0], *[GOOD[1]] * 4, *BAD])
    browser.log_in('owner')
    browser.open_list(address, path)
    shown = [one.text.split()[0] for one in browser.find_all(f'{ROUTE} .peer')]
    assert shown == ['203.0.113.66', '192.168.10.1', '192.168.10.3']
    (equal,) = (
        one
        for one in browser.find_all(f'{ROUTE} > details')
        if one.text == '3 more hops like this one'
    )
    browser.driver.execute_script('arguments[0].open = true', equal)
    assert equal.text.count('from out.example.org') == 3


# Trying a message, and the sign on the page of the list.


@pytest.mark.parametrize(
    ('text', 'sentence'),
    [
        (make_post(GOOD).decode(), 'The route is trusted.'),
        (make_post(BAD).decode().partition('\n\n')[0], 'which is on no list'),
        (BAD[0], 'which is on no list'),
        (SCRIPT, 'could not be read'),
        ('X-Spam: yes\n\nHello', 'This is no message'),
    ],
)
def test_verdict_on_any_message_can_be_tried(browser, site, lists, text, sentence):
    address, _ = lists
    set_chain(site, address, CHAIN)
    browser.log_in('owner')
    try_message(browser, address, text)
    assert sentence in browser.find('.alert').text
    assert SCRIPT not in browser.driver.page_source
    area = browser.find('[name=message]')
    assert area.get_attribute('value').splitlines() == text.splitlines()
    assert site.rest('GET', f'/3.1/lists/{list_id(address)}/held')['total_size'] == 0


@pytest.mark.parametrize(
    ('data', 'sentence', 'shown'),
    [
        (make_post(GOOD), 'The route is trusted.', True),
        (
            b'From a@example.org Tue Sep  1 10:00:00 2026\n' + make_post(GOOD),
            'The route is trusted.',
            True,
        ),
        (make_post(BAD).replace(b'\n', b'\r\n'), 'which is on no list', True),
        (make_post(BAD, subject='\udcff'), 'which is on no list', False),
        (b'\xff\x00', 'could not be read', False),
    ],
)
def test_verdict_on_a_file_can_be_tried(
    browser, lists, tmp_path, data, sentence, shown
):
    address, _ = lists
    (tmp_path / 'post.eml').write_bytes(data)
    browser.log_in('owner')
    browser.open_list(address, TRY)
    browser.find('[name=file]').send_keys(str(tmp_path / 'post.eml'))
    browser.submit('[name=message]')
    assert sentence in browser.find('.alert').text
    # It can be tried again, with a server as if it were listed.
    header = browser.find('[name=message]').get_attribute('value')
    assert bool(header) is shown
    assert 'Hello.' not in header


# Servers as if they were listed, what each was taken as, and the verdict.
SUPPOSED = [
    (
        {'trusted_remote_servers': '203.0.113.66'},
        ['trusted_remote_servers: 203.0.113.66'],
        'The route is trusted.',
    ),
    (
        {'authenticated_remote_servers': '::ffff:203.0.113.66'},
        ['authenticated_remote_servers: 203.0.113.66'],
        'does not state that the sender authenticated',
    ),
    (
        {'trusted_local_servers': '203.0.113.0/24 198.51.100.1'},
        [
            'trusted_local_servers: 203.0.113.0/24',
            'trusted_local_servers: 198.51.100.1',
        ],
        'The route is not trusted.',
    ),
]


@pytest.mark.parametrize(('servers', 'taken', 'sentence'), SUPPOSED)
def test_server_can_be_taken_as_listed(browser, lists, servers, taken, sentence):
    address, _ = lists
    browser.log_in('owner')
    try_message(browser, address, make_post(BAD).decode(), **servers)
    alert = browser.find('.alert')
    entries = alert.find_elements('css selector', 'li code')
    assert [one.text for one in entries] == taken
    assert sentence in alert.text
    assert 'the configuration, which they are not' in alert.text
    assert 'This is the verdict of the configuration' not in alert.text
    for key, value in servers.items():
        field = browser.find(f'[name={key}]')
        assert field.is_displayed()
        assert field.get_attribute('value') == value
        field.clear()
    browser.submit('[name=message]')
    assert 'which is on no list' in browser.find('.alert').text


@pytest.mark.parametrize(
    ('text', 'servers', 'sentence'),
    [
        ('x', {'trusted_local_servers': '^192'}, 'is an exclusion or a regular'),
        ('x', {'trusted_local_servers': '192.0.2.1,'}, 'no commas, quotes or brackets'),
        ('x', {'dedicated_remote_servers': '192.0.2.1/24'}, 'write 192.0.2.0/24'),
        ('x', {'trusted_local_servers': '192.0.2.1 ' * 11}, '11 entries are too many'),
        ('x' * 1_048_577, {}, 'It has more than 1048576 octets'),
        ('X: \x00', {}, 'Null characters are not allowed'),
        ('', {}, 'Give a message, or its header.'),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_cannot_be_tried_is_said_where_it_stands(
    browser, lists, text, servers, sentence
):
    address, _ = lists
    browser.log_in('owner')
    try_message(browser, address, text, **servers)
    (alert,) = browser.find_all('form .alert-danger')
    assert sentence in alert.text
    assert not browser.find_all('.mailman-trustedserver-route')


def test_file_that_is_too_long_is_not_tried(browser, lists, tmp_path):
    address, _ = lists
    (tmp_path / 'post.eml').write_bytes(b'x' * 1_048_577)
    browser.log_in('owner')
    browser.open_list(address, TRY)
    browser.find('[name=file]').send_keys(str(tmp_path / 'post.eml'))
    browser.submit('[name=message]')
    assert 'the header alone will do' in browser.find('form .alert-danger').text


@pytest.mark.parametrize('name', sorted(MODERATORS))
def test_those_who_may_change_the_settings_may_try_messages(browser, lists, name):
    address, _ = lists
    browser.log_in(name)
    browser.open_list(address, 'held_messages')
    links = browser.find_all('.mailman-trustedserver-filter [href$="/try"]')
    assert bool(links) is (name in OWNERS)


# The text of a message, by Postorius' own call.

TEXT = '.mailman-trustedserver-text'


def test_text_of_a_message_is_read_where_it_is_decided_on(browser, site, lists):
    address, _ = lists
    path = hold(site, address, body=f'Hello {SCRIPT}\n')
    browser.log_in('moderator')
    browser.open_list(address, path)
    assert not browser.find(f'{TEXT} pre').is_displayed()
    browser.click(f'{TEXT} summary')
    wait_until(lambda: browser.find(f'{TEXT} pre').text == f'Hello {SCRIPT}')
    browser.follow(f'{TEXT} a')
    assert 'Received: from' in browser.driver.page_source


def test_text_that_does_not_come_is_said_to_be_missing(browser, site, lists):
    address, _ = lists
    browser.log_in('moderator')
    browser.open_list(address, hold(site, address))
    script = f'document.querySelector("{TEXT}").dataset.url = "/nowhere"'
    browser.driver.execute_script(script)
    browser.click(f'{TEXT} summary')
    gone = 'The message could not be retrieved.'
    wait_until(lambda: browser.find(f'{TEXT} pre').text == gone)


@pytest.mark.parametrize('name', [*sorted(MODERATORS), 'member', None])
def test_page_of_the_list_says_whether_it_is_on_the_chain(browser, site, lists, name):
    address, _ = lists
    if name:
        browser.log_in(name)
    for chain, word in ((DEFAULT_CHAIN, 'is not on'), (CHAIN, 'is on')):
        set_chain(site, address, chain)
        assert browser.open_list(address) == 200
        told = f'This list {word} the chain of trusted servers' in browser.text
        assert told == (name in MODERATORS)


def test_page_of_the_list_says_since_when(browser, site, lists):
    address, _ = lists
    path = f'/3.1/plugins/trustedserver/lists/{list_id(address)}'
    browser.log_in('moderator')
    site.rest('PATCH', path, {'posting_chain': CHAIN})
    browser.open_list(address)
    assert re.search(r'trusted servers, since \w+\.? \d+, 20\d\d\.', browser.text)
    site.rest('PATCH', path, {'posting_chain': DEFAULT_CHAIN})
    browser.open_list(address)
    assert 'it was put on another one on' in browser.text


# For everybody's eyes.


def test_labels_lead_to_what_they_name(browser, lists):
    browser.log_in('owner')
    browser.open_list(lists[0], SECTION)
    for label in browser.find_all('form.list_settings label[for]'):
        assert browser.find_all(f'[id="{label.get_attribute("for")}"]')


def open_details(browser):
    """Unfold all that is folded."""
    browser.driver.execute_script(
        "document.querySelectorAll('details').forEach(one => one.open = true)"
    )


@pytest.mark.parametrize('width', [1280, 390])
@pytest.mark.parametrize('name', sorted(MODERATORS))
@pytest.mark.parametrize('action', ['hold', 'accept'])
def test_axe_finds_nothing_on_our_parts(browser, site, lists, width, name, action):
    address, _ = lists
    broken = GOOD[1].replace(' (Postfix)', ' x (Postfix)')
    browser.log_in(name)
    browser.resize(width)
    pages = ['', 'held_messages', 'held_messages?verdict=not-trusted']
    for number, fields in enumerate(([*BAD, *GOOD], GOOD, [GOOD[0], broken])):
        site.post(address, make_post(fields, to=address), SENDER)
        wait_for_held(site, address, number + 1)
        pages.append(newest_of(site, address))
    if name in OWNERS:
        pages += [SECTION, TRY]
    config = {'default_nonmember_action': action}
    site.rest('PATCH', f'/3.1/lists/{list_id(address)}/config', config)
    for page in pages:
        browser.open_list(address, page)
        open_details(browser)
        assert browser.axe() == []


@pytest.mark.parametrize('width', [1280, 390])
@pytest.mark.parametrize('name', sorted(OWNERS))
def test_axe_finds_nothing_on_what_was_tried(browser, lists, width, name):
    address, _ = lists
    browser.log_in(name)
    browser.resize(width)
    for servers in ({'trusted_remote_servers': '203.0.113.66'}, {}):
        try_message(browser, address, make_post(BAD).decode(), **servers)
        open_details(browser)
        assert browser.axe() == []
    try_message(browser, address, 'x', trusted_local_servers='^1')
    open_details(browser)
    assert browser.find_all('form .alert-danger')
    assert browser.axe() == []


def test_axe_finds_nothing_on_a_verdict_that_has_changed(browser, web, site, lists):
    address, _ = lists
    set_chain(site, address, CHAIN)
    path = hold(site, address)
    try:
        site.restart(section('dedicated_remote_servers: 203.0.113.66'))
        for name in ('owner', 'superuser'):
            browser.log_in(name)
            browser.open_list(address, path)
            assert browser.find('.mailman-trustedserver-then')
            assert browser.axe() == []
    finally:
        site.restart(CONFIGURATION)


def test_axe_finds_nothing_in_the_dialogue_of_a_message(browser, site, lists):
    address, _ = lists
    hold(site, address)
    browser.log_in('moderator')
    browser.open_list(address, 'held_messages')
    browser.click('.show-modal-btn')
    opacity = 'return getComputedStyle(document.querySelector(".modal")).opacity'
    wait_until(lambda: browser.driver.execute_script(opacity) == '1')
    assert browser.find(f'.modal-body {WHY}').is_displayed()
    assert browser.axe(['.modal-body']) == []


def test_keyboard_alone_will_do(browser, site, lists):
    from selenium.webdriver.common.keys import Keys

    address, _ = lists
    hold(site, address)
    browser.log_in('owner')
    browser.open_list(address, 'held_messages')
    browser.press('[href="?verdict=not-trusted"]', Keys.ENTER)
    browser.press(WHY, Keys.ENTER)
    browser.go_to(f'{TEXT} summary').send_keys(Keys.ENTER)
    wait_until(lambda: browser.find(f'{TEXT} pre').text == 'Hello.')
    browser.press('.mailman-trustedserver-decide [name=discard]', Keys.ENTER)
    assert 'The message was discarded' in browser.text
    browser.press('.mailman-trustedserver-filter [href$="/try"]', Keys.ENTER)
    browser.go_to('[name=message]').send_keys(BAD[0].replace('\n\t', ' '))
    browser.go_to('form details summary').send_keys(Keys.ENTER)
    browser.go_to('[name=trusted_remote_servers]').send_keys('203.0.113.66')
    browser.press('.mailman-trustedserver form .btn-primary', Keys.ENTER)
    assert 'The route is trusted.' in browser.text
    browser.open_list(address, SECTION)
    browser.go_to('[name=posting_chain]:checked').send_keys(Keys.ARROW_DOWN)
    browser.press('form.list_settings [type=submit]', Keys.ENTER)
    assert chain_of(site, address) == CHAIN


def test_pages_work_without_css(browser, site, lists):
    address, _ = lists
    hold(site, address)
    browser.log_in('owner')
    browser.open_list(address, 'held_messages')
    browser.drop_style()
    browser.follow(WHY)
    browser.drop_style()
    for text in ('Trust ended here.', 'do nothing: it is a stranger', 'on no list'):
        assert text in browser.find('.mailman-trustedserver').text
    browser.follow('.mailman-trustedserver-decide [name=discard]')
    browser.open_list(address, TRY)
    browser.drop_style()
    browser.find('[name=message]').send_keys('x')
    browser.submit('[name=message]')
    assert 'could not be read' in browser.text


# 200 % in a window of 1280 pixels is a page of 640.
@pytest.mark.parametrize('width', [640, 390])
def test_large_letters_and_narrow_windows_move_nothing_aside(
    browser, site, lists, width
):
    address, _ = lists
    path = hold(site, address, [*BAD, *GOOD])
    browser.log_in('owner')
    browser.resize(width)
    for page in (path, TRY):
        browser.open_list(address, page)
        open_details(browser)
        assert not browser.is_wider('.mailman-trustedserver')
    try_message(browser, address, make_post(GOOD).decode())
    open_details(browser)
    assert not browser.is_wider('.mailman-trustedserver')


# In another language.


def test_pages_speak_japanese(browser, site, lists):
    address, _ = lists
    path = hold(site, address)
    browser.log_in('owner')
    browser.speak('ja')
    browser.open_list(address, SECTION)
    for shown in ('信頼するサーバー', '通常どおりモデレートする。', '現在の設定'):
        assert shown in browser.text
    browser.open_list(address, 'held_messages')
    assert (
        browser.find(WHY).text == '信頼できない: 203.0.113.66 はどの一覧にもありません'
    )
    browser.open_list(address, path)
    assert '203.0.113.66 に心当たりがなければ、何もしないでください' in browser.text
    assert browser.find('ol').find_element('xpath', '..').get_attribute('lang') == 'ja'


# Without the web part.


def test_without_the_web_part_postorius_is_as_before(browser, web, site, lists):
    address, _ = lists
    set_chain(site, address, CHAIN)
    path = hold(site, address)
    browser.log_in('owner')
    apps = web.apps
    web.restart(())
    try:
        assert browser.open_list(address, SECTION) == 404
        assert browser.open_list(address, path) == 404
        assert browser.open_list(address, 'settings/message_acceptance') == 200
        assert 'Trusted Servers' not in browser.text
        assert browser.open_list(address, 'held_messages') == 200
        assert not browser.find_all(WHY)
        assert chain_of(site, address) == CHAIN
    finally:
        web.restart(apps)
