# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every route through every mix of servers ends as docs/decides.md says."""

import pytest

from dev.site.outcomes import Outcome
from tests.network import report
from tests.network.routes import ROUTES


pytestmark = pytest.mark.network


@pytest.mark.parametrize('route', ROUTES, ids=lambda route: route.name)
def test_route_ends_as_it_should(sent, mix, route):
    if route not in sent:
        pytest.skip(f'no such way is set up through {mix}')
    results = sent[route].results
    trusted = [one.outcome is Outcome.DELIVERED for one in results]
    report.record(route.name, str(mix), route.trusted, any(trusted))
    outcome = Outcome.DELIVERED if route.trusted else Outcome.HELD
    assert [one.outcome for one in results] == [outcome] * len(route.recipients), (
        results
    )
    verdict = 'trusted' if route.trusted else 'not-trusted'
    assert {one.verdict for one in results} == {verdict}
