# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test network, the mix that runs on it, and the table at the end."""

import os
import pytest
import tempfile

from pathlib import Path
from tests.network import report, roots
from tests.network.attacks import Ident, SUBJECTS
from tests.network.routes import MIXES, ROUTES
from tests.network.testbed import make_certificate, Testbed
from typing import NamedTuple


class Sent(NamedTuple):
    """A post that took a route, and what became of it on each list."""

    message_id: str
    results: list


# The testbed while it runs, until its logs have been shown.
running: list = []

RAN = os.environ.get(roots.INSIDE) == '1'


def pytest_collection_modifyitems(items):
    """Without the namespaces, nothing here can run."""
    if not RAN:
        skip = pytest.mark.skip(reason=roots.missing() or roots.HOW)
        for item in items:
            if item.get_closest_marker('network'):
                item.add_marker(skip)


def pytest_terminal_summary(terminalreporter):
    """Print the table, or why there is none."""
    skipped = terminalreporter.getreports('skipped')
    if RAN:
        terminalreporter.write_line(report.text())
    elif any('/network/' in one.nodeid for one in skipped):
        terminalreporter.write_line(roots.missing() or roots.HOW)


@pytest.fixture(scope='session')
def testbed():
    """The hosts and the Mailmans."""
    directory = Path(tempfile.mkdtemp(prefix='testbed-'))
    with Testbed(directory, Path(os.environ[roots.CACHE])) as testbed:
        running.append(testbed)
        yield testbed
        running.clear()


@pytest.fixture(scope='session', params=MIXES, ids=str)
def mix(testbed, request):
    """A mix whose servers run."""
    try:
        testbed.start_mix(request.param)
        yield request.param
    finally:
        testbed.stop_mix()


@pytest.fixture(scope='session')
def sent(testbed, mix):
    """What became of a post on each route of the mix, all sent at once."""
    ids = {route: testbed.send(route) for route in ROUTES if route.exists_in(mix)}
    found = testbed.results((ids[route], route.recipients) for route in ids)
    return {
        route: Sent(message_id, [found[key] for key in found if key[0] == message_id])
        for route, message_id in ids.items()
    }


@pytest.fixture(scope='session')
def good_fields(testbed, sent):
    """The Received fields of a post that took the first route of the table."""
    return testbed.received_fields(sent[ROUTES[0]].message_id)


@pytest.fixture(scope='session')
def ident(testbed):
    """The attacker's ident server."""
    ident = Ident(testbed.network)
    yield ident
    ident.stop()


@pytest.fixture(scope='session')
def certificates(testbed):
    """The attacker's client certificates."""
    for number, subject in enumerate(SUBJECTS):
        make_certificate(testbed.layers, testbed.directory, str(number), subject)
    return [str(testbed.directory / str(number)) for number in range(len(SUBJECTS))]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Show what the servers logged where a test fails."""
    result = (yield).get_result()
    if result.failed and running:
        result.sections.append(('Logs', running[0].logs()))
        # Once is enough: a mix has hundreds of tests.
        running.clear()
