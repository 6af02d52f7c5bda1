# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian's own Mailman, with the plugin installed as the manual says."""

import email
import json
import pytest
import re
import shlex

from dev.site.debian import Debian, mirror, missing, RELEASES, wheel_of
from dev.site.mailman import MEMBER
from dev.site.posts import CONFIGURATION, make_post, SENDER
from pathlib import Path
from tests.conftest import BAD, GOOD, need, wait_until


pytestmark = pytest.mark.debian

CHECKOUT = Path(__file__).parent.parent
ADDRESS = 'staff@lists.example.org'
REST_LIST = '/3.1/lists/staff.lists.example.org'
CONFIG = '/etc/mailman3/mailman.cfg'
WEB_CONFIG = '/etc/mailman3/mailman-web.py'
SINK = '/srv/sink'
# What the tests of a running Mailman read.
RUN_THERE = 'src dev tests docs pyproject.toml mailman.cfg.example'.split()

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
user = get_user_model().objects.create_superuser('root', 'root@example.org', 'x')
client = Client(HTTP_HOST='localhost')
client.force_login(user)
path = reverse('list_settings', args=['staff.lists.example.org', 'trusted_servers'])
print(client.get(path, follow=True).content.decode())
"""


def line_in_manual():
    """What is added to the settings of Postorius."""
    page = (CHECKOUT / 'docs' / 'postorius.md').read_text(encoding='utf-8')
    (line,) = re.findall(r'^INSTALLED_APPS \+= .*\n', page, re.MULTILINE)
    return line


def commands_in_manual():
    """The commands in its section about Debian, one by one."""
    page = (CHECKOUT / 'docs' / 'start.md').read_text(encoding='utf-8')
    section = page.partition('## Debian\n')[2].partition('\n#')[0]
    lines = [line for line in section.splitlines() if line.startswith('    ')]
    return [shlex.split(line) for line in lines]


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
    listening = debian.run('cat', '/proc/net/tcp', '/proc/net/tcp6')
    return all(f':{port:04X} ' in listening for port in (8024, 8001))


@pytest.fixture(scope='module')
def installed(debian, tmp_path_factory):
    """What the commands of the manual changed: the distributions before and after."""
    # Nobody is there who could tell Postfix which lists there are.
    debian.run(
        *('sed', '-i', 's/^incoming: .*/incoming: mailman.mta.null.NullMTA/', CONFIG)
    )
    wheel = debian.copy(wheel_of(CHECKOUT, tmp_path_factory.mktemp('wheel')))
    before = debian.run('python3', '-c', DISTRIBUTIONS)
    # systemd makes this directory for the pid file.
    debian.run('install', '-d', '-o', 'list', '-g', 'list', '/run/mailman3')
    debian.start(
        *('python3', '-m', 'aiosmtpd', '-n', '-l', '127.0.0.1:25'),
        *('-c', 'aiosmtpd.handlers.Mailbox', SINK),
    )
    commands = commands_in_manual()
    assert [command[0] for command in commands] == [
        'apt-get',
        'pip',
        'mailman-wrapper',
        'systemctl',
        'mailman-wrapper',
    ]
    outputs = []
    for command in commands:
        if command[0] == 'mailman-wrapper' and 'check' in command:
            after = debian.run('python3', '-c', DISTRIBUTIONS)
            debian.run('tee', '-a', CONFIG, input=CONFIGURATION)
        if command[0] == 'systemctl':
            assert command == ['systemctl', 'restart', 'mailman3']
            service(debian, 'ExecStart')
            wait_until(lambda: answers(debian), seconds=120)
            debian.run('mailman-wrapper', 'create', ADDRESS)
            debian.run('mailman-wrapper', 'addmembers', '-', ADDRESS, input=MEMBER)
        else:
            command = [wheel if 'mailman-t' in word else word for word in command]
            network = command[0] in ('apt-get', 'pip')
            outputs.append(debian.run(*command, network=network))
    yield set(before.splitlines()), set(after.splitlines()), outputs
    service(debian, 'ExecStop')


def test_debian_has_every_dependency_and_none_is_replaced(debian, installed):
    before, after, outputs = installed
    assert before <= after
    assert any(line.startswith('mailman-trustedserver ') for line in after)
    # Its status is about all packages, and some of Debian's lack one.
    problems = debian.run('sh', '-c', 'pip check || true')
    assert 'mailman-trustedserver' not in problems


def test_commands_of_the_manual_say_what_they_should(installed):
    before, after, (apt_get, pip, check, enable) = installed
    assert 'The configuration of [plugin.trustedserver] loads.' in check
    assert f'{ADDRESS}: now on trusted-server-posting-chain' in enable


def test_rest_answers(debian, installed):
    version = rest(debian, '/3.1/system/versions')['mailman_version']
    assert f'GNU Mailman {debian.release.mailman} ' in version


def test_good_post_is_delivered_and_forged_one_held(debian, installed):
    posts = [make_post(fields, to=ADDRESS) for fields in (GOOD, BAD)]
    good, bad = (email.message_from_bytes(post)['message-id'] for post in posts)
    for post in posts:
        debian.run('python3', '-c', POST, input=post.decode())

    def delivered():
        # grep ends with 1 where there is nothing.
        return debian.run('sh', '-c', f'cat {SINK}/new/* 2>/dev/null || true')

    wait_until(lambda: good in delivered(), seconds=120)
    assert MEMBER in delivered()
    wait_until(lambda: rest(debian, f'{REST_LIST}/held')['total_size'], seconds=120)
    (entry,) = rest(debian, f'{REST_LIST}/held')['entries']
    assert entry['message_id'] == bad
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


def test_tests_that_start_a_mailman_pass(debian, installed):
    packages = 'python3-pytest', 'python3-hypothesis'
    debian.run('apt-get', 'install', *packages, network=True)
    for name in RUN_THERE:
        debian.copy(CHECKOUT / name)
    command = (
        'cd /srv && PYTHONPATH=src TOOLS=required exec python3 -m pytest -m mailman'
    )
    debian.run('sh', '-c', f'{command} tests/test_site.py tests/test_chain.py')


def test_web_part_is_in_debians_postorius(debian, installed):
    debian.run('tee', '-a', WEB_CONFIG, input=line_in_manual())
    debian.run('mailman-web', 'collectstatic', '--noinput')
    assert debian.run('ls', '/var/lib/mailman3/web/static/mailman_trustedserver')
    debian.run('mailman-web', 'migrate')
    page = debian.run('mailman-web', 'shell', input=LOOK)
    assert 'Trusted Servers' in page
    assert re.search('value="trusted-server-posting-chain"[^>]* checked', page)
    assert '192.168.10.5' in page


def test_mailman_works_after_the_plugin_was_uninstalled(debian, installed):
    assert 'default-posting-chain' in debian.run(
        'mailman-wrapper', 'trustedserver', 'disable', '--all'
    )
    debian.run('sed', '-i', '/^\\[plugin.trustedserver]/,$d', CONFIG)
    debian.run(
        *('pip', 'uninstall', '--break-system-packages', 'mailman-trustedserver'),
        input='y\n',
    )
    assert ADDRESS in debian.run('mailman-wrapper', 'lists')
