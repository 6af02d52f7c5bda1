# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Postorius while Mailman, or the plugin in it, does not answer."""

import pytest

from dev.site.posts import CONFIGURATION
from tests.conftest import CHAIN, section
from tests.web.conftest import hold, make_lists, set_chain


pytestmark = pytest.mark.web

SECTION = 'settings/trusted_servers'
OTHER_SECTION = 'settings/message_acceptance'
BROKEN = {
    'absent': ('', 'Mailman does not have the plugin.'),
    'disabled': (section(enabled='no'), 'The plugin is disabled.'),
    'without the settings': (
        section('mode: watch'),
        'The configuration of the plugin did not load',
    ),
}
OBSERVING = CONFIGURATION + 'mode: observe\n'


@pytest.fixture(scope='module')
def held(web):
    """A list, and the page of the message that it holds."""
    address, _ = make_lists(web.site)
    yield address, hold(web.site, address)
    # No `mailman restart` reaches the REST runner.
    web.site.restart(CONFIGURATION)


@pytest.mark.parametrize('case', BROKEN)
def test_section_says_what_is_wrong_and_the_rest_works(browser, web, held, case):
    address, why = held
    plugins, sentence = BROKEN[case]
    web.site.restart(plugins)
    browser.log_in('owner')
    assert browser.open_list(address, SECTION) == 200
    alert = browser.find('.alert').text
    assert sentence in alert
    assert 'site administrator' in alert
    assert browser.open_list(address, OTHER_SECTION) == 200
    assert browser.open_list(address, 'held_messages') == 200
    # That the settings did not load is a verdict like any other.
    expected = 200 if case == 'without the settings' else 503
    assert browser.open_list(address, why) == expected
    assert 'configuration of the plugin' in browser.text or sentence in browser.text


@pytest.mark.parametrize('case', ['absent', 'disabled'])
def test_what_would_not_work_is_not_offered(browser, web, held, case):
    address, _ = held
    plugins, sentence = BROKEN[case]
    web.site.restart(plugins)
    browser.log_in('owner')
    browser.open_list(address, SECTION)
    assert not browser.find('form.list_settings [type=submit]').is_displayed()
    # Whoever sends it all the same is not told that it was saved.
    browser.submit('form.list_settings [type=submit]')
    assert sentence in browser.text
    assert 'The settings have been updated.' not in browser.text
    browser.open_list(address, OTHER_SECTION)
    assert browser.find('form.list_settings [type=submit]').is_displayed()
    browser.open_list(address, 'held_messages')
    assert browser.find_all('tbody tr')
    assert not browser.find_all('.mailman-trustedserver-filter')
    assert not browser.find_all('a.mailman-trustedserver-why')
    assert sentence in browser.text
    assert browser.open_list(address) == 200
    assert 'the chain of trusted servers' not in browser.text
    assert browser.open_list(address, 'trusted_servers/try') == 200


def test_route_is_not_judged_without_a_configuration(browser, web, held):
    address, why = held
    web.site.restart(section('mode: watch'))
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


@pytest.mark.parametrize('name', ['owner', 'superuser'])
def test_only_a_superuser_is_told_the_name_of_a_file(browser, web, held, name):
    address, _ = held
    web.site.restart(section('mode: watch'))
    browser.log_in(name)
    browser.open_list(address, SECTION)
    assert 'mailman trustedserver check' in browser.text
    told = str(web.site.directory) in browser.driver.page_source
    assert told == (name == 'superuser')


def test_pages_say_that_the_plugin_only_observes(browser, web, held):
    address, why = held
    web.site.restart(OBSERVING)
    set_chain(web.site, address, CHAIN)
    browser.log_in('owner')
    for page in (SECTION, why):
        assert browser.open_list(address, page) == 200
        assert 'The plugin only observes' in browser.find('.alert').text


def test_postorius_says_by_itself_that_mailman_is_down(browser, web, held, no_errors):
    address, why = held
    browser.log_in('owner')
    web.site.mailman('stop')
    texts = set()
    for page in (SECTION, OTHER_SECTION, why):
        assert browser.open_list(address, page) == 503
        texts.add(browser.text)
    # Ours are no different from its own.
    assert len(texts) == 1
    # It logs a traceback, and none of them is an answer 500.
    assert not any(error.endswith('" 500') for error in web.errors())
