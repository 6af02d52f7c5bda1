# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests that need Mailman share.

There is one initialised Mailman in the test process (`mlist` and what builds
on it) and one Mailman that runs, in processes and a directory of its own
(`run_site`).  Neither is started before a test asks for it.
"""

import email
import importlib
import itertools
import os
import pytest
import socket

from click.testing import CliRunner
from contextlib import contextmanager
from dev.demo.routes import received, ROUTES
from dev.site.database import DatabaseServer, KINDS, missing
from dev.site.mailman import MailmanSite
from dev.site.posts import CONFIGURATION, LIST, make_post, ROOT, SENDER
from dev.site.process import wait_until
from hypothesis import HealthCheck, settings
from pathlib import Path


# `make nightly`; a slow machine is no failure in either profile.
settings.register_profile('default', deadline=None)
settings.register_profile(
    'nightly', max_examples=10_000, deadline=None, suppress_health_check=HealthCheck
)
settings.load_profile('default')

# A route that is trusted, and one that a local server refuses to vouch for.
GOOD = ROUTES[0].fields
BAD = (received('x.example.com', 'unknown', '203.0.113.66', 'lists.example.org'),)
# The spoof that the original took for trusted: HELO is an address literal.
SPOOF = (
    'from [192.168.10.1] (unknown [203.0.113.66])\n'
    '    by lists.example.org (Postfix) with ESMTP id 4F3D21234\n'
    '    for <list@example.org>; Tue, 1 Sep 2026 10:00:00 +0000'
)

LIST_ID = 'staff.example.com'
DOMAIN = 'lists.example.org'

CHAIN = 'trusted-server-posting-chain'
DEFAULT_CHAIN = 'default-posting-chain'
STYLE = 'trusted-server-default'
ANNOUNCE_STYLE = 'trusted-server-announce'

# As .ci/run says: what is missing is a failure.
TOOLS_REQUIRED = os.environ.get('TOOLS') == 'required'

_numbers = itertools.count(1)


def need(condition, sentence):
    """Skip a test on a machine that cannot run it; in CI that is a failure."""
    if not condition:
        (pytest.fail if TOOLS_REQUIRED else pytest.skip)(sentence)


def section(*lines, name='trustedserver', enabled='yes'):
    """The text of a plugin section with these lines besides Mailman's own."""
    return '\n'.join(
        [
            f'[plugin.{name}]',
            'class: mailman_trustedserver.plugin.TrustedServerPlugin',
            f'enabled: {enabled}',
            'component_package: mailman_trustedserver',
            *lines,
            '',
        ]
    )


def make_message(fields, sender=SENDER, **headers):
    """The same as `make_post`, as Mailman's runners have it."""
    return parse_post(make_post(fields, sender, **headers))


def parse_post(data):
    """A post as Mailman's runners have it."""
    from mailman.email.message import Message

    msg = email.message_from_bytes(data, Message)
    msg.original_size = len(data)
    return msg


def assert_in_manual(symptom, printed):
    """What the manual quotes is what Mailman says."""
    page = (ROOT / 'docs' / 'symptoms.md').read_text(encoding='utf-8')
    assert f'`{symptom}`' in page
    assert symptom in printed


def assert_documented(path, begin, table):
    """The table of a document that begins so is this one; RENEW=1 puts it there."""
    text = path.read_text(encoding='utf-8')
    start = text.index(begin)
    end = text.index('\n\n', start) + 1
    if os.environ.get('RENEW'):
        path.write_text(text[:start] + table + text[end:], encoding='utf-8')
    else:
        assert text[start:end] == table


def invoke(*args, data=b''):
    """Run `mailman trustedserver ARGS...` in this process."""
    from mailman_trustedserver.commands.trustedserver import trustedserver

    try:
        runner = CliRunner(mix_stderr=False)
    except TypeError:
        # From 8.2 on, click always keeps the two streams apart.
        runner = CliRunner()
    return runner.invoke(trustedserver, args, input=data)


@pytest.fixture(scope='session', autouse=True)
def database():
    """The server that each Mailman of the tests has its database on, if not SQLite."""
    name = os.environ.get('DATABASE')
    if name is None:
        yield
        return
    sentence = missing(KINDS[name])
    need(not sentence, sentence)
    with DatabaseServer(KINDS[name]) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(MailmanSite, 'new_database', server.new_database)
        yield


@pytest.fixture(scope='session')
def mailman_layer(tmp_path_factory, database):
    """Mailman, initialised in this process with the plugin enabled."""
    from mailman.testing.layers import ConfigLayer

    extra = tmp_path_factory.mktemp('layer') / 'extra.cfg'
    # The rule `digests` needs this.
    extra.write_text(
        f'{CONFIGURATION}\n{MailmanSite.new_database()}[mailman]\nhold_digest: yes\n'
    )
    # Mailman sets the umask, which must not outlive it.
    umask = os.umask(0o022)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('MAILMAN_EXTRA_TESTING_CFG', str(extra))
        ConfigLayer.setUp()
    yield ConfigLayer
    ConfigLayer.tearDown()
    os.umask(umask)


@pytest.fixture
def plugin(mailman_layer):
    """The plugin, as Mailman made it."""
    from mailman.config import config

    return config.plugins['trustedserver']


@pytest.fixture
def configure(plugin, tmp_path, monkeypatch):
    """A function that gives Mailman another configuration file.

    The plugin reads it as when a process of Mailman starts.
    """
    from mailman.config import config
    from mailman_trustedserver.advice import lint
    from mailman_trustedserver.commands import checking

    # The host of the tests may be beside the servers of the example.
    monkeypatch.setattr(checking, 'MAX_SERVERS', 0)
    # The ranges that a version comes with are a year old one day.
    monkeypatch.setattr(lint, 'is_old', lambda today: False)

    def configure(text, name='trustedserver'):
        path = tmp_path / 'mailman.cfg'
        if text is not None:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        monkeypatch.setattr(config, 'filename', str(path))
        monkeypatch.setattr(plugin, 'name', name)
        monkeypatch.setattr(plugin, '_files', None)
        plugin.pre_hook()
        return plugin

    return configure


@contextmanager
def list_on_the_chain(mailman_layer):
    """A list in a database of its own."""
    from mailman.app.lifecycle import create_list
    from mailman.database.transaction import transaction

    mailman_layer.testSetUp()
    with transaction():
        mlist = create_list(LIST)
        mlist.posting_chain = CHAIN
    yield mlist
    mailman_layer.testTearDown()


@pytest.fixture
def mlist(mailman_layer, configure):
    """A list on the chain, with the configuration of the example."""
    configure(CONFIGURATION)
    with list_on_the_chain(mailman_layer) as mlist:
        yield mlist


@pytest.fixture(scope='session')
def run_site():
    """A function that returns a running Mailman with the plugin section.

    It is the same one every time, restarted if the section is another.
    """
    site = MailmanSite()

    def run_site(plugins):
        if site.directory == Path():
            site.plugins = plugins
            site.start()
            site.rest('POST', '/3.1/domains', {'mail_host': DOMAIN})
        elif not (site.directory / 'var' / 'master.pid').exists():
            # A test stopped it.
            site.restart(plugins)
        elif site.plugins != plugins:
            restart_runners(site, plugins)
        return site

    run_site.site = site
    yield run_site
    site.stop()


def pytest_collection_modifyitems(items):
    """Skip what needs a Mailman where none can be imported, unless it must run."""
    marked = [
        item for item in items if any(map(item.get_closest_marker, ('mailman', 'web')))
    ]
    sentence = missing_mailman() if marked and not TOOLS_REQUIRED else ''
    for item in marked if sentence else ():
        item.add_marker(pytest.mark.skip(reason=sentence))


def missing_mailman():
    """Why Mailman cannot be imported, as one sentence; empty if it can."""
    try:
        for name in ('mailman.testing.layers', 'mailman.runners.nntp'):
            importlib.import_module(name)
    except ImportError as error:
        return f'No Mailman here: {error} (PyPI has one for Python 3.9 to 3.12).'
    return ''


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Show what Mailman logged where a test with a running one fails."""
    report = (yield).get_result()
    if report.failed and 'run_site' in item.funcargs:
        site = item.funcargs['run_site'].site
        report.sections.append(('Logs of Mailman', site.logs()))


def restart_runners(site, plugins):
    """Say `mailman restart`, which is faster than a stop and a start."""
    path = site.directory / 'mailman.cfg'
    configuration = path.read_text()
    assert configuration.endswith(site.plugins)
    path.write_text(configuration[: len(configuration) - len(site.plugins)] + plugins)
    site.plugins = plugins
    # A site answers before the last of its runners has started.
    wait_until(lambda: len(set(starts(site))) == 1)
    before = max(starts(site))
    site.mailman('restart')
    wait_until(lambda: min(starts(site)) > before and listens(site.lmtp_port))


def starts(site):
    """How often each runner that a post may pass through has started."""
    log = (site.directory / 'var' / 'logs' / 'mailman.log').read_text()
    return [
        log.count(f' {name} runner started.')
        for name in ('in', 'lmtp', 'out', 'pipeline', 'virgin')
    ]


def listens(port):
    """Whether somebody accepts connections."""
    try:
        socket.create_connection(('127.0.0.1', port)).close()
    except OSError:
        return False
    return True


@pytest.fixture
def site(run_site):
    """A running Mailman with the configuration of the example."""
    return run_site(CONFIGURATION)


def new_list(site, style=STYLE, **settings):
    """Create a list with one member; return its posting address."""
    name = f'list-{next(_numbers)}'
    site.rest(
        'POST', '/3.1/lists', {'fqdn_listname': f'{name}@{DOMAIN}', 'style_name': style}
    )
    site.make_ready(f'{name}.{DOMAIN}')
    if settings:
        site.rest('PATCH', f'/3.1/lists/{name}.{DOMAIN}/config', settings)
    return f'{name}@{DOMAIN}'


def put_on_chain(site, address, chain):
    """Do to a list what only an administrator can: put it on any chain."""
    call = ('builtins.setattr', 'posting_chain', chain)
    site.mailman('shell', '-l', address, '-r', *call)


def post_to(site, address, *posts):
    """Post over LMTP and wait; return what became of each, in order."""
    ids = []
    for data in posts:
        ids.append(str(email.message_from_bytes(data)['message-id']))
        site.post(address, data, SENDER)
    outcomes = site.wait_for(ids)
    return [outcomes[one] for one in ids]
