# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list styles that put a new list on the chain."""

from mailman.interfaces.styles import IStyle
from mailman.styles.default import LegacyAnnounceOnly, LegacyDefaultStyle
from mailman_trustedserver.adapter import put_on_chain
from mailman_trustedserver.names import ANNOUNCE_STYLE, CHAIN, STYLE
from public import public
from zope.interface import implementer


# A phone shows the beginning.  The rest is Mailman's own, as it translates it;
# Postorius shows what Mailman has.
DESCRIPTION = 'Trusted servers: {}'


class _OnTheChain:
    """What Mailman's own style of the same kind is, on the trusted-server chain."""

    def apply(self, mailing_list):
        """See `IStyle`."""
        super().apply(mailing_list)  # type: ignore[misc]
        put_on_chain(mailing_list, CHAIN)


@public
@implementer(IStyle)
class TrustedServerStyle(_OnTheChain, LegacyDefaultStyle):
    """An ordinary discussion list on the trusted-server chain."""

    name = STYLE
    description = DESCRIPTION.format(LegacyDefaultStyle.description)


@public
@implementer(IStyle)
class TrustedServerAnnounceStyle(_OnTheChain, LegacyAnnounceOnly):
    """An announce-only list on the trusted-server chain."""

    name = ANNOUNCE_STYLE
    description = DESCRIPTION.format(LegacyAnnounceOnly.description)
