# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The components as Mailman sees them, and where the settings come from."""

import os
import pytest
import socket
import sys

from dev.site.posts import CONFIGURATION
from importlib import import_module
from mailman_trustedserver.configuration import Files
from tests.conftest import GOOD, make_message, section
from zope.interface.verify import verifyObject


pytestmark = pytest.mark.mailman

LISTS = ('trusted_local_servers: 192.0.2.1', 'trusted_remote_servers: ^198\\.')
# A mistake for each kind of entry: what is written, and what the error has.
BAD_ENTRIES = {
    '192.168.10.1/24': ("'192.168.10.1/24'", 'host bits', '192.168.10.0/24'),
    'mail.example.org': ("'mail.example.org'", 'host name', 'address'),
    '^[': ("'^['", 'regular expression', '^192\\.0\\.2\\.'),
    '999.1.1.1': ("'999.1.1.1'", 'address', '192.0.2.1'),
    '!': ("'!'", 'exclude', 'right after it'),
    '!!192.0.2.1': ("'!!192.0.2.1'", 'write !192.0.2.1'),
    '192.0.2.1,192.0.2.2': ("'192.0.2.1,192.0.2.2'", 'white space'),
    '[192.0.2.1]': ("'[192.0.2.1]'", 'brackets', 'write 192.0.2.1'),
    '!^192\\.168\\.10\\.6[67]$,': ('6[67]$,', 'commas', '10\\.6[67]$'),
    '^([0-9a-f]*:?)*::1$': ('repeats without bound', 'list the addresses'),
    '\x1b[2J': ("'\\x1b[2J'",),
    '192.0.2.1 # relay': ("'#'", 'a line of its own'),
}


def test_every_component_provides_its_interface(mailman_layer):
    from mailman.interfaces.chain import IChain
    from mailman.interfaces.command import ICLISubCommand
    from mailman.interfaces.plugin import IPlugin
    from mailman.interfaces.rules import IRule
    from mailman.interfaces.styles import IStyle

    styles = 'TrustedServerStyle', 'TrustedServerAnnounceStyle'
    for interface, module, names in (
        (IPlugin, 'plugin', ['TrustedServerPlugin']),
        (IRule, 'rules.trusted_server', ['TrustedServer']),
        (IChain, 'chains.trusted_server', ['TrustedServerPostingChain']),
        (IStyle, 'styles.trusted_server', styles),
        (ICLISubCommand, 'commands.trustedserver', ['TrustedServerCommand']),
    ):
        module = import_module(f'mailman_trustedserver.{module}')
        # Mailman takes what `__all__` names, and makes it like this.
        assert sorted(module.__all__) == sorted(names)
        for name in names:
            assert verifyObject(interface, getattr(module, name)())


def test_chains_inside_the_chain_provide_the_interface(mlist):
    from mailman.config import config
    from mailman.interfaces.chain import IChain

    msg = make_message(GOOD)
    _, jump, *_ = config.chains['trusted-server-posting-chain'].get_links(
        mlist, msg, {}
    )
    assert verifyObject(IChain, jump.chain)
    # Nobody can put a list on a chain that is not registered.
    assert jump.chain.name not in config.chains
    leaving = next(jump.chain.get_links(mlist, msg, {})).chain
    assert verifyObject(IChain, leaving)
    assert leaving.name not in config.chains


def test_mailman_finds_every_component(mailman_layer, plugin):
    from mailman.config import config
    from mailman.interfaces.styles import IStyleManager
    from zope.component import getUtility

    assert 'trusted-server' in config.rules
    assert 'trusted-server-posting-chain' in config.chains
    assert getUtility(IStyleManager).get('trusted-server-default') is not None
    assert plugin.name == 'trustedserver'
    assert plugin.resource is not None
    assert plugin.post_hook() is None


def test_plugin_without_settings_trusts_nobody(mailman_layer):
    from mailman_trustedserver.plugin import TrustedServerPlugin

    plugin = TrustedServerPlugin()
    assert plugin.name is None
    assert plugin.configuration is None
    assert plugin.error is None


# Where the settings are.


def test_settings_come_from_the_section_of_the_plugin(configure):
    plugin = configure(section(*LISTS, 'submission: both'))
    assert plugin.error is None
    assert plugin.configuration.site.policy.local.entries == ('192.0.2.1',)
    assert plugin.configuration.site.policy.remote.entries == ('^198\\.',)
    assert plugin.configuration.site.policy.submission.value == 'both'


def test_settings_come_from_the_renamed_section(configure):
    plugin = configure(section(*LISTS, name='other'), name='other')
    assert plugin.configuration.site.policy.local.entries == ('192.0.2.1',)


def test_example_loads(configure):
    plugin = configure(CONFIGURATION)
    assert plugin.configuration.site.policy.local.entries == (
        '127.0.0.1',
        '192.168.10.3',
        '192.168.10.4',
        '192.168.10.5',
    )
    assert plugin.configuration.site.policy.remote.entries == (
        '192.168.10.1',
        '192.168.10.2',
    )


def test_commented_keys_of_the_example_are_the_defaults(configure):
    settings = configure(CONFIGURATION).configuration.site
    lines = [
        line[1:]
        if line.startswith('#') and ': ' in line and line[1].islower()
        else line
        for line in CONFIGURATION.splitlines()
    ]
    assert sum(line.startswith('#') for line in lines) < sum(
        line.startswith('#') for line in CONFIGURATION.splitlines()
    )
    assert configure('\n'.join(lines)).configuration.site == settings


def test_per_cent_signs_stay_as_they_are(configure):
    plugin = configure(section('trusted_remote_servers: ^[%(section)s%d]'))
    assert plugin.configuration.site.policy.remote.entries == ('^[%(section)s%d]',)


def test_settings_come_from_a_file_beside(configure, tmp_path):
    path = tmp_path / 'trusted.cfg'
    path.write_text('\n'.join(['[trustedserver]', *LISTS]))
    plugin = configure(section(f'configuration: {path}'))
    assert plugin.error is None
    assert plugin.configuration.site.policy.local.entries == ('192.0.2.1',)


def test_settings_come_from_a_package(configure, tmp_path, monkeypatch):
    package = tmp_path / 'site_of_trustedserver'
    package.mkdir()
    (package / '__init__.py').touch()
    (package / 'trusted.cfg').write_text('\n'.join(['[trustedserver]', *LISTS]))
    monkeypatch.syspath_prepend(tmp_path)
    plugin = configure(section('configuration: python:site_of_trustedserver.trusted'))
    assert plugin.error is None
    assert plugin.configuration.site.policy.local.entries == ('192.0.2.1',)
    monkeypatch.delitem(sys.modules, 'site_of_trustedserver')


def test_empty_section_of_the_file_beside_leaves_the_keys_to_mailman_cfg(
    configure, tmp_path
):
    path = tmp_path / 'trusted.cfg'
    path.write_text('[trustedserver]\n')
    plugin = configure(section(f'configuration: {path}', *LISTS))
    assert plugin.configuration.site.policy.local.entries == ('192.0.2.1',)


# Mistakes.  Each is a line that names the file, the section, the key and the
# entry and says what would be right.


def error_of(plugin):
    assert plugin.configuration is None
    assert '\n' not in plugin.error
    assert plugin.error.isprintable()
    return plugin.error


@pytest.mark.parametrize('key', ['trusted_local_servers', 'trusted_remote_servers'])
@pytest.mark.parametrize(
    ('entry', 'expected'), BAD_ENTRIES.items(), ids=map(ascii, BAD_ENTRIES)
)
def test_bad_entry_is_named(configure, tmp_path, key, entry, expected):
    error = error_of(configure(section(f'{key}: 192.0.2.9 {entry}')))
    for part in (
        str(tmp_path / 'mailman.cfg'),
        '[plugin.trustedserver]',
        key,
        *expected,
    ):
        assert part in error


@pytest.mark.parametrize(
    ('line', 'expected'),
    [
        (
            'trusted_servers: 192.0.2.1',
            ('trusted_servers', 'not known', 'trusted_local_servers'),
        ),
        ('mode: watch', ('mode', "'watch'", 'enforce, observe')),
        ('sender_domain: example.org', ('sender_domain', 'not known')),
        ('submission: none', ('submission', "'none'", 'single-hop')),
        ('local_submission: maybe', ('local_submission', "'maybe'", 'yes or no')),
        (
            'nonmember_actions: hold bounce',
            ('nonmember_actions', "'bounce'", 'hold', 'reject'),
        ),
        ('class', ('mailman.cfg',)),
    ],
)
def test_bad_line_is_named(configure, tmp_path, line, expected):
    error = error_of(configure(section(line)))
    for part in (str(tmp_path / 'mailman.cfg'), *expected):
        assert part in error


def write(path, content):
    if content is None:
        return
    if content is IsADirectoryError:
        path.mkdir()
    else:
        path.write_bytes(content)


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        (None, ('cannot be read', 'No such file', 'user of Mailman')),
        # Root can read every file, so this is what cannot be read by anyone.
        (IsADirectoryError, ('cannot be read', 'directory')),
        (b'', ('no section [trustedserver]', 'trusted_remote_servers')),
        (b'# Nothing.\n', ('no section [trustedserver]',)),
        (b'[trustedserver]\n# caf\xe9\n', ('position 21', 'UTF-8')),
        (b'trusted_local_servers: 192.0.2.1\n', ('brackets',)),
        (b'[trustedserver]\n\0\n', ('key: value',)),
        (b'[trustedserver\n', ('brackets',)),
        (b'[trustedserver]\nclass: x\n', ('[trustedserver]', 'class')),
        (b'[trustedserver]\ntypo: x\n', ('[trustedserver]', 'typo')),
        (
            b'[trustedserver]\ntrusted_local_servers: !\n',
            ('[trustedserver]', 'trusted_local_servers', "'!'"),
        ),
        (
            b'[trustedserver]\n[lists:staff@example.org]\n',
            ('[lists:staff@example.org]', 'not known', '[trustedserver]'),
        ),
        (b'[DEFAULT]\ntypo: x\n[trustedserver]\n', ('[DEFAULT]',)),
    ],
    ids=[
        'missing',
        'unreadable',
        'empty',
        'comments only',
        'no UTF-8',
        'no section',
        'NUL',
        'open bracket',
        'class',
        'unknown key',
        'bad entry',
        'unknown section',
        'DEFAULT',
    ],
)
def test_bad_file_beside_is_named(configure, tmp_path, content, expected):
    path = tmp_path / 'trusted.cfg'
    write(path, content)
    error = error_of(configure(section(f'configuration: {path}')))
    for part in (str(path), *expected):
        assert part in error


def test_file_that_is_not_in_the_package_is_named(configure):
    path = 'python:mailman_trustedserver.no_such_file'
    error = error_of(configure(section(f'configuration: {path}')))
    assert path in error
    assert 'cannot be read' in error


def test_byte_order_mark_does_no_harm(configure, tmp_path):
    path = tmp_path / 'trusted.cfg'
    path.write_bytes(b'\xef\xbb\xbf[trustedserver]\nlocal_submission: yes\n')
    plugin = configure(section(f'configuration: {path}'))
    assert plugin.configuration.site.policy.local_submission


@pytest.mark.parametrize('kind', ['fifo', 'device', 'socket', 'long'])
def test_what_is_no_file_of_a_sensible_size_is_named(configure, tmp_path, kind):
    path = tmp_path / 'trusted.cfg'
    expected = 'no regular file'
    if kind == 'fifo':
        os.mkfifo(path)
    elif kind == 'device':
        path = '/dev/zero'
    elif kind == 'socket':
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
        expected = 'cannot be read'
    else:
        with open(path, 'wb') as file:
            file.truncate(16 * 1024 * 1024 + 1)
        expected = 'longer than 16777216 octets'
    error = error_of(configure(section(f'configuration: {path}')))
    assert str(path) in error
    assert expected in error


@pytest.mark.parametrize(
    'code', ['raise SystemExit', 'raise SystemExit(3)', 'this is no Python', '1/0']
)
def test_package_that_cannot_be_imported_is_named(
    configure, tmp_path, monkeypatch, code
):
    (tmp_path / 'broken_site').mkdir()
    (tmp_path / 'broken_site' / '__init__.py').write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    error = error_of(configure(section('configuration: python:broken_site.trusted')))
    assert 'python:broken_site.trusted' in error
    assert 'cannot be read' in error


@pytest.mark.skipif(os.geteuid() == 0, reason='Root can read every file.')
def test_file_of_somebody_else_is_named(configure, tmp_path):
    path = tmp_path / 'trusted.cfg'
    path.write_text('[trustedserver]\n')
    path.chmod(0)
    error = error_of(configure(section(f'configuration: {path}')))
    assert 'Permission denied' in error


@pytest.mark.parametrize(
    'path',
    [
        'trusted.cfg',
        './trusted.cfg',
        'python:',
        'python:trusted',
        'python:no.such.package',
        'python:..x',
        'nul\0byte',
    ],
)
def test_bad_path_of_the_file_beside_is_named(configure, tmp_path, path):
    error = error_of(configure(section(f'configuration: {path}')))
    for part in (
        str(tmp_path / 'mailman.cfg'),
        '[plugin.trustedserver]',
        'configuration',
        'absolute path',
    ):
        assert part in error


def test_keys_in_both_places_are_an_error(configure, tmp_path):
    path = tmp_path / 'trusted.cfg'
    path.write_text('\n'.join(['[trustedserver]', LISTS[0]]))
    error = error_of(configure(section(f'configuration: {path}', LISTS[1])))
    for part in (
        str(tmp_path / 'mailman.cfg'),
        str(path),
        '[plugin.trustedserver]',
        'trusted_remote_servers',
        'in one place',
    ):
        assert part in error


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        (None, ('cannot be read',)),
        ('', ('[plugin.trustedserver]', 'not in this file')),
        (section(*LISTS, name='other'), ('[plugin.trustedserver]',)),
        (b'[plugin.trustedserver]\n# caf\xe9\n', ('UTF-8',)),
        ('no section', ('brackets',)),
    ],
    ids=['missing', 'empty', 'renamed', 'no UTF-8', 'no section'],
)
def test_section_that_is_not_found_is_named(configure, tmp_path, text, expected):
    error = error_of(configure(text))
    for part in (str(tmp_path / 'mailman.cfg'), *expected):
        assert part in error


def test_mailman_without_a_configuration_file_is_an_error(mailman_layer, monkeypatch):
    from mailman.config import config

    monkeypatch.setattr(config, 'filename', None)
    files = Files('trustedserver')
    files.read()
    assert 'MAILMAN_CONFIG_FILE' in files.error


def test_mistake_in_the_configuration_is_logged(configure):
    from mailman.testing.helpers import LogFileMark

    mark = LogFileMark('mailman.plugins')
    plugin = configure(section('typo: x'))
    log = mark.read()
    assert f'no post is trusted: {plugin.error}\n' in log
    assert 'Traceback' not in log


def test_mistake_of_ours_keeps_the_plugin_and_is_logged(configure, monkeypatch):
    from mailman.testing.helpers import LogFileMark
    from mailman_trustedserver import configuration as module

    def fail(*args):
        raise ZeroDivisionError('a mistake')

    monkeypatch.setattr(module, 'parse_configuration', fail)
    mark = LogFileMark('mailman.plugins')
    plugin = configure(CONFIGURATION)
    assert 'ZeroDivisionError' in error_of(plugin)
    assert 'Traceback' in mark.read()
