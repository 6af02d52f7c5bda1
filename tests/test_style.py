# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list styles."""

import pytest

from tests.conftest import ANNOUNCE_STYLE, CHAIN, STYLE


pytestmark = pytest.mark.mailman

# Each with Mailman's own style of the same kind.
STYLES = [(STYLE, 'legacy-default'), (ANNOUNCE_STYLE, 'legacy-announce')]

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


@pytest.mark.parametrize(('style', 'legacy'), STYLES)
def test_list_of_a_style_is_on_the_chain_and_else_an_ordinary_one(mlist, style, legacy):
    from mailman.app.lifecycle import create_list

    ours = create_list('ours@example.com', style_name=style)
    ordinary = create_list('ordinary@example.com', style_name=legacy)
    assert ours.posting_chain == CHAIN
    assert attributes(ours) == attributes(ordinary)
    assert len(attributes(ours)) > 80
    assert ours.display_name == 'Ours'
    assert ours.subject_prefix == '[Ours] '


def test_styles_are_told_from_all_others_by_their_first_words(mlist):
    from mailman.interfaces.styles import IStyleManager
    from zope.component import getUtility

    styles = {
        style.name: style.description for style in getUtility(IStyleManager).styles
    }
    assert styles[STYLE] == ('Trusted servers: Ordinary discussion mailing list style.')
    assert styles[ANNOUNCE_STYLE] == (
        'Trusted servers: Announce only mailing list style.'
    )
    # A phone shows about this much.
    assert len({description[:30] for description in styles.values()}) == len(styles)
