# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list style."""

import pytest

from tests.conftest import CHAIN, STYLE


pytestmark = pytest.mark.mailman

# What tells one list from another, whatever its style.
OF_ITS_OWN = {
    'id',
    'list_name',
    '_list_id',
    'created_at',
    'display_name',
    'subject_prefix',
    'posting_chain',
}


def attributes(mlist):
    """What the database holds of a list."""
    from mailman.model.mailinglist import MailingList

    names = {column.key for column in MailingList.__mapper__.column_attrs}
    return {name: getattr(mlist, name) for name in names - OF_ITS_OWN}


def test_list_of_the_style_is_on_the_chain(mlist):
    from mailman.app.lifecycle import create_list

    created = create_list('new@example.com', style_name=STYLE)
    assert created.posting_chain == CHAIN


def test_list_of_the_style_is_else_an_ordinary_one(mlist):
    from mailman.app.lifecycle import create_list

    ours = create_list('ours@example.com', style_name=STYLE)
    ordinary = create_list('ordinary@example.com', style_name='legacy-default')
    assert attributes(ours) == attributes(ordinary)
    assert len(attributes(ours)) > 80
    assert ours.display_name == 'Ours'
    assert ours.subject_prefix == '[Ours] '


def test_style_is_offered_with_a_description(mlist):
    from mailman.interfaces.styles import IStyleManager
    from zope.component import getUtility

    styles = {
        style.name: style.description for style in getUtility(IStyleManager).styles
    }
    assert 'trusted servers are not moderated' in styles[STYLE]
    assert styles[STYLE] != styles['legacy-default']
