# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian's own Mailman, with the plugin installed as the manual says: both ways."""

import email
import json
import pytest
import re
import shlex

from dev.site.debian import Debian, mirror, missing, RELEASES, sdist_of, wheel_of
from dev.site.mailman import MEMBER
from dev.site.posts import make_post, ROOT, SENDER
from dev.site.process import wait_until
from tests.conftest import BAD, GOOD, need
from tests.test_recipe import installation
from typing import NamedTuple


pytestmark = pytest.mark.debian

ADDRESS = 'staff@lists.example.org'
REST_LIST = '/3.1/lists/staff.lists.example.org'
CONFIG = '/etc/mailman3/mailman.cfg'
WEB_CONFIG = '/etc/mailman3/mailman-web.py'
SINK = '/srv/sink'
# What the tests of a running Mailman read.
RUN_THERE = 'dev tests docs pyproject.toml mailman.cfg.example'.split()

DISTRIBUTIONS = """\
from importlib.metadata import distributions
for one in distributions():
    print(one.metadata['name'], one.version)
"""
POST = f"""\
import smtplib, sys
post = sys.stdin.buffer.read().replace(b'\\n', b'\\r\\n')
with smtplib.LMTP('127.0.0.1', 8024) as client:
    client.sendmail('{SENDER}', ['{ADDRESS}'], post)
"""
REST = f"""\
import base64, configparser, sys, urllib.request
config = configparser.ConfigParser(interpolation=None, strict=False)
config.read('{CONFIG}')
web = config['webservice']
login = base64.b64encode(f'{{web["admin_user"]}}:{{web["admin_pass"]}}'.encode())
url = f'http://{{web["hostname"]}}:{{web["port"]}}{{sys.argv[1]}}'
headers = {{'Authorization': 'Basic ' + login.decode()}}
request = urllib.request.Request(url, headers=headers)
print(urllib.request.urlopen(request).read().decode())
"""

# A superuser opens the page of the list, and keeps what he sees.
LOOK = """\
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
root = {'username': 'root', 'email': 'root@example.org', 'is_superuser': True}
user, new = get_user_model().objects.get_or_create(**root)
client = Client(HTTP_HOST='localhost')
client.force_login(user)
path = reverse('list_settings', args=['staff.lists.example.org', 'trusted_servers'])
print(client.get(path, follow=True).content.decode())
"""


# What the manual adds to the settings of Postorius.
APPS = re.compile(r'^INSTALLED_APPS \+= .*\n', re.MULTILINE)


def line_in_manual():
    page = (ROOT / 'docs' / 'postorius.md').read_text(encoding='utf-8')
    (line,) = APPS.findall(page)
    return line


def section_of_manual(heading):
    """One of its sections about Debian."""
    page = (ROOT / 'docs' / 'start.md').read_text(encoding='utf-8')
    return page.partition(f'# {heading}\n')[2].partition('\n#')[0]


def commands_in_manual(heading):
    """The commands in one of its sections about Debian, one by one."""
    lines = section_of_manual(heading).splitlines()
    return [line[4:] for line in lines if line.startswith('    ')]


class Installed(NamedTuple):
    """How it was installed, the distributions before and after, and what was said."""

    by: str
    before: list[str]
    after: list[str]
    outputs: list[str]


@pytest.fixture(scope='module', params=RELEASES, ids='debian-{}'.format)
def debian(request, tmp_path_factory):
    """A Debian with mailman3 and mailman3-web as they are after apt-get."""
    sentence = missing()
    need(not sentence, sentence)
    release = RELEASES[request.param]
    with Debian(release, tmp_path_factory.mktemp('debian'), mirror()) as debian:
        debian.run(
            # Without sassc, `mailman-web` cannot make the pages' style sheets.
            *('apt-get', 'install', 'mailman3', 'mailman3-web', 'sassc'),
            network=True,
        )
        # Nobody is there who could tell Postfix which lists there are.
        debian.run(
            *('sed', '-i', 's/^incoming: .*/incoming: mailman.mta.null.NullMTA/'),
            CONFIG,
        )
        # systemd makes this directory for the pid file.
        debian.run('install', '-d', '-o', 'list', '-g', 'list', '/run/mailman3')
        debian.start(
            *('python3', '-m', 'aiosmtpd', '-n', '-l', '127.0.0.1:25'),
            *('-c', 'aiosmtpd.handlers.Mailbox', SINK),
        )
        debian.run('mailman-wrapper', 'create', ADDRESS)
        debian.run('mailman-wrapper', 'addmembers', '-', ADDRESS, input=MEMBER)
        yield debian


def unit(debian, key):
    """What the service of the package says for a key."""
    text = debian.run('cat', '/lib/systemd/system/mailman3.service')
    (value,) = [
        line[len(key) + 1 :] for line in text.splitlines() if line.startswith(f'{key}=')
    ]
    return value


def service(debian, key):
    """Run a command of the service as systemd would do."""
    debian.run(
        *('runuser', '-u', unit(debian, 'User'), '-g', unit(debian, 'Group'), '--'),
        *('sh', '-c', f'{unit(debian, key)} > /var/log/mailman3/service.log 2>&1'),
    )


def rest(debian, path):
    return json.loads(debian.run('python3', '-c', REST, path))


def answers(debian):
    """Whether LMTP and REST listen."""
    sockets = debian.run('cat', '/proc/net/tcp', '/proc/net/tcp6')
    # 0A is LISTEN; a connection of before may still be among them.
    listening = re.findall(r':([0-9A-F]{4}) [0-9A-F]+:0000 0A ', sockets)
    return {f'{port:04X}' for port in (8024, 8001)} <= set(listening)


def start_mailman(debian):
    service(debian, 'ExecStart')
    wait_until(lambda: answers(debian), seconds=120)


def stop_mailman(debian):
    service(debian, 'ExecStop')
    wait_until(lambda: not debian.run('ls', '/run/mailman3'), seconds=120)


def install_with_pip(debian, directory):
    """Run the first commands of the manual; return the other ones."""
    wheel = debian.copy(wheel_of(ROOT, directory))
    apt_get, pip, *others = commands_in_manual('Debian')
    debian.run(*shlex.split(apt_get), network=True)
    pip = pip.replace('mailman-trustedserver', wheel)
    debian.run(*shlex.split(pip), network=True)
    return others


def install_the_package(debian, directory):
    """Build the package of Debian in the place of these, and install it."""
    debian.copy(sdist_of(ROOT, directory))
    commands = commands_in_manual('As a package')
    assert any(command.startswith('lintian --fail-on error') for command in commands)
    script = ' && '.join(['cd /srv', *commands])
    debian.run('sh', '-c', script, network=True)
    return commands_in_manual('Debian')[2:]


INSTALLATIONS = {'pip': install_with_pip, 'deb': install_the_package}


def uninstallation(by):
    """The commands that the manual ends with: disable, restart, uninstall."""
    heading = 'Uninstall on Debian'
    *others, pip = commands_in_manual(heading)
    (apt_get,) = re.findall('`(apt-get .+?)`', section_of_manual(heading))
    return *others, apt_get if by == 'deb' else pip


@pytest.fixture(scope='module', params=INSTALLATIONS)
def installed(request, debian, tmp_path_factory):
    """What the commands of the manual changed: the distributions before and after."""
    before = debian.run('python3', '-c', DISTRIBUTIONS)
    directory = tmp_path_factory.mktemp(request.param)
    check, restart, enable = INSTALLATIONS[request.param](debian, directory)
    after = debian.run('python3', '-c', DISTRIBUTIONS)
    _, section, *_ = installation()
    debian.run('tee', '-a', CONFIG, input=f'\n{section}')
    outputs = [debian.run(*shlex.split(check))]
    assert restart == 'systemctl restart mailman3'
    start_mailman(debian)
    outputs.append(debian.run(*shlex.split(enable)))
    yield Installed(request.param, before.splitlines(), after.splitlines(), outputs)
    stop_mailman(debian)


def test_debian_has_every_dependency_and_none_is_replaced(debian, installed):
    assert set(installed.before) <= set(installed.after)
    assert any(line.startswith('mailman-trustedserver ') for line in installed.after)
    # Its status is about all packages, and some of Debian's lack one.
    problems = debian.run('sh', '-c', 'pip check || true')
    assert 'mailman-trustedserver' not in problems


def test_commands_of_the_manual_say_what_they_should(installed):
    check, enable = installed.outputs
    assert 'The configuration of [plugin.trustedserver] loads.' in check
    assert f'{ADDRESS}: now on trusted-server-posting-chain' in enable


def test_rest_answers(debian, installed):
    version = rest(debian, '/3.1/system/versions')['mailman_version']
    assert f'GNU Mailman {debian.release.mailman} ' in version


def post(debian, fields):
    """Post by LMTP; return the Message-ID."""
    post = make_post(fields, to=ADDRESS)
    debian.run('python3', '-c', POST, input=post.decode())
    return email.message_from_bytes(post)['message-id']


def held(debian):
    """The Message-IDs of the posts that are held."""
    entries = rest(debian, f'{REST_LIST}/held').get('entries', [])
    return {entry['message_id'] for entry in entries}


def test_good_post_is_delivered_and_forged_one_held(debian, installed):
    good, bad = post(debian, GOOD), post(debian, BAD)

    def delivered():
        # grep ends with 1 where there is nothing.
        return debian.run('sh', '-c', f'cat {SINK}/new/* 2>/dev/null || true')

    wait_until(lambda: good in delivered(), seconds=120)
    assert MEMBER in delivered()
    wait_until(lambda: bad in held(debian), seconds=120)
    assert good not in held(debian)
    log = debian.run('cat', '/var/log/mailman3/mailman.log')
    assert f'message-id={good} list=staff.lists.example.org verdict=trusted' in log
    assert f'message-id={bad} list=staff.lists.example.org verdict=not-trusted' in log
    assert debian.run('ls', '/var/lib/mailman3/queue/shunt') == ''


@pytest.mark.parametrize(('fields', 'status'), [(GOOD, 0), (BAD, 1)])
def test_explain_tells_a_good_route_from_a_forged_one(
    debian, installed, fields, status
):
    text = make_post(fields).decode()
    out = debian.run(
        *('mailman-wrapper', 'trustedserver', 'explain', '-'),
        input=text,
        returncode=status,
    )
    assert ('not trusted' in out) is bool(status)


# It takes minutes, and what Mailman loads is the same files either way.
@pytest.mark.parametrize('installed', ['deb'], indirect=True)
def test_tests_that_start_a_mailman_pass(debian, installed):
    packages = 'python3-pytest', 'python3-hypothesis'
    debian.run('apt-get', 'install', *packages, network=True)
    for name in RUN_THERE:
        debian.copy(ROOT / name)
    command = 'cd /srv && TOOLS=required exec python3 -m pytest -m mailman'
    debian.run('sh', '-c', f'{command} tests/test_site.py tests/test_chain.py')


def test_make_takes_debians_mailman_where_pypi_has_none(debian, installed):
    debian.run('apt-get', 'install', 'make', network=True)
    for name in ('Makefile', 'pyproject.toml'):
        debian.copy(ROOT / name)
    commands = debian.run('make', '-C', '/srv', '--dry-run', 'test')
    has_none = debian.release.suite != 'bookworm'
    assert ('venv --system-site-packages' in commands) is has_none
    assert ('pip install --quiet --no-deps' in commands) is has_none


def test_web_part_is_in_debians_postorius(debian, installed):
    debian.run('tee', '-a', WEB_CONFIG, input=line_in_manual())
    debian.run('mailman-web', 'collectstatic', '--noinput')
    assert debian.run('ls', '/var/lib/mailman3/web/static/mailman_trustedserver')
    debian.run('mailman-web', 'migrate')
    page = debian.run('mailman-web', 'shell', input=LOOK)
    assert 'Trusted Servers' in page
    assert re.search('value="trusted-server-posting-chain"[^>]* checked', page)
    assert '192.168.10.5' in page


def test_no_post_is_lost_when_the_plugin_is_uninstalled(debian, installed):
    before = held(debian)
    assert before
    disable, restart, uninstall = uninstallation(installed.by)
    assert 'default-posting-chain' in debian.run(*shlex.split(disable))
    debian.run('sed', '-i', '/^\\[plugin.trustedserver]/,$d', CONFIG)
    debian.run('sed', '-i', '/^INSTALLED_APPS += .*trustedserver/d', WEB_CONFIG)
    assert restart == 'systemctl restart mailman3 mailman3-web'
    stop_mailman(debian)
    start_mailman(debian)
    debian.run(*shlex.split(uninstall), input='y\n')
    assert 'trustedserver' not in debian.run('python3', '-c', DISTRIBUTIONS)
    # A process that starts now does not look for it.
    assert ADDRESS in debian.run('mailman-wrapper', 'lists')
    later = post(debian, GOOD)
    wait_until(lambda: later in held(debian), seconds=120)
    assert before < held(debian)
    assert debian.run('ls', '/var/lib/mailman3/queue/shunt') == ''
    debian.run('mailman-web', 'check')
