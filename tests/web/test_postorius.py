# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Postorius itself runs, and each user may do what he should."""

import mailman_trustedserver
import os
import pytest
import sysconfig

from dev.site.outcomes import Outcome
from dev.site.posts import make_post
from pathlib import Path
from tests.conftest import ANNOUNCE_STYLE, BAD, DOMAIN, post_to, STYLE
from tests.web.conftest import USERS


pytestmark = pytest.mark.web

# Who may open a page of the list, and of the other owner's list.
SETTINGS = {'superuser', 'owner'}, {'superuser', 'other-owner'}
HELD = {'superuser', 'owner', 'moderator'}, {'superuser', 'other-owner'}


@pytest.mark.skipif('WHEEL' not in os.environ, reason='make test-web installs it')
def test_what_is_tested_is_the_wheel():
    installed = Path(sysconfig.get_path('purelib'))
    assert installed in Path(mailman_trustedserver.__file__).parents


def test_wrong_password_does_not_log_in(browser):
    browser.open('/accounts/login/')
    browser.fill_in_and_submit(login='owner', password='wrong')
    browser.open('/postorius/accounts/subscriptions/')
    assert browser.driver.current_url.startswith(f'{browser.web.url}/accounts/login/')


@pytest.mark.parametrize('name', USERS)
def test_user_sees_what_he_may_see(browser, lists, name):
    browser.log_in(name)
    assert browser.open('/user-profile/') == 200
    assert USERS[name].email in browser.driver.page_source
    for page, allowed in (('settings/', SETTINGS), ('held_messages', HELD)):
        for address, names in zip(lists, allowed):
            expected = 200 if name in names else 403
            assert (address, page, browser.open_list(address, page)) == (
                address,
                page,
                expected,
            )


@pytest.mark.parametrize('page', ['settings/', 'held_messages'])
def test_who_has_not_logged_in_is_asked_to(browser, lists, page):
    browser.open_list(lists[0], page)
    assert browser.driver.current_url.startswith(f'{browser.web.url}/accounts/login/')


def test_moderator_sees_the_post_that_is_held(browser, site, lists):
    address, _ = lists
    post = make_post(BAD, to=address, subject='Is it held?')
    assert post_to(site, address, post) == [Outcome.HELD]
    browser.log_in('moderator')
    browser.open_list(address, 'held_messages')
    assert 'Is it held?' in browser.find('table').text


def test_new_list_may_have_the_style(browser, site, lists):
    browser.log_in('superuser')
    browser.open('/postorius/lists/new/')
    browser.find(f'[name=list_style] [value={STYLE}]').click()
    browser.find(f'[name=mail_host] [value="{DOMAIN}"]').click()
    browser.fill_in_and_submit(listname='styled')
    assert f'styled@{DOMAIN}' in site.mailman('trustedserver', 'status').stdout


def test_style_has_a_name_in_the_language_of_the_page(browser):
    browser.log_in('superuser')
    browser.speak('ja')
    browser.open('/postorius/lists/new/')
    for style in (STYLE, ANNOUNCE_STYLE):
        name = browser.find(f'[name=list_style] [value={style}]').text
        assert name.startswith('信頼するサーバー: ')
        assert name.partition(': ')[2]


def test_language_of_the_cookie_is_spoken(browser):
    # Postorius itself has no compiled catalogues on PyPI; the login form has.
    browser.speak('ja')
    browser.open('/accounts/login/')
    assert 'パスワード' in browser.find('form').text
