# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manual in docs/: what its pages show is what comes out; RENEW=1 puts it there."""

import json
import pytest
import re

from collections import Counter
from collections.abc import Iterator
from dev.benchmarks.original import original
from dev.demo.__main__ import POSTED, report
from dev.demo.routes import (
    GOOD,
    LISTS,
    OUT,
    POSTING_ADDRESS,
    received,
    RELAY,
    Route,
    ROUTES,
    STRANGERS,
)
from dev.site.mailman import MailmanSite
from dev.site.outcomes import Outcome
from dev.site.posts import CONFIGURATION, make_post, ROOT
from email import message_from_bytes
from mailman_trustedserver import AddressList, decide, Header, parse_settings
from mailman_trustedserver.report import chain_line, draw, log_line, take_up_line
from mailman_trustedserver.scopes import Configuration
from mailman_trustedserver.settings import MailingList, Settings
from tests import (
    test_debian,
    test_importing,
    test_recipe,
    test_rest_examples,
    test_systems,
)
from tests.conftest import (
    assert_documented,
    BAD,
    CHAIN,
    DEFAULT_CHAIN,
    need,
    put_on_chain,
)
from tests.network.proofs import POSTS, REPLAYS, SIEGES
from tests.network.routes import MIXES
from tests.network.routes import ROUTES as NETWORK
from tests.told import assert_told, block, COMMAND, plain, put_mailman_on_the_path, run
from tests.vectors import DATA, load


DOCS = ROOT / 'docs'
PAGES = sorted(DOCS.glob('*.md'))
# Those whose commands no test of their own runs.
TOLD = ['commands.md', 'operations.md', 'start.md']
# Those with routes of the demo.
WITH_ROUTES = ['README.md', 'decides.md']

LOCAL = '127.0.0.1 192.168.10.3 192.168.10.4 192.168.10.5'
REMOTE = '192.168.10.1 192.168.10.2'
SETTINGS = parse_settings(
    {'trusted_local_servers': LOCAL, 'trusted_remote_servers': REMOTE}, 'the page'
)
FILE = '/etc/mailman3/trusted.cfg'

INI = re.compile(
    r'^(?P<note> *<!-- not run: .+ -->\n)?(?P<indent> *)```ini\n(?P<keys>[^`]+)```\n'
    r'(?P<refused>\n```text\n(?P<error>[^`]*)```\n)?',
    re.MULTILINE,
)
DRAWN = re.compile(r'<!-- drawn: (?P<name>.+) -->\n```text\n(?P<drawing>[^`]*)```\n')
LOGGED = re.compile(r'^```text\n(?P<lines>(?:trusted-server: .*\n)+)```$', re.MULTILINE)
LINK = re.compile(r'\]\((?![a-z]+:)(?P<path>[^)#]*)(?:#(?P<anchor>[^)]+))?\)')


def text_of(page):
    return page.read_text(encoding='utf-8')


# Blocks.

BLOCK = re.compile(
    r'^(?: *<!-- (?P<note>.+) -->\n)?(?P<block>'
    r'(?P<indent> *)```(?P<language>.*)\n(?:.*\n)*?(?P=indent)```$|'
    r'(?:(?<=\n\n)|(?<=-->\n))(?: {4,}\S.*\n)+)',
    re.MULTILINE,
)
# What the tests find blocks by that they run, load or compare.
FINDERS = [
    (INI, [page.name for page in PAGES]),
    (DRAWN, WITH_ROUTES),
    (COMMAND, [*TOLD, 'switch-it-on.md']),
    (LOGGED, ['operations.md']),
    (test_debian.APPS, ['postorius.md']),
    (test_importing.RUN, ['import.md']),
    (test_recipe.BLOCK, ['start.md']),
    (test_rest_examples.EXAMPLE, ['rest.md']),
    (test_systems.SECTION, ['your-mail-system.md']),
]
# Before a block that none of these finds: the file that has a test of it, or why not.
TESTED, NOT_RUN = 'tested in ', 'not run: '


def is_tested_in(path, page, text):
    """Whether a file takes blocks from a page, or has each line of this one."""
    need(path.exists(), f'this needs a clone, which has {path.name}')
    lines = (line.strip() for line in text.splitlines())
    return page.name in text_of(path) or all(line in text_of(path) for line in lines)


@pytest.mark.parametrize('page', [*sorted(ROOT.glob('*.md')), *PAGES], ids=str)
def test_each_block_is_run_or_says_why_not(page):
    text = text_of(page)
    found = [
        match
        for pattern, names in FINDERS
        if page.name in names
        for match in pattern.finditer(text)
    ]
    for one in BLOCK.finditer(text):
        note = one['note'] or ''
        assert (
            # Sphinx follows its directives.
            (one['language'] or '').startswith('{')
            or any(x.start() < one.end() and one.start() < x.end() for x in found)
            or note.startswith(NOT_RUN)
            or (
                note.startswith(TESTED)
                and is_tested_in(ROOT / note[len(TESTED) :], page, one['block'])
            )
            or '\n**Not tried:** ' in text
        ), one[0]


# Links.


def anchors(page):
    """The anchors of the headings, as GitHub and Sphinx make them."""
    return {
        re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-')
        for heading in re.findall('^#+ (.*)$', text_of(page), re.MULTILINE)
    }


@pytest.mark.parametrize('page', [*sorted(ROOT.glob('*.md')), *PAGES], ids=str)
def test_each_link_leads_somewhere(page):
    need(
        (ROOT / 'src').exists() or '](../src/' not in text_of(page),
        'this page links to src, which is not here',
    )
    for link in LINK.finditer(text_of(page)):
        target = (page.parent / link['path']) if link['path'] else page
        assert target.exists(), link[0]
        if link['anchor'] and target.suffix == '.md':
            assert link['anchor'] in anchors(target), link[0]


def test_contents_have_every_page():
    listed = re.findall(r'^[\w-]+$', text_of(DOCS / 'index.md'), re.MULTILINE)
    pages = [page.stem for page in PAGES if page.stem != 'index']
    assert sorted(listed) == sorted(pages)


# The configuration.


def error_of(keys, path):
    """What `check` would say of a configuration; empty if it loads."""
    from mailman_trustedserver.configuration import read_file
    from mailman_trustedserver.settings import SettingsError

    # What that file has stands in another block.
    path.write_text(re.sub('^configuration: .*\n', '', keys, flags=re.MULTILINE))
    try:
        read_file(str(path), 'trustedserver')
    except SettingsError as error:
        return str(error).replace(str(path), FILE) + '\n'
    return ''


@pytest.mark.mailman
@pytest.mark.parametrize('page', PAGES, ids=str)
def test_each_configuration_loads_or_is_refused_as_shown(page, tmp_path):
    def retold(match):
        keys = re.sub(f'^{match["indent"]}', '', match['keys'], flags=re.MULTILINE)
        error = '' if match['note'] else error_of(keys, tmp_path / 'trusted.cfg')
        # A drawing may follow, of what a configuration makes of a route.
        if not error or match['refused'] is None:
            assert error == ''
            assert (match['error'] or ' ')[0] != '/'
            return match[0]
        return f'```ini\n{match["keys"]}```\n\n```text\n{error}```\n'

    assert_told(page, INI.sub(retold, text_of(page)))


def test_each_key_is_described_with_its_default():
    described = re.findall(
        r'^## `(\w+)`\n\n(?:[^#`]|`[^`])+?^Default: (.*?)[.,]',
        text_of(DOCS / 'configuration.md'),
        re.MULTILINE,
    )
    defaults = {
        key: value if value == 'none' else value.strip('`') for key, value in described
    }
    expected = {
        key: {False: 'no'}.get(value, value)
        if isinstance(value, (bool, str))
        else ' '.join(value) or 'none'
        for key, value in Settings().values.items()
    }
    assert defaults == expected


REFUSED = [
    'relay.example.org',
    '192.168.10.3,',
    '"192.168.10.3"',
    '[192.168.10.3]',
    '192.168.10.3;192.168.10.4',
    '192.168.10.1/24',
    '192.168.10.0/0.0.0.255',
    '192.168.10.*',
    '192.0.2.1-9',
    '192.168.010.3',
    '192.168.10.300',
    'fe80::1%eth0',
    'IPv6:2001:db8::/64',
    '2001:DB8::/129',
    '!',
    '!!192.168.10.3',
    '^192\\.168\\.10\\.(3',
    '^2001:DB8:',
    '^192\\.168\\.10\\.3,',
    '^([0-9a-f]*:?)*::1$',
    '^(.)\\1',
]


def print_refused():
    lines = ['| entry | what `check` says of it |', '|---|---|']
    for entry in REFUSED:
        with pytest.raises(ValueError, match=r'\S') as error:
            AddressList.parse([entry])
        said = str(error.value).replace('|', '\\|')
        lines.append(f'| `{entry}` | `{said}` |')
    return ''.join(f'{line}\n' for line in lines)


def test_entries_that_are_refused_are_said_to_be():
    assert_documented(DOCS / 'configuration.md', '| entry |', print_refused())


# Routes.


def judged(route):
    header = Header.parse(make_post(route.fields, trace=route.headers))
    return decide(header, SETTINGS, usenet=route.usenet)


def drawing(name):
    route = next(one for one in (*ROUTES, *STRANGERS) if one.name == name)
    lines = draw(judged(route), 'post.eml').rstrip('\n').split('\n')[2:]
    return ''.join(f'{line}\n' for line in lines if 'The route alone' not in line)


@pytest.mark.parametrize('name', WITH_ROUTES)
def test_routes_are_drawn_as_explain_draws_them(name):
    page = next(one for one in (ROOT / name, DOCS / name) if one.exists())

    def redrawn(match):
        name = match['name']
        return f'<!-- drawn: {name} -->\n```text\n{drawing(name)}```\n'

    assert_told(page, DRAWN.sub(redrawn, text_of(page)))


def test_demo_prints_what_is_shown(capsys):
    # With what should become of each post; `make demo` fails if something else does.
    outcomes, decisions = [], []
    for route in POSTED:
        outcomes.append(Outcome.DELIVERED if route.trusted else Outcome.HELD)
        pairs = log_line(judged(route)).split()
        decisions.append(dict(pair.split('=', 1) for pair in pairs if '=' in pair))
    assert report(outcomes, decisions) == 0
    table = capsys.readouterr().out.split('\n\n')[0].lstrip('\n')
    assert_documented(DOCS / 'start.md', 'route   ', f'{table}\n```\n')


def differences() -> Iterator[tuple[Route, str]]:
    """Posts, each with why the handler and the plugin say the same or not."""
    by_name = {route.name: route for route in (*ROUTES, *STRANGERS)}
    relay, out = GOOD[:2]
    own = received('[192.168.1.20]', 'unknown', '198.51.100.20', OUT, 'ESMTPSA')
    ipv6 = received('x', 'unknown', 'IPv6:2001:db8::66', RELAY)
    php = f'by {RELAY} (Postfix, from userid 33) id 4F00000002; {GOOD[0][-37:]}'
    alias = f'by {RELAY} (Postfix) id 4F00000003; {GOOD[0][-37:]}'
    literal = received('[10.9.9.9]', RELAY, '192.168.10.3', LISTS, 'ESMTPS')
    yield by_name['program > outgoing > relay > Mailman host'], 'nothing differs'
    yield (
        Route(
            'the same, and HELO of the program is a literal', (relay, out, own), True
        ),
        'it is one hop either way',
    )
    yield (
        Route(
            'the same, and HELO of the relay is a literal', (literal, *GOOD[1:]), True
        ),
        'the handler reads the HELO',
    )
    yield by_name['anyone > relay > Mailman host'], 'nothing differs'
    yield (
        by_name['forged HELO literal > Mailman host'],
        'HELO is `[192.168.10.1]`, and that is all it takes',
    )
    yield by_name['forged HELO literal > relay > Mailman host'], 'the same'
    yield (
        by_name['forged HELO, copied good route > relay > Mailman host'],
        'one hop too many for the handler',
    )
    yield (
        Route(
            'copied good route, by IPv6 > relay > Mailman host',
            (relay, ipv6, *GOOD[1:]),
            False,
        ),
        'the handler passes over an IPv6 address in its short form',
    )
    yield (
        Route(
            'web server on the relay, by the sendmail command',
            (relay, php, *GOOD[1:]),
            False,
        ),
        'the handler passes over fields without `from`; the rest is forged',
    )
    yield (
        Route('alias on the relay', (relay, alias, *GOOD[1:]), True),
        'the same form, which a Postfix that hides its clients writes, too; '
        '`alias_hops: yes` vouches that none does',
    )
    yield (
        by_name['no Received field at all'],
        'the handler fails, and Mailman shunts it',
    )
    for route in STRANGERS:
        yield route, 'the words of a stranger'
    yield (
        Route(
            'automatic reply > outgoing > relay > Mailman host',
            GOOD,
            False,
            ('Auto-Submitted: auto-replied (vacation)',),
        ),
        'the same',
    )
    yield (
        Route(
            'relay > outgoing > Mailman host',
            (
                received(OUT, OUT, '192.168.10.1', LISTS, 'ESMTPS'),
                received(RELAY, RELAY, '192.168.10.3', OUT, 'ESMTPSA'),
            ),
            False,
        ),
        'a server is no user',
    )
    yield (
        by_name['program > unknown > outgoing > relay > Mailman host'],
        'nothing differs',
    )


def print_differences():
    lines = ['| post | handler | plugin | why |', '|---|---|---|---|']
    for route, why in differences():
        message = message_from_bytes(make_post(route.fields, trace=route.headers))
        try:
            trusted = original(message, LOCAL.split(), REMOTE.split())
            handler = 'trusted' if trusted else 'not trusted'
        except TypeError:
            handler = 'an error'
        verdict = judged(route).verdict
        plugin = 'trusted' if verdict else f'`{verdict.reason.value}`'
        lines.append(f'| {route.name} | {handler} | {plugin} | {why} |')
    return ''.join(f'{line}\n' for line in lines)


def test_differences_to_the_handler_are_as_shown():
    assert_documented(DOCS / 'mailman-2.md', '| post |', print_differences())


def print_vectors():
    hostile = json.loads((DATA / 'hostile.json').read_text(encoding='utf-8'))
    routes = load('routes')
    rows = {
        'captured.jsonl': (
            len(load('captured')),
            'transactions with seven mail servers, friendly and hostile',
        ),
        'routes.jsonl': (
            len(routes),
            'whole routes through networks of three servers; '
            f'{sum(not one["trusted"] for one in routes)} must not be trusted',
        ),
        'collected.jsonl': (
            len(load('collected')),
            'fields from public archives and test suites',
        ),
        'fields.jsonl': (
            len(load('fields')),
            'fields made for one point of the grammar each',
        ),
        'sites.jsonl': (
            len(load('sites')),
            'routes of organisations, and traps beside them',
        ),
        'fooled.jsonl': (len(load('fooled')), 'what fooled an earlier version'),
        'hostile.json': (
            sum(map(len, hostile.values())),
            'HELOs, envelopes and answers to ident of an attacker',
        ),
    }
    lines = ['| vectors | how many | what they are |', '|---|---|---|']
    for name, (number, what) in rows.items():
        lines.append(f'| `{name}` | {number:,} | {what} |')
    return ''.join(f'{line}\n' for line in lines)


def test_numbers_of_vectors_are_true():
    assert_documented(DOCS / 'security.md', '| vectors |', print_vectors())


def test_titles_of_the_measurements_are_those_of_the_program():
    program = text_of(ROOT / 'dev' / 'benchmarks' / '__main__.py')
    titles = re.findall(r"^    \('(.+)', \w+\.\w+\),$", program, re.MULTILINE)
    run = text_of(DOCS / 'speed.md').split('```')[1]
    assert re.findall(r'\n\n(\S.+)', run) == titles


def test_run_of_the_network_has_all_that_is_tried_and_its_sums():
    run = text_of(DOCS / 'network.md')
    tried = Counter(
        route.trusted for mix in MIXES for route in NETWORK if route.exists_in(mix)
    )
    assert f'good routes: {tried[True]} tried, {tried[True]} trusted' in run
    assert f'other routes: {tried[False]} tried, 0 trusted' in run
    names = [one.name for one in (*NETWORK, *POSTS)]
    names += [f'mail to a friend, {one.name}' for one in REPLAYS]
    for name in (*names, *map(str, SIEGES)):
        assert f'{name}  ' in run, name
    attempts = re.findall(r'^\S+ .* (\d+) +\d+ +\d+ +0$', run, re.MULTILINE)
    assert f'hostile attempts: {sum(map(int, attempts))} tried, 0 trusted' in run


# The log.


def test_lines_of_the_log_are_as_they_are_written():
    data = make_post(BAD, message_id='<x@example.net>')
    mlist = MailingList('staff.lists.example.org', POSTING_ADDRESS, CHAIN, 'hold')
    configuration = Configuration(SETTINGS)
    written = [
        [log_line(decide(Header.parse(data), SETTINGS, mlist))],
        [
            take_up_line(configuration, None, True),
            take_up_line(configuration, None, False),
        ],
        [chain_line('staff.example.org', CHAIN)],
    ]
    lines = LOGGED.findall(text_of(DOCS / 'operations.md'))
    digest = configuration.digest
    assert [one.replace('4f3d2a1b0c9e', digest).splitlines() for one in lines] == (
        written
    )


# Commands.


@pytest.fixture(scope='module')
def site():
    """A Mailman with two lists, one on the chain of somebody else, and two posts."""
    files = {
        'mm_cfg.py': "TRUSTEDLOCALSERVER = ['127.0.0.1', '192.168.10.3']\n"
        "TRUSTEDREMOTESERVER = [r'^192\\.168\\.10\\.[12]$']\n"
    }
    with MailmanSite(CONFIGURATION, files) as site:
        put_mailman_on_the_path(site)
        site.create_list(POSTING_ADDRESS)
        board = POSTING_ADDRESS.replace('staff', 'board')
        site.create_list(board)
        put_on_chain(site, board, 'accept')
        choose_chain(site, CHAIN)
        ids = []
        for name, fields in (('good', GOOD), ('forged', BAD)):
            ids.append(f'<{name}@example.org>')
            post = make_post(fields, to=POSTING_ADDRESS, message_id=ids[-1])
            (site.directory / f'{name}.eml').write_bytes(post)
            site.post(POSTING_ADDRESS, post, 'alice@example.org')
        site.wait_for(ids)
        yield site


def choose_chain(site, chain):
    path = f'/3.1/plugins/trustedserver/lists/{POSTING_ADDRESS.replace("@", ".")}'
    site.rest('PATCH', path, {'posting_chain': chain})


@pytest.mark.mailman
@pytest.mark.parametrize('name', TOLD)
def test_commands_print_what_is_shown(site, name):
    page = DOCS / name
    choose_chain(site, DEFAULT_CHAIN)

    def retold(match):
        if match['note']:
            return match[0]
        printed, _ = run(site, match['command'])
        assert 'Traceback' not in printed
        return block(match['indent'], match['command'], plain(site, printed))

    assert_told(page, COMMAND.sub(retold, text_of(page)))


@pytest.mark.mailman
def test_command_for_a_post_that_was_held_explains_it(site):
    (command,) = re.findall(
        '^    (mailman .+ LIST post.eml)$', text_of(DOCS / 'symptoms.md'), re.MULTILINE
    )
    command = command.replace('LIST', POSTING_ADDRESS).replace('post.eml', 'forged.eml')
    printed, exit_code = run(site, command)
    assert 'not trusted (unlisted-peer)' in printed
    assert exit_code == 1
