# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The package as a program imports it."""

import ast
import sys

import mailman_trustedserver
import pytest

from pathlib import Path


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


@pytest.mark.parametrize('name', ['addresses', 'formats', 'received', 'policy', 'settings'])
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
    sorted([*SOURCE.rglob('*.py'), *Path(__file__).parent.glob('*.py')]),
    ids=str,
)
def test_source_names_its_licence(path):
    lines = path.read_text(encoding='utf-8').splitlines()
    assert lines[0].startswith('# SPDX-FileCopyrightText: ')
    assert lines[1] == '# SPDX-License-Identifier: GPL-3.0-or-later'
