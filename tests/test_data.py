# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page that says what the vectors are, against the vectors."""

import json
import pytest
import re

from tests.vectors import DATA, load


FILES = sorted(
    path.relative_to(DATA).as_posix()
    for path in DATA.rglob('*.json*')
    if path.is_file()
)


def described():
    """The keys of each file that the page describes."""
    page = (DATA / 'README.md').read_text(encoding='utf-8')
    sections = re.split(r'^## `([^`]+)`$', page, flags=re.MULTILINE)[1:]
    return {
        name: re.findall(r'^\| `([^`]+)` \| \S', text, flags=re.MULTILINE)
        for name, text in zip(sections[::2], sections[1::2])
    }


def keys(value, prefix=''):
    """The keys of an object and of the objects in it, with a dot between them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield prefix + key
            yield from keys(inner, f'{prefix}{key}.')
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner, prefix)


def test_every_file_is_described():
    assert sorted(described()) == FILES


@pytest.mark.parametrize('name', FILES)
def test_every_key_is_described_and_no_other(name):
    if name.endswith('.jsonl'):
        value = load(name[: -len('.jsonl')])
    else:
        value = json.loads((DATA / name).read_text(encoding='ascii'))
    found = described()[name]
    assert len(found) == len(set(found))
    assert set(found) == set(keys(value))


@pytest.mark.parametrize('name', [name for name in FILES if name.endswith('.jsonl')])
def test_each_vector_is_known_by_one_name(name):
    key = 'file' if name.startswith('reported') else 'id'
    names = [vector[key] for vector in load(name[: -len('.jsonl')])]
    assert len(names) == len(set(names))


def test_kind_of_a_route_agrees_with_its_verdict():
    routes = load('routes')
    assert {vector['route'] for vector in routes} == {
        'good',
        'unknown-before-outgoing',
        'unknown-after-outgoing',
        'attack',
    }
    for vector in routes:
        assert vector['trusted'] == (vector['route'] == 'good')
