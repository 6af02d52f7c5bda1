# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pictures in docs/, which `make screenshots` takes."""

import pytest

from demo.outcomes import Outcome
from tests.conftest import BAD, make_post, post_to


pytestmark = pytest.mark.web


def test_held_messages(browser, screenshot, site, lists):
    address, _ = lists
    post = make_post(BAD, to=address, subject='Minutes of Monday')
    assert post_to(site, address, post) == [Outcome.HELD]
    browser.log_in('owner')
    browser.open_list(address, 'held_messages')
    screenshot('held-messages')
