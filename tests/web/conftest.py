# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests in a browser share.

One Mailman, one Postorius and one Chromium run for all of them.  Nothing here
imports Django or Selenium before a test asks for them, so that the tests can
be skipped where they are missing.
"""

import base64
import importlib.util
import os
import pytest
import secrets
import shutil

from contextlib import contextmanager
from dev.site.outcomes import Outcome
from dev.site.postorius import User, WebSite
from dev.site.posts import CONFIGURATION, make_post, ROOT
from dev.site.process import wait_until
from pathlib import Path
from tests.conftest import BAD, need, new_list, post_to, TOOLS_REQUIRED


PROGRAMS = 'chromium', 'chromedriver', 'xgettext'
MODULES = 'selenium', 'postorius'
INSTALL = (
    'this needs Chromium, gettext and Postorius: '
    'apt install chromium chromium-driver gettext, then make test-web'
)

# The pages that several files open: two below the list's own, and those of the site.
SECTION = 'settings/trusted_servers'
TRY = 'trusted_servers/try'
SYSTEM = '/postorius/system/'
OVERVIEW = f'{SYSTEM}trusted_servers/'
CHANGE = f'{OVERVIEW}change'

PASSWORD = secrets.token_hex(8)
# What each may do: the superuser everything, the next three something with the
# list of `lists`, the other owner everything with the other list.
USERS = {
    name: User(name, f'{name}@example.org', PASSWORD, superuser=name == 'superuser')
    for name in ('superuser', 'owner', 'moderator', 'member', 'other-owner', 'nobody')
}

FLAGS = (
    '--headless',
    # Chromium refuses to run as root in its sandbox.
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--hide-scrollbars',
    # Postorius shows pictures from gravatar.com; a test asks nobody outside.
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    '--window-size=1200,900',
)
PAGE_SECONDS = 30
# From npm, as the Makefile has it.
AXE = ROOT / '.venvs' / 'axe' / 'node_modules' / 'axe-core' / 'axe.min.js'
# The parts of the pages that are not Postorius' own.
OURS = [
    '.mailman-trustedserver',
    '.mailman-trustedserver-filter',
    '.mailman-trustedserver-chain',
    'a[class*=mailman-trustedserver-why]',
]
LOG_LINES = 60


def missing():
    """What these tests need and cannot find."""
    programs = [name for name in PROGRAMS if shutil.which(name) is None]
    return programs + [name for name in MODULES if not importlib.util.find_spec(name)]


def pytest_collection_modifyitems(items):
    """Skip what cannot run, unless it must."""
    if missing() and not TOOLS_REQUIRED:
        for item in items:
            if item.get_closest_marker('web'):
                item.add_marker(pytest.mark.skip(reason=INSTALL))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Show what Postorius logged where a test fails."""
    report = (yield).get_result()
    if report.failed and 'web' in item.funcargs:
        log = item.funcargs['web'].log.splitlines()
        report.sections.append(('Log of Postorius', '\n'.join(log[-LOG_LINES:])))


@pytest.fixture(scope='session')
def web(run_site):
    """A running Postorius, with USERS, for the Mailman of `run_site`."""
    if missing():
        pytest.fail(f'{INSTALL} (missing: {", ".join(missing())})')
    with WebSite(run_site(CONFIGURATION)) as web:
        web.create_users(*USERS.values())
        yield web


@pytest.fixture(autouse=True)
def no_errors(web):
    """No page may fail on the server.

    A test in which one should calls `web.errors()` itself.
    """
    web.errors()
    yield
    assert web.errors() == []


@pytest.fixture
def lists(site):
    """The posting addresses of a list and of another owner's list.

    Both are new, on the default chain, and hold what nonmembers post.
    """
    return make_lists(site)


def make_lists(site):
    """The lists of `lists`."""
    mine, other = (new_list(site, style='legacy-default') for _ in range(2))
    for role in ('owner', 'moderator', 'member'):
        give_role(site, mine, USERS[role], role)
    give_role(site, other, USERS['other-owner'], 'owner')
    return mine, other


def resource(address):
    """The path of a list in the plugin's own REST API."""
    return f'/3.1/plugins/trustedserver/lists/{list_id(address)}'


def chain_of(site, address):
    """The chain that Mailman has for a list."""
    return site.rest('GET', resource(address))['posting_chain']


def set_chain(site, address, chain):
    """Put a list on our chain or on the default one."""
    site.rest('PATCH', resource(address), {'posting_chain': chain})


def hold(site, address, fields=BAD, **headers):
    """Post a message that is held; return its page, below the list's own."""
    post = make_post(fields, to=address, **headers)
    assert post_to(site, address, post) == [Outcome.HELD]
    (held,) = site.rest('GET', f'/3.1/lists/{list_id(address)}/held')['entries']
    return f'held_messages/{held["request_id"]}/explanation'


def newest_of(site, address):
    """The page of the message that a list holds last."""
    held = site.rest('GET', f'/3.1/lists/{list_id(address)}/held')['entries']
    newest = max(one['request_id'] for one in held)
    return f'held_messages/{newest}/explanation'


def wait_for_held(site, address, number):
    """Wait until a list holds so many posts."""
    path = f'/3.1/lists/{list_id(address)}/held/count'
    wait_until(lambda: site.rest('GET', path)['count'] == number)


def give_role(site, address, user, role):
    """Make a user an owner, a moderator or a member of a list."""
    site.rest(
        'POST',
        '/3.1/members',
        {
            'list_id': list_id(address),
            'subscriber': user.email,
            'role': role,
            'pre_verified': True,
            'pre_confirmed': True,
            'pre_approved': True,
            'send_welcome_message': False,
        },
    )


def list_id(address):
    """The list-id that belongs to a posting address."""
    return address.replace('@', '.')


@pytest.fixture(scope='session')
def chromium(tmp_path_factory):
    """A running Chromium with a profile of its own."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    # With both paths given, Selenium does not look for anything to download.
    options.binary_location = shutil.which('chromium')
    service = webdriver.ChromeService(shutil.which('chromedriver'))
    profile = tmp_path_factory.mktemp('chromium')
    for flag in (*FLAGS, f'--user-data-dir={profile}'):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=service)
    driver.set_page_load_timeout(PAGE_SECONDS)
    yield driver
    driver.quit()


class Browser:
    """What a person does with Postorius, in `driver`, which is Selenium's.

    `sessions` are the cookies of those who have logged in, by their names.
    """

    def __init__(self, driver, web, sessions):
        self.driver = driver
        self.web = web
        self.sessions = sessions

    def open(self, path):
        """Go to `/…`; return the HTTP status."""
        return self.open_url(self.web.url + path)

    def open_url(self, url):
        """Go anywhere; return the HTTP status."""
        self.driver.get(url)
        return self.status

    @property
    def status(self):
        """The HTTP status of the page that is shown."""
        script = "return performance.getEntriesByType('navigation')[0].responseStatus"
        return self.driver.execute_script(script)

    def open_list(self, address, page=''):
        """Go to a page of a list in Postorius; return the HTTP status."""
        return self.open(f'/postorius/lists/{list_id(address)}/{page}')

    def log_in(self, name):
        """Log in as one of USERS, and nobody else: the first time through the form.

        Later the browser gets the cookies that it had then, which saves a second.
        """
        self.forget()
        if name not in self.sessions:
            self.open('/accounts/login/')
            self.fill_in_and_submit(
                login=USERS[name].name, password=USERS[name].password
            )
            self.sessions[name] = self.driver.get_cookies()
        for cookie in self.sessions[name]:
            self._set_cookie(cookie['name'], cookie['value'])

    def forget(self):
        """Log out, and speak English again."""
        self.driver.execute_cdp_cmd('Network.clearBrowserCookies', {})

    def speak(self, language):
        """Ask for the pages in another language from now on, as 'ja'."""
        self._set_cookie('django_language', language)

    def _set_cookie(self, name, value):
        self.driver.execute_cdp_cmd(
            'Network.setCookie', {'name': name, 'value': value, 'url': self.web.url}
        )

    def find(self, selector):
        """The first element that a CSS selector matches, or an exception."""
        return self.driver.find_element('css selector', selector)

    def find_all(self, selector):
        """All elements that a CSS selector matches."""
        return self.driver.find_elements('css selector', selector)

    def click(self, selector):
        """Click on an element, which the footer of Postorius may stand before."""
        element = self.find(selector)
        script = 'arguments[0].scrollIntoView({block: "center", behavior: "instant"})'
        self.driver.execute_script(script, element)
        element.click()

    def fill_in_and_submit(self, **texts):
        """Type a text into each field of a form, and send it."""
        for name, text in texts.items():
            self.find(f'[name={name}]').send_keys(text)
        self.submit(f'[name={name}]')

    def follow(self, selector):
        """Click on what leads to another page, and wait for that."""
        with self._next_page():
            self.click(selector)

    def submit(self, selector):
        """Send the form that an element is in, and wait for the answer."""
        with self._next_page():
            # As a press on its button does, which has another name in each form.
            self.driver.execute_script(
                'const form = arguments[0].closest("form");'
                'form.requestSubmit(form.querySelector("[type=submit]"))',
                self.find(selector),
            )

    @contextmanager
    def _next_page(self):
        from selenium.common.exceptions import WebDriverException
        from selenium.webdriver.support.expected_conditions import staleness_of
        from selenium.webdriver.support.wait import WebDriverWait

        page = self.find('html')
        yield
        # While the page goes, Chromium may answer with an error of its own.
        wait = WebDriverWait(
            self.driver, PAGE_SECONDS, ignored_exceptions=[WebDriverException]
        )
        wait.until(staleness_of(page))

    def send(self, url, data, token=True):
        """POST a form as a script of another page would; return the status."""
        script = """
            const [url, data, token, done] = arguments;
            const headers = {};
            if (token) {
                const found = document.cookie.match(/csrftoken=([^;]+)/);
                headers['X-CSRFToken'] = found && found[1];
            }
            fetch(url, {method: 'POST', body: new URLSearchParams(data), headers})
                .then(answer => done(answer.status));
        """
        return self.driver.execute_async_script(script, url, data, token)

    def axe(self, parts=OURS):
        """What axe-core finds wrong on parts of the page: ours, if none are named."""
        need(AXE.exists(), 'this needs axe-core: make .venvs/axe/.installed')
        script = """
            const [parts, done] = arguments;
            const include = parts.filter(one => document.querySelector(one));
            if (!include.length)
                done('There is nothing of ours.');
            axe.run({include}).then(found => done(found.violations.map(one => [
                    one.id, one.nodes.map(node => [node.html, node.failureSummary])])));
        """
        self.driver.execute_script(AXE.read_text(encoding='utf-8'))
        return self.driver.execute_async_script(script, parts)

    def go_to(self, selector):
        """Press Tab until an element has the focus; return it."""
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        self.driver.execute_script('document.activeElement.blur()')
        wanted = self.find(selector)
        for _ in range(200):
            # Not to the element: a field for files would take it for a name.
            ActionChains(self.driver).send_keys(Keys.TAB).perform()
            if self.driver.switch_to.active_element == wanted:
                return wanted
        raise AssertionError(f'{selector} is never reached')

    def press(self, selector, key):
        """Reach an element with Tab, press a key there, and wait for the page."""
        with self._next_page():
            self.go_to(selector).send_keys(key)

    def drop_style(self):
        """Take all style sheets off the page."""
        self.driver.execute_script(
            'document.querySelectorAll("link[rel=stylesheet], style")'
            '.forEach(one => one.remove())'
        )

    def is_wider(self, selector):
        """Whether an element is wider than the window."""
        return self.driver.execute_script(
            f'return document.querySelector("{selector}").scrollWidth > '
            'document.documentElement.clientWidth'
        )

    @property
    def text(self):
        """The text that is shown."""
        return self.find('body').text

    def resize(self, width, height=900):
        """Make the window as wide as a phone, or anything else."""
        self.driver.set_window_size(width, height)


@pytest.fixture(scope='session')
def sessions():
    """The cookies of each user who has logged in."""
    return {}


@pytest.fixture
def browser(chromium, web, sessions):
    """A `Browser` in which nobody is logged in."""
    browser = Browser(chromium, web, sessions)
    browser.forget()
    browser.resize(1200)
    return browser


@pytest.fixture
def screenshot(browser, tmp_path):
    """A function that writes the page, whole, to NAME.png.

    `make screenshots` says in the environment into which directory.
    """
    directory = Path(os.environ.get('SCREENSHOTS') or tmp_path)

    def screenshot(name):
        picture = browser.driver.execute_cdp_cmd(
            'Page.captureScreenshot', {'captureBeyondViewport': True}
        )
        (directory / f'{name}.png').write_bytes(base64.b64decode(picture['data']))

    return screenshot
