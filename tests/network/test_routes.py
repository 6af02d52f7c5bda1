# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every route through every mix of servers ends as the README says."""

import pytest

from demo.outcomes import Outcome
from tests.network import report
from tests.network.routes import ROUTES

pytestmark = pytest.mark.network


@pytest.fixture(scope='session')
def sent(testbed, mix):
    """What became of a post on each route of the mix, all sent at once."""
    routes = [route for route in ROUTES if mix.relay in route.relays]
    ids = {route: testbed.send(route) for route in routes}
    found = testbed.results((ids[route], route.recipients) for route in routes)
    results = {}
    for (message_id, _), result in found.items():
        results.setdefault(message_id, []).append(result)
    return {route: results[ids[route]] for route in routes}


@pytest.mark.parametrize('route', ROUTES, ids=lambda route: route.name)
def test_route_ends_as_it_should(sent, mix, route):
    if route not in sent:
        pytest.skip(f'{mix.relay} is not set up for it')
    results = sent[route]
    trusted = [one.outcome is Outcome.DELIVERED for one in results]
    report.record(route.name, str(mix), route.trusted, any(trusted))
    outcome = Outcome.DELIVERED if route.trusted else Outcome.HELD
    assert [one.outcome for one in results] == [outcome] * len(route.recipients), results
    verdict = 'trusted' if route.trusted else 'not-trusted'
    assert {one.verdict for one in results} == {verdict}
