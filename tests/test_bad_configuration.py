# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Mailman whose plugin is configured wrongly, or not: it goes on."""

import os
import pytest
import subprocess
import sys

from concurrent.futures import ThreadPoolExecutor
from dev.site.outcomes import Outcome
from dev.site.posts import CONFIGURATION, make_post
from dev.site.process import mailman_program, wait_until
from tests.conftest import assert_in_manual, BAD, GOOD, new_list, post_to, section


pytestmark = pytest.mark.mailman

LISTS = ('trusted_local_servers: 192.168.10.3', 'trusted_remote_servers: 192.168.10.1')

# Each with what the error says.
BROKEN = {
    'unknown key': (
        section(*LISTS, 'trusted_remote_server: 192.168.10.2'),
        '[plugin.trustedserver] trusted_remote_server: this key is not '
        'known; the known keys are trusted_local_servers, ',
    ),
    'bad entry': (
        section('trusted_local_servers: 192.168.10.1/24', LISTS[1]),
        "[plugin.trustedserver] trusted_local_servers: '192.168.10.1/24' has "
        'host bits set; write 192.168.10.0/24 for the network or '
        '192.168.10.1 for the address',
    ),
    'configuration file missing': (
        section('configuration: /no/such/trusted.cfg'),
        "[plugin.trustedserver] configuration: '/no/such/trusted.cfg' cannot be "
        'read (No such file or directory); name an absolute path or '
        'python:package.name, of a file in UTF-8 that the user of Mailman may read',
    ),
    'not enabled': (
        section(*LISTS, enabled='no'),
        'the plugin is not enabled; write "enabled: yes" into its section '
        '[plugin.trustedserver]',
    ),
}

# What Mailman itself says of a section that it cannot use, before the plugin
# runs: each with what the manual quotes.
SYMPTOMS = {
    'component_package missing': (
        section().replace('component_package: mailman_trustedserver\n', ''),
        "ModuleNotFoundError: No module named 'trustedserver'",
    ),
    'component_package misspelt': (
        section().replace(
            'component_package: mailman_trustedserver',
            'component_package: mailman_trusted_server',
        ),
        "ModuleNotFoundError: No module named 'mailman_trusted_server'",
    ),
    'class misspelt': (
        section().replace('.TrustedServerPlugin', '.TrustedServer'),
        "AttributeError: module 'mailman_trustedserver.plugin' has no attribute",
    ),
    'two sections': (
        section() + section(name='other'),
        'RuntimeError: Duplicate key "trusted-server-default"',
    ),
    'enabled is no boolean': (
        section(enabled='yep'),
        'ValueError: Invalid boolean value: yep',
    ),
    'entries not indented': (
        section('trusted_local_servers:', '127.0.0.1'),
        'configparser.ParsingError: Source contains parsing errors',
    ),
    'section misnamed': (
        section().replace('[plugin.', '[plugins.'),
        "Error: No such command 'trustedserver'.",
    ),
}
GONE = "ModuleNotFoundError: No module named 'mailman_trustedserver'"
WITHOUT_PACKAGE = """\
import sys
from importlib.machinery import PathFinder
class Others(PathFinder):
    @classmethod
    def find_spec(cls, name, *args):
        if name != 'mailman_trustedserver':
            return super().find_spec(name, *args)
sys.meta_path[sys.meta_path.index(PathFinder)] = Others
from mailman.bin.mailman import main
main()
"""


def run(directory, plugins, *args, python=()):
    """Run `mailman ARGS...` with this plugin section in its configuration."""
    path = directory / 'mailman.cfg'
    path.write_text(
        '\n'.join(
            [
                '[mailman]',
                'layout: here',
                '[paths.here]',
                f'var_dir: {directory}/var',
                plugins,
            ]
        )
    )
    as_root = ['--run-as-root'] if os.geteuid() == 0 else []
    return subprocess.run(
        [
            sys.executable,
            *(python or [mailman_program()]),
            *as_root,
            '-C',
            path,
            *args,
        ],
        capture_output=True,
        encoding='utf-8',
        timeout=300,
    )


@pytest.fixture(scope='module')
def checked(tmp_path_factory):
    """The results of `mailman trustedserver check`, by the name."""

    # The factory is not for several threads at once.
    directories = [tmp_path_factory.mktemp('checked') for name in BROKEN]

    def check(directory, broken):
        return run(directory, broken[0], 'trustedserver', 'check')

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(check, directories, BROKEN.values())
        return dict(zip(BROKEN, results))


@pytest.mark.parametrize('name', BROKEN)
def test_check_names_the_mistake_in_one_line(checked, name):
    check = checked[name]
    assert check.returncode == 1
    assert check.stdout == ''
    (line,) = check.stderr.splitlines()
    assert BROKEN[name][1] in line


@pytest.fixture(scope='module')
def printed(tmp_path_factory):
    """What `mailman trustedserver check` prints of each symptom, by the name."""
    directories = [tmp_path_factory.mktemp('symptom') for name in SYMPTOMS]

    def check(directory, symptom):
        result = run(directory, symptom[0], 'trustedserver', 'check')
        assert result.returncode != 0
        return result.stderr

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(check, directories, SYMPTOMS.values())
        return dict(zip(SYMPTOMS, results))


@pytest.mark.parametrize('name', SYMPTOMS)
def test_manual_quotes_what_mailman_says(printed, name):
    assert_in_manual(SYMPTOMS[name][1], printed[name])


def test_manual_quotes_what_mailman_says_once_the_package_is_gone(tmp_path):
    result = run(tmp_path, section(), 'info', python=['-c', WITHOUT_PACKAGE])
    assert result.returncode == 1
    assert_in_manual(GONE, result.stderr)


def fifo(directory):
    os.mkfifo(directory / 'trusted.cfg')
    return directory / 'trusted.cfg'


def exiting_package(directory):
    package = directory / 'trusted_exits'
    package.mkdir()
    package.joinpath('__init__.py').write_text('raise SystemExit(3)\n')
    return 'python:trusted_exits.trusted'


@pytest.mark.parametrize(
    ('make', 'cause'),
    [
        (fifo, 'no regular file)'),
        (lambda directory: '/dev/zero', 'no regular file)'),
        (exiting_package, '(SystemExit: 3)'),
    ],
    ids=['FIFO', 'device', 'exit'],
)
def test_no_command_waits_for_the_file_beside_or_ends_with_it(
    tmp_path, monkeypatch, make, cause
):
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    plugins = section(f'configuration: {make(tmp_path)}')
    check = run(tmp_path, plugins, 'trustedserver', 'check')
    assert check.returncode == 1
    (line,) = check.stderr.splitlines()
    assert cause in line
    info = run(tmp_path, plugins, 'info')
    assert info.returncode == 0
    assert info.stdout.startswith('GNU Mailman 3.')


def test_mailman_starts_holds_and_stops_with_a_broken_configuration(run_site):
    site = run_site(BROKEN['unknown key'][0])
    address = new_list(site)
    assert post_to(site, address, make_post(GOOD, to=address)) == [Outcome.HELD]
    assert 'reason=configuration-error' in site.vette_log()
    with ThreadPoolExecutor() as pool:
        info, status, check = pool.map(
            lambda args: site.mailman(*args, check=False),
            [['info'], ['status'], ['trustedserver', 'check']],
        )
    assert info.returncode == 0
    assert info.stdout.startswith('GNU Mailman 3.')
    # The exit code of this one says that no other master can be started.
    assert 'Mailman is running' in status.stdout
    assert check.returncode == 1
    (line,) = check.stderr.splitlines()
    assert line.startswith(f'{site.directory}/mailman.cfg ' + BROKEN['unknown key'][1])
    log = site.directory / 'var' / 'logs' / 'plugins.log'
    assert line in log.read_text()
    assert 'Shutting down' in site.mailman('stop').stdout
    pid_file = site.directory / 'var' / 'master.pid'
    wait_until(lambda: not pid_file.exists())


def test_post_is_held_if_the_plugin_is_not_enabled(run_site):
    site = run_site(BROKEN['not enabled'][0])
    # The style is there all the same, and so is the chain.
    address = new_list(site)
    assert post_to(site, address, make_post(GOOD, to=address)) == [Outcome.HELD]
    assert 'reason=not-enabled' in site.vette_log()
    assert site.shunted() == 0


def test_section_may_have_another_name(run_site):
    site = run_site(CONFIGURATION.replace('[plugin.trustedserver]', '[plugin.other]'))
    address = new_list(site)
    assert post_to(
        site, address, make_post(GOOD, to=address), make_post(BAD, to=address)
    ) == [Outcome.DELIVERED, Outcome.HELD]
