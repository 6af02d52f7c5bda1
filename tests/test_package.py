# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The package as a program imports it."""

import ast
import mailman_trustedserver
import pytest
import re
import subprocess
import sys

from dev.site.posts import ROOT
from mailman_trustedserver.formats import FORMATS, Kind
from mailman_trustedserver.reasons import Reason
from mailman_trustedserver.received import read
from mailman_trustedserver.settings import Settings
from pathlib import Path
from tests.conftest import assert_documented, need
from textwrap import dedent


SOURCE = Path(mailman_trustedserver.__file__).parent


def test_all_is_literal_sorted_and_true():
    exported = mailman_trustedserver.__all__
    assert exported == sorted(exported)
    public = {
        name
        for name, value in vars(mailman_trustedserver).items()
        if not name.startswith('_')
        and getattr(value, '__module__', '').startswith('mailman_trustedserver')
    }
    assert public == set(exported)


@pytest.mark.parametrize(
    'name',
    [
        '__main__',
        'addresses',
        'decision',
        'explaining',
        'expressions',
        'flattening',
        'formats',
        'header',
        'mbox',
        'names',
        'nearest',
        'output',
        'policy',
        'reasons',
        'received',
        'report',
        'scopes',
        'settings',
        'shared_senders',
    ],
)
def test_core_imports_the_standard_library_and_itself_only(name):
    tree = ast.parse((SOURCE / f'{name}.py').read_text(encoding='utf-8'))
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(
            '.'
        )[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    known = getattr(sys, 'stdlib_module_names', imported)
    assert imported <= {*known, 'mailman_trustedserver'}
    assert 'mailman' not in imported


@pytest.mark.parametrize(
    'path',
    sorted(
        path
        for folder in (SOURCE, ROOT / 'dev', ROOT / 'tests')
        for path in folder.rglob('*.py')
    ),
    ids=str,
)
def test_source_names_its_licence(path):
    lines = path.read_text(encoding='utf-8').splitlines()
    assert lines[0].startswith('# SPDX-FileCopyrightText: ')
    assert lines[1] == '# SPDX-License-Identifier: GPL-3.0-or-later'


def print_formats():
    """The rows of the table of formats, as a table for people."""
    lines = ['| form | versions, and where it is to be seen | a field | what is read |']
    lines.append('|---|---|---|---|')
    for row in FORMATS:
        hop = read(row.example)[0]
        if hop.peer is not None:
            found = f'{hop.peer}, AUTH' if hop.authenticated else str(hop.peer)
        elif row.kind is Kind.COMMAND:
            found = f're-injection by {hop.user or "an unnamed user"}'
        elif row.kind is Kind.QUEUE:
            found = 're-injection'
        elif row.kind is Kind.ALIAS:
            found = 'no peer: hidden, or sent on by an alias'
        else:
            found = 'no peer'
        lines.append(
            f'| {row.name} | {row.versions}; {row.source} | `{row.example}` | {found} |'
        )
    return ''.join(f'{line}\n' for line in lines)


def test_documented_formats_are_the_rows():
    assert_documented(ROOT / 'docs' / 'formats.md', '| form |', print_formats())


def test_documentation_has_every_reason():
    text = (ROOT / 'docs' / 'symptoms.md').read_text(encoding='utf-8')
    for reason in Reason:
        if not reason.value.startswith('dkim-'):
            assert f'| `{reason.value}` |' in text


def print_dkim_reasons():
    """The table of why no signature is taken, for docs/dkim.md."""
    lines = ['| reason | what is so | what to do |', '|---|---|---|']
    for reason in Reason:
        if reason.value.startswith('dkim-'):
            lines.append(
                f'| `{reason.value}` | {reason.sentence} | {reason.remedies[""]} |'
            )
    return ''.join(f'{line}\n' for line in lines)


def test_documented_reasons_of_dkim_are_those_of_the_rule():
    assert_documented(ROOT / 'docs' / 'dkim.md', '| reason |', print_dkim_reasons())


@pytest.mark.parametrize('page', ['configuration', 'start'])
def test_example_in_the_manual_is_the_example_file(page):
    text = (ROOT / 'docs' / f'{page}.md').read_text(encoding='utf-8')
    example = dedent(text.split('```ini\n')[1].split('```')[0])
    lines = (ROOT / 'mailman.cfg.example').read_text(encoding='utf-8').splitlines()
    assert example.splitlines() == [
        line for line in lines if line and not line.startswith('#')
    ]


def test_example_file_has_every_key():
    text = (ROOT / 'mailman.cfg.example').read_text(encoding='utf-8')
    assert set(Settings().values) <= set(re.findall(r'^#?(\w+):', text, re.M))


def test_architecture_lists_every_part_of_the_package():
    text = (ROOT / 'docs' / 'architecture.md').read_text(encoding='utf-8')
    block = text.split('src/mailman_trustedserver/\n')[1].split('```')[0]
    listed = re.findall(r'^  (\w+(?:\.py|/)) ', block, re.M)
    parts = {
        path.name + ('/' if path.is_dir() else '')
        for path in SOURCE.iterdir()
        if path.suffix == '.py' or (path / '__init__.py').exists()
    }
    assert sorted(listed) == sorted(parts)


def test_root_has_few_folders():
    listed = subprocess.run(
        ['git', 'ls-files'], cwd=ROOT, capture_output=True, check=False, text=True
    )
    need(listed.returncode == 0, 'this needs a clone: git clone, then make test')
    folders = {line.split('/')[0] for line in listed.stdout.split('\n') if '/' in line}
    assert len(folders) <= 6
