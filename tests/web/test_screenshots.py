# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pictures in docs/, which `make screenshots` takes."""

import pytest

from dev.demo.routes import ROUTES
from tests.conftest import CHAIN
from tests.web.conftest import hold, OVERVIEW, SECTION, set_chain


pytestmark = pytest.mark.web

(ATTACK,) = (
    route.fields
    for route in ROUTES
    if route.name == 'copied good route > relay > Mailman host'
)


def test_pages_of_the_documentation(browser, screenshot, site, lists):
    address, _ = lists
    set_chain(site, address, CHAIN)
    why = hold(site, address, ATTACK, subject='Minutes of Monday')
    browser.log_in('owner')
    for page, name in (
        (SECTION, 'postorius-settings'),
        ('held_messages', 'postorius-held-messages'),
        (why, 'postorius-explanation'),
    ):
        assert browser.open_list(address, page) == 200
        screenshot(name)
    browser.log_in('superuser')
    browser.open(OVERVIEW)
    # The file is where Debian has it, not in the directory of this run.
    browser.driver.execute_script(
        """
        for (const file of document.querySelectorAll('code'))
            file.textContent = file.textContent.replace(/^\\/.*\\//, '/etc/mailman3/');
        """
    )
    screenshot('postorius-overview')
