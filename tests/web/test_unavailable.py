# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Postorius while Mailman, or the plugin in it, does not answer as it should."""

import pytest

from dev.site.posts import CONFIGURATION
from dev.site.process import wait_until
from tests.conftest import CHAIN, section
from tests.web.conftest import (
    CHANGE,
    hold,
    list_id,
    make_lists,
    OVERVIEW,
    SECTION,
    set_chain,
    SYSTEM,
    TRY,
)


pytestmark = pytest.mark.web

OTHER_SECTION = 'settings/message_acceptance'

ABSENT, DISABLED, BROKEN, OBSERVING = (
    'absent',
    'disabled',
    'without the settings',
    'observing',
)
# What is in the section of the plugin, and what the overview says of it.
STATES = {
    ABSENT: ('', 'Mailman does not have the plugin.'),
    DISABLED: (section(enabled='no'), 'The plugin is disabled.'),
    BROKEN: (section('mode: watch'), "'watch' is not a value"),
    OBSERVING: (
        section('trusted_remote_servers: 127.0.0.1', 'mode: observe'),
        'trusted_local_servers',
    ),
}
# What is said to others than superusers.
ALERTS = {
    ABSENT: STATES[ABSENT][1],
    DISABLED: STATES[DISABLED][1],
    BROKEN: 'The configuration of the plugin did not load',
}
UNAVAILABLE = ABSENT, DISABLED


@pytest.fixture(scope='module')
def held(web):
    """A list, and the page of the message that it holds."""
    address, _ = make_lists(web.site)
    yield address, hold(web.site, address)
    # No `mailman restart` reaches the REST runner.
    web.site.restart(CONFIGURATION)


@pytest.fixture(scope='module', params=STATES)
def state(request, web, held):
    """One of STATES, in which Mailman was started: the tests of one run together."""
    web.site.restart(STATES[request.param][0])
    return request.param


def states(*names):
    """Run a test in some states only."""
    return pytest.mark.parametrize('state', names, indirect=True)


@states(*ALERTS)
def test_section_says_what_is_wrong_and_the_rest_works(browser, held, state):
    address, why = held
    browser.log_in('owner')
    assert browser.open_list(address, SECTION) == 200
    alert = browser.find('.alert').text
    assert ALERTS[state] in alert
    assert 'site administrator' in alert
    assert browser.open_list(address, OTHER_SECTION) == 200
    assert browser.open_list(address, 'held_messages') == 200
    # That the settings did not load is a verdict like any other.
    expected = 503 if state in UNAVAILABLE else 200
    assert browser.open_list(address, why) == expected
    assert ALERTS[state] in browser.text


@states(*UNAVAILABLE)
def test_what_would_not_work_is_not_offered(browser, held, state):
    address, _ = held
    browser.log_in('owner')
    browser.open_list(address, SECTION)
    assert not browser.find('form.list_settings [type=submit]').is_displayed()
    # Whoever sends it all the same is not told that it was saved.
    browser.submit('form.list_settings [type=submit]')
    assert ALERTS[state] in browser.text
    assert 'The settings have been updated.' not in browser.text
    browser.open_list(address, OTHER_SECTION)
    assert browser.find('form.list_settings [type=submit]').is_displayed()
    browser.open_list(address, 'held_messages')
    assert browser.find_all('tbody tr')
    assert not browser.find_all('.mailman-trustedserver-filter')
    assert not browser.find_all('a.mailman-trustedserver-why')
    assert ALERTS[state] in browser.text
    assert browser.open_list(address) == 200
    assert 'the chain of trusted servers' not in browser.text
    assert browser.open_list(address, TRY) == 200


@states(BROKEN)
def test_route_is_not_judged_without_a_configuration(browser, held, state):
    address, why = held
    for name in ('moderator', 'superuser'):
        browser.log_in(name)
        browser.open_list(address, why)
        alert = browser.find('.alert').text
        assert alert.startswith('The configuration of the plugin did not load.')
        assert 'with "mailman trustedserver check" and corrects it.' in alert
        assert 'No list of servers is known now' in browser.text
        assert 'on no list' not in browser.text
        assert 'Trust ended here' not in browser.text
    browser.open_list(address, 'held_messages')
    verdict = browser.find('a.mailman-trustedserver-why').text
    assert verdict == 'not known: The configuration of the plugin did not load.'


@states(BROKEN)
@pytest.mark.parametrize('name', ['owner', 'superuser'])
def test_only_a_superuser_is_told_the_name_of_a_file(browser, web, held, state, name):
    address, _ = held
    browser.log_in(name)
    browser.open_list(address, SECTION)
    assert 'mailman trustedserver check' in browser.text
    told = str(web.site.directory) in browser.driver.page_source
    assert told == (name == 'superuser')


@states(OBSERVING)
def test_pages_say_that_the_plugin_only_observes(browser, web, held, state):
    address, why = held
    set_chain(web.site, address, CHAIN)
    browser.log_in('owner')
    for page in (SECTION, why):
        assert browser.open_list(address, page) == 200
        assert 'The plugin only observes' in browser.find('.alert').text


def test_overview_says_what_is_wrong(browser, held, state):
    address, _ = held
    browser.log_in('superuser')
    assert browser.open(SYSTEM) == 200
    # A link leads here: what is wrong is said, and it is no error.
    assert browser.open(f'{OVERVIEW}?q={address}') == 200
    assert STATES[state][1] in browser.text
    offered = state not in UNAVAILABLE
    assert bool(browser.find_all('button[name=chain]')) == offered
    assert browser.axe() == []
    data = {'chain': CHAIN, 'list': list_id(address)}
    status = browser.send(browser.web.url + CHANGE, data)
    assert status == (200 if offered else 503)
    assert browser.open('/postorius/lists/') == 200


def test_mailman_that_is_down_is_said_as_postorius_says_it(
    browser, web, held, no_errors
):
    address, why = held
    for name in ('superuser', 'owner'):
        browser.log_in(name)
    web.site.mailman('stop')
    wait_until(web.site.gone)
    texts = set()
    for page in (SECTION, OTHER_SECTION, why):
        assert browser.open_list(address, page) == 503
        texts.add(browser.text)
    # Ours are no different from its own.
    assert len(texts) == 1
    browser.log_in('superuser')
    assert browser.open(OVERVIEW) == 200
    assert 'Mailman did not answer as expected' in browser.text
    # It logs a traceback, and none of them is an answer 500.
    assert not any(error.endswith('" 500') for error in web.errors())
