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
