# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The superusers' page: the site, its processes, and all lists to be changed."""

import pytest

from dev.site.outcomes import Outcome
from dev.site.posts import make_post
from tests.conftest import BAD, CHAIN, DEFAULT_CHAIN, GOOD, post_to, put_on_chain
from tests.web.conftest import (
    chain_of,
    CHANGE,
    list_id,
    make_lists,
    OVERVIEW,
    set_chain,
    SYSTEM,
    USERS,
)


pytestmark = pytest.mark.web

OURS = '.mailman-trustedserver-overview'
SCRIPT = '<script>alert(1)</script>'


def row(browser, address):
    """The row of a list."""
    box = browser.find(f'input[name=list][value="{list_id(address)}"]')
    return box.find_element('xpath', 'ancestor::tr')


def cells(browser, address):
    """The texts of the row of a list, after its box and its name."""
    found = row(browser, address).find_elements('css selector', 'td')
    return [one.text for one in found][1:]


def search(browser, *addresses):
    """Show some lists only, and tick them."""
    words = addresses[0] if len(addresses) == 1 else 'list-'
    browser.open(f'{OVERVIEW}?count=200&q={words}')
    for address in addresses:
        browser.click(f'input[name=list][value="{list_id(address)}"]')


def rename(site, address, name):
    """Give a list another name."""
    path = f'/3.1/lists/{list_id(address)}/config'
    site.rest('PATCH', path, {'display_name': name})


# What is shown.


def test_page_of_the_system_leads_to_the_overview(browser, site):
    browser.log_in('superuser')
    assert browser.open(SYSTEM) == 200
    assert 'Mailman Core Version' in browser.text
    browser.follow(f'a[href="{OVERVIEW}"]')
    assert browser.status == 200
    browser.follow(f'a[href="{SYSTEM}"]')
    assert browser.status == 200


def test_overview_shows_the_site_and_its_processes(browser, site):
    state = site.rest('GET', '/3.1/plugins/trustedserver/overview')
    browser.log_in('superuser')
    assert browser.open(OVERVIEW) == 200
    shown = browser.text
    for text in (state['version'], state['digest'], '6 entries', *state['files']):
        assert text in shown
    for text in ('192.168.10.5', '192.168.10.2', 'single-hop'):
        assert text in shown
    processes = browser.find('[aria-labelledby=mailman-trustedserver-processes]').text
    for one in state['processes']:
        assert f'{one["process"]} {one["runner"]}' in processes
    assert ' in ' in processes
    assert 'not the same as here' not in processes


def test_each_list_has_its_chain_action_effect_and_counts(browser, site, lists):
    on, off = lists
    set_chain(site, on, CHAIN)
    for fields, outcome in ((GOOD, Outcome.DELIVERED), (BAD, Outcome.HELD)):
        assert post_to(site, on, make_post(fields, to=on)) == [outcome]
    browser.log_in('superuser')
    browser.open(f'{OVERVIEW}?count=200')
    hold = 'Hold for moderation'
    effect = 'trusted posts bypass moderation'
    assert cells(browser, on) == ['of trusted servers', hold, effect, '1', '1']
    effect = 'none: it is not on the chain'
    assert cells(browser, off) == ["Mailman's default", hold, effect, '0', '0']
    config = f'/3.1/lists/{list_id(on)}/config'
    site.rest('PATCH', config, {'default_nonmember_action': 'discard'})
    put_on_chain(site, off, 'accept')
    browser.open(f'{OVERVIEW}?count=200')
    assert cells(browser, on)[1:3] == [
        'Discard (no notification)',
        'none: under this action every post is moderated',
    ]
    assert cells(browser, off)[0] == 'accept'


def test_lists_are_searched_by_name_address_and_chain(browser, site, lists):
    mine, other = lists
    rename(site, mine, 'Ünïque & "quoted"')
    put_on_chain(site, other, 'discard')
    browser.log_in('superuser')
    for text, found in (
        ('ÜNÏQUE & "QUOTED"', mine),
        (mine, mine),
        (list_id(other), other),
        ('discard', other),
    ):
        browser.open(OVERVIEW)
        browser.fill_in_and_submit(q=text)
        assert browser.find('[name=q]').get_attribute('value') == text
        assert row(browser, found)
    put_on_chain(site, other, DEFAULT_CHAIN)
    browser.open(f'{OVERVIEW}?q=nothing-is-called-so')
    assert not browser.find_all('input[name=list]')
    assert '0 of ' in browser.text


@pytest.mark.parametrize(
    'query', ['count=2', 'count=2&page=2', 'count=0', 'count=x&page=y', 'page=99999']
)
def test_lists_come_in_pages(browser, lists, query):
    browser.log_in('superuser')
    assert browser.open(f'{OVERVIEW}?{query}') == 200
    boxes = browser.find_all('input[name=list]')
    assert 1 <= len(boxes) <= (2 if 'count=2' in query else 50)


def test_no_page_asks_for_more_than_a_form_can_send(browser, lists):
    browser.log_in('superuser')
    browser.open(f'{OVERVIEW}?count=999999999999')
    assert browser.find_all('input[name=list]')


# Changing many.


def test_ticked_lists_are_put_on_the_chain_and_taken_off(browser, site, lists):
    browser.log_in('superuser')
    for chain, sentence in (
        (CHAIN, 'Posts from trusted servers will bypass the moderation'),
        (DEFAULT_CHAIN, 'Every post will be moderated as usual.'),
    ):
        former = [chain_of(site, address) for address in lists]
        search(browser, *lists)
        browser.follow(f'button[name=chain][value={chain}]')
        assert browser.status == 200
        for address in lists:
            assert address in browser.text
        assert browser.text.count(sentence) == 2
        assert browser.text.count(f'{former[0]} → {chain}.') == 2
        # Nobody has said yes.
        assert [chain_of(site, address) for address in lists] == former
        browser.follow('button[name=confirmed]')
        word = 'on' if chain == CHAIN else 'off'
        assert f'2 lists are {word} the chain now.' in browser.text
        assert browser.driver.current_url.endswith('?q=list-&count=200')
        assert [chain_of(site, address) for address in lists] == [chain, chain]


def test_confirmation_says_where_nothing_changes(browser, site, lists):
    mine, other = lists
    set_chain(site, mine, CHAIN)
    config = f'/3.1/lists/{list_id(other)}/config'
    site.rest('PATCH', config, {'default_nonmember_action': 'reject'})
    browser.log_in('superuser')
    search(browser, *lists)
    browser.follow(f'button[name=chain][value={CHAIN}]')
    assert 'It is there already: nothing changes.' in browser.text
    assert 'is “Reject (with notification)”.' in browser.text


@pytest.mark.parametrize('chain', [CHAIN, DEFAULT_CHAIN])
def test_third_chain_is_replaced_only_if_that_is_ticked(browser, site, lists, chain):
    mine, other = lists
    put_on_chain(site, mine, 'accept')
    put_on_chain(site, other, 'accept')
    browser.log_in('superuser')
    search(browser, *lists)
    browser.follow(f'button[name=chain][value={chain}]')
    assert browser.text.count('This list is on the chain accept') == 2
    undo = f'mailman trustedserver disable --to accept {list_id(mine)}'
    assert (undo in browser.text) == (chain == CHAIN)
    browser.click(f'[name="replace:{list_id(mine)}"]')
    browser.follow('button[name=confirmed]')
    assert 'These lists are as they were:' in browser.text
    assert f'{other}: it stays on the chain accept' in browser.text
    assert f'{mine}:' not in browser.text
    assert chain_of(site, mine) == chain
    assert chain_of(site, other) == 'accept'


def test_chain_that_came_after_the_question_is_not_replaced(browser, site, lists):
    mine, _ = lists
    browser.log_in('superuser')
    search(browser, mine)
    browser.follow(f'button[name=chain][value={CHAIN}]')
    put_on_chain(site, mine, 'accept')
    browser.follow('button[name=confirmed]')
    assert f'{mine}: it stays on the chain accept' in browser.text
    assert chain_of(site, mine) == 'accept'
    # Nor one in the place of that which was named.
    search(browser, mine)
    browser.follow(f'button[name=chain][value={CHAIN}]')
    browser.click(f'[name="replace:{list_id(mine)}"]')
    put_on_chain(site, mine, 'hold')
    browser.follow('button[name=confirmed]')
    assert 'Mailman left the list as it is' in browser.text
    assert chain_of(site, mine) == 'hold'


@pytest.mark.parametrize(
    'data',
    [
        {},
        {'chain': CHAIN},
        {'chain': 'accept', 'list': 'LIST'},
        {'chain': '', 'list': 'LIST'},
        {'list': 'LIST'},
        {'chain': CHAIN, 'list': 'no.such.list'},
        {'chain': CHAIN, 'list': '..'},
        {'chain': CHAIN, 'list': '\0'},
    ],
    ids=str,
)
def test_nonsense_changes_nothing(browser, site, lists, data):
    address, _ = lists
    data = {key: value.replace('LIST', list_id(address)) for key, value in data.items()}
    browser.log_in('superuser')
    browser.open(OVERVIEW)
    url = browser.web.url + CHANGE
    assert browser.send(url, {**data, 'confirmed': '1'}) == 200
    assert chain_of(site, address) == DEFAULT_CHAIN


def test_lists_have_to_be_ticked_first(browser, lists):
    browser.log_in('superuser')
    browser.open(OVERVIEW)
    browser.follow(f'button[name=chain][value={CHAIN}]')
    assert 'Nothing was changed: tick the lists first.' in browser.text


def test_place_of_somebody_else_is_not_gone_to(browser, lists):
    browser.log_in('superuser')
    browser.open(f'{OVERVIEW}?q={lists[0]}')
    script = 'document.querySelector("[name=place]").value = arguments[0]'
    browser.driver.execute_script(script, '//evil.example/?x=1&q=a&next=b')
    browser.follow(f'button[name=chain][value={CHAIN}]')
    assert browser.driver.current_url == f'{browser.web.url}{OVERVIEW}?q=a'


# Who may see and change what.


@pytest.mark.parametrize('name', USERS)
def test_only_a_superuser_sees_the_overview(browser, site, lists, name):
    address, _ = lists
    expected = 200 if name == 'superuser' else 403
    browser.log_in(name)
    assert browser.open(OVERVIEW) == expected
    data = {'chain': CHAIN, 'list': list_id(address), 'confirmed': '1'}
    url = browser.web.url + CHANGE
    browser.open('/postorius/lists/')
    assert OVERVIEW not in browser.driver.page_source
    assert browser.send(url, data, token=False) == 403
    assert chain_of(site, address) == DEFAULT_CHAIN
    assert browser.send(url, data) == expected
    chain = CHAIN if name == 'superuser' else DEFAULT_CHAIN
    assert chain_of(site, address) == chain
    # It is no page to open.
    assert browser.open(CHANGE) == 405


def test_who_has_not_logged_in_is_asked_to(browser):
    browser.open(OVERVIEW)
    assert browser.driver.current_url.startswith(f'{browser.web.url}/accounts/login/')


# Hostile texts.


def test_name_of_a_list_is_shown_as_text(browser, site, lists):
    mine, _ = lists
    rename(site, mine, f'{SCRIPT}\u202e"\'')
    browser.log_in('superuser')
    search(browser, mine)
    assert SCRIPT in row(browser, mine).text
    assert '\\u202e' in row(browser, mine).text
    for _ in range(2):
        assert SCRIPT in browser.text
        assert SCRIPT not in browser.driver.page_source
        if browser.find_all('button[name=chain]'):
            browser.follow(f'button[name=chain][value={CHAIN}]')


def test_what_is_searched_for_is_shown_as_text(browser, lists):
    browser.log_in('superuser')
    browser.open(OVERVIEW)
    browser.fill_in_and_submit(q=f'"{SCRIPT}')
    assert browser.find('[name=q]').get_attribute('value') == f'"{SCRIPT}'
    assert SCRIPT not in browser.driver.page_source


def test_lines_of_the_log_are_shown_as_text(browser, site, lists):
    process = site.rest('GET', '/3.1/plugins/trustedserver/overview')['processes'][0]
    line = f'Sep 01 10:00:00 2026 ({process["process"]}) trusted-server: '
    with (site.directory / 'var' / 'logs' / 'plugins.log').open('a') as log:
        log.write(f'{line}no post is trusted: {SCRIPT}\x1b\u202e\n')
    with (site.directory / 'var' / 'logs' / 'vette.log').open('a') as log:
        log.write(
            f'Sep 01 10:00:00 2026 (1) trusted-server: message-id=x list={SCRIPT} '
            f'verdict={SCRIPT}\n'
        )
    browser.log_in('superuser')
    assert browser.open(OVERVIEW) == 200
    shown = browser.find('[aria-labelledby=mailman-trustedserver-processes]').text
    assert f'No post is trusted: {SCRIPT}\\x1b\\u202e' in shown
    assert SCRIPT not in browser.driver.page_source
    with (site.directory / 'var' / 'logs' / 'plugins.log').open('a') as log:
        log.write(
            f'{line}configuration {process["digest"]} is in force: mode enforce, '
            '6 entries\n'
        )


# For everybody's eyes and hands.


@pytest.fixture
def many(site, lists):
    """Lists in every state that the pages know."""
    mine, other = lists
    set_chain(site, mine, CHAIN)
    put_on_chain(site, other, 'accept')
    third, _ = make_lists(site)
    yield [mine, other, third]
    put_on_chain(site, other, DEFAULT_CHAIN)


@pytest.mark.parametrize('width', [1280, 390])
def test_axe_finds_nothing_on_our_parts(browser, many, width):
    browser.log_in('superuser')
    browser.resize(width)
    browser.open(SYSTEM)
    assert browser.axe() == []
    search(browser, *many)
    assert browser.axe() == []
    for chain in (CHAIN, DEFAULT_CHAIN):
        search(browser, *many)
        browser.follow(f'button[name=chain][value={chain}]')
        assert browser.axe() == []
    browser.follow('button[name=confirmed]')
    assert 'These lists are as they were:' in browser.text
    assert browser.axe() == []


def test_keyboard_alone_will_do(browser, site, lists):
    from selenium.webdriver.common.keys import Keys

    address, _ = lists
    browser.log_in('superuser')
    browser.open(f'{OVERVIEW}?q={address}')
    browser.go_to('input[name=list]').send_keys(Keys.SPACE)
    browser.press(f'button[name=chain][value={CHAIN}]', Keys.ENTER)
    browser.press('button[name=confirmed]', Keys.ENTER)
    assert '1 list is on the chain now.' in browser.text
    assert chain_of(site, address) == CHAIN


def test_one_box_ticks_all_of_the_page(browser, lists):
    browser.log_in('superuser')
    browser.open(f'{OVERVIEW}?q=list-')
    boxes = browser.find_all('input[name=list]')
    browser.click('.mailman-trustedserver-all input')
    assert all(box.is_selected() for box in boxes)
    browser.click('.mailman-trustedserver-all input')
    assert not any(box.is_selected() for box in boxes)


def test_pages_work_without_css(browser, site, lists):
    address, _ = lists
    browser.log_in('superuser')
    browser.open(f'{OVERVIEW}?q={address}')
    browser.drop_style()
    for text in ('Processes', '192.168.10.2', "Mailman's default"):
        assert text in browser.find(OURS).text
    browser.click('input[name=list]')
    browser.follow(f'button[name=chain][value={CHAIN}]')
    browser.drop_style()
    browser.follow('button[name=confirmed]')
    assert chain_of(site, address) == CHAIN


@pytest.mark.parametrize('width', [640, 390])
def test_large_letters_and_narrow_windows_move_nothing_aside(browser, many, width):
    # 200 % in a window of 1280 pixels is a page of 640.
    browser.log_in('superuser')
    browser.resize(width)
    search(browser, *many)
    assert not browser.is_wider(OURS)
    browser.follow(f'button[name=chain][value={CHAIN}]')
    assert not browser.is_wider(OURS)


def test_pages_speak_japanese(browser, site, many):
    browser.log_in('superuser')
    browser.speak('ja')
    search(browser, *many)
    ours = browser.find(OURS)
    assert ours.get_attribute('lang') == 'ja'
    for text in ('プロセス', 'バージョン', 'メーリングリスト'):
        assert text in ours.text
    browser.follow(f'button[name=chain][value={CHAIN}]')
    assert 'に載せる' in browser.find('button[name=confirmed]').text


# Where something is missing.


def test_counts_and_processes_are_missing_without_a_log(browser, site, lists):
    address, _ = lists
    logs = site.directory / 'var' / 'logs'
    browser.log_in('superuser')
    for name in ('plugins.log', 'vette.log'):
        (logs / name).rename(logs / f'{name}.away')
    try:
        assert browser.open(f'{OVERVIEW}?q={address}') == 200
        assert cells(browser, address)[-2:] == ['not known', 'not known']
        assert browser.text.count('Mailman cannot read the log') == 2
        assert str(logs / 'vette.log') in browser.text
    finally:
        for name in ('plugins.log', 'vette.log'):
            (logs / f'{name}.away').rename(logs / name)
