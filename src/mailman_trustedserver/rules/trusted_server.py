# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rule that matches posts whose route is trusted."""

from mailman.core.i18n import _
from mailman.interfaces.rules import IRule
from mailman_trustedserver.adapter import is_trusted
from mailman_trustedserver.names import RULE
from public import public
from zope.interface import implementer


@public
@implementer(IRule)
class TrustedServer:
    """Match posts that came through the trusted servers only."""

    name = RULE
    description = _('Match messages that came through trusted servers only.')
    # The rule `any` holds every post that has a recorded hit; the chain
    # records this one when that cannot happen any more.
    record = False

    def check(self, mlist, msg, msgdata):
        """See `IRule`."""
        return is_trusted(mlist, msg, msgdata)
