# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mail systems of docs/your-mail-system.md, with the keys that it recommends."""

import pytest
import re

from dev.site.posts import ROOT
from mailman_trustedserver import decide, Header, parse_settings
from mailman_trustedserver.advice.lint import lint
from mailman_trustedserver.report import draw
from mailman_trustedserver.scopes import Configuration
from tests.conftest import assert_documented
from tests.told import assert_told
from tests.vectors import load


PAGE = ROOT / 'docs' / 'your-mail-system.md'
SYSTEMS = {system['id']: system for system in load('systems')}
SECTION = re.compile(
    r'^## (?P<title>.+)\n\n```ini\n(?P<keys>[^`]+)```\n(?P<text>[^#]+?)'
    r'```text\n(?P<drawing>[^`]*)```\n',
    re.MULTILINE,
)
OTHERS = (
    'trusted_remote_servers',
    'authenticated_remote_servers',
    'dedicated_remote_servers',
)
LOCAL = {'trusted_local_servers': '127.0.0.1'}


def sections():
    return list(SECTION.finditer(PAGE.read_text(encoding='utf-8')))


def system_of(title):
    name = title.lower().replace(' on premises', '').replace('cisco esa', 'cisco')
    return SYSTEMS[name.replace(' ', '-')]


def judged(title, keys):
    system = system_of(title)
    fields = [('received', field) for field in system['fields']]
    fields += [(name.lower(), text) for name, text in system.get('header', {}).items()]
    header = Header((*fields, ('from', 'alice@example.org')))
    # Tests of their own verify signatures.
    signed = (lambda: None) if system.get('signed') else None
    return decide(header, parse_settings({**LOCAL, **keys}, 'the page'), signed=signed)


def keys_of(section):
    pairs = (line.partition(':') for line in section['keys'].splitlines())
    return {key: value.strip() for key, _, value in pairs}


def print_table():
    """The verdict on each system under the keys of its section, and under others."""
    lines = [
        '| system | key | trusted | ' + ' | '.join(OTHERS) + ' |',
        '|---' * 6 + '|',
    ]
    for section in sections():
        title, keys = section['title'], keys_of(section)
        key, server = next(iter(keys.items()))
        if key == 'microsoft_365_tenants':
            server = '40.107.0.0/16'
        found = [judged(title, keys)]
        found += [judged(title, {other: server}) for other in OTHERS]
        cells = [
            'yes' if one.verdict else f'no: {one.verdict.reason.value}' for one in found
        ]
        lines.append(f'| {title} | `{key}` | ' + ' | '.join(cells) + ' |')
    return ''.join(f'{line}\n' for line in lines)


def print_drawing(section):
    drawing = draw(judged(section['title'], keys_of(section)), 'post.eml')
    # Without the name of the file, and the line for those who gave no list.
    lines = drawing.rstrip('\n').split('\n')[2:]
    return ''.join(f'{line}\n' for line in lines if 'The route alone' not in line)


def test_each_system_has_a_section_and_each_section_a_system():
    titles = [section['title'] for section in sections()]
    assert len(titles) == PAGE.read_text(encoding='utf-8').count('\n## ')
    assert [system_of(title)['id'] for title in titles] == list(SYSTEMS)


@pytest.mark.parametrize('title', [section['title'] for section in sections()])
def test_system_is_trusted_with_the_keys_that_the_page_recommends(title):
    section = next(one for one in sections() if one['title'] == title)
    decision = judged(title, keys_of(section))
    assert decision.verdict.trusted
    assert lint(Configuration(decision.settings)) == []


@pytest.mark.parametrize('title', [section['title'] for section in sections()])
def test_system_is_not_trusted_behind_an_outsider(title):
    section = next(one for one in sections() if one['title'] == title)
    system = system_of(title)
    outsider = system['fields'][0].replace('[192.0.2.1]', '[203.0.113.66]')
    if outsider == system['fields'][0]:
        outsider = re.sub(r'\[[0-9.]+\]', '[203.0.113.66]', outsider)
    fields = [outsider, *system['fields']]
    header = Header(tuple(('received', field) for field in fields))
    settings = parse_settings({**LOCAL, **keys_of(section)}, 'the page')
    verdict = decide(header, settings, signed=lambda: None).verdict
    assert verdict.reason.value == 'unlisted-peer'


def test_documented_table_is_what_comes_out():
    assert_documented(PAGE, '| system |', print_table())


def test_documented_routes_are_as_they_are_drawn():
    def redrawn(section):
        start = section.start('drawing') - section.start()
        return section[0][:start] + print_drawing(section) + '```\n'

    assert_told(PAGE, SECTION.sub(redrawn, PAGE.read_text(encoding='utf-8')))
