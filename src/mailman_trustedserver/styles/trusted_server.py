# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list style that puts a new list on the chain."""

from mailman.core.i18n import _
from mailman.interfaces.styles import IStyle
from mailman.styles.default import LegacyDefaultStyle
from mailman_trustedserver.names import CHAIN, STYLE
from public import public
from zope.interface import implementer


@public
@implementer(IStyle)
class TrustedServerStyle:
    """An ordinary discussion list on the trusted-server chain."""

    name = STYLE
    description = _(
        'Ordinary discussion mailing list style; posts that came through '
        'trusted servers are not moderated.'
    )

    def apply(self, mailing_list):
        """See `IStyle`."""
        LegacyDefaultStyle().apply(mailing_list)
        mailing_list.posting_chain = CHAIN
