# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The posting chain that skips moderation for trusted posts."""

from mailman.chains.base import Link
from mailman.config import config
from mailman.core.i18n import _
from mailman.interfaces.chain import IChain, LinkAction
from mailman_trustedserver.adapter import CHAIN, DEFAULT_CHAIN, RULE
from public import public
from zope.interface import implementer


# What a trusted post bypasses; every other link of the default chain stays.
BYPASSED_RULES = ('member-moderation', 'nonmember-moderation')


def _record_hit(mlist, msg, msgdata):
    msgdata['rule_hits'].append(RULE)


def _record_miss(mlist, msg, msgdata):
    msgdata['rule_misses'].append(RULE)


@public
@implementer(IChain)
class TrustedServerPostingChain:
    """Trusted posts skip moderation; for all others nothing changes."""

    name = CHAIN
    description = _(
        'The built-in moderation chain; posts that came through trusted '
        'servers skip the moderation of members and nonmembers.'
    )

    def get_links(self, mlist, msg, msgdata):
        """See `IChain`."""
        yield Link(RULE, LinkAction.jump, _TrustedChain())
        yield Link('truth', LinkAction.run, function=_record_miss)
        yield Link('truth', LinkAction.jump, DEFAULT_CHAIN)


@implementer(IChain)
class _TrustedChain:
    """The default chain, whatever links this Mailman has, less moderation."""

    name = CHAIN + '-trusted'
    description = _('The built-in moderation chain for trusted posts.')

    def get_links(self, mlist, msg, msgdata):
        """See `IChain`."""
        default = config.chains[DEFAULT_CHAIN]
        # In Mailman 3.3.8 and 3.3.9 another link stands between the two.
        for link in default.get_links(mlist, msg, msgdata):
            if link.rule.name in BYPASSED_RULES:
                continue
            if link.action is LinkAction.jump:
                link = Link(
                    link.rule,
                    link.action,
                    _RecordingChain(link.chain),
                    link.function,
                )
            yield link


@implementer(IChain)
class _RecordingChain:
    """Record the hit just before the post leaves for another chain.

    Any earlier, the rule `any` would see the hit and hold the post.
    """

    name = CHAIN + '-leaving'
    description = _('Record that the post is trusted.')

    def __init__(self, chain):
        self._chain = chain

    def get_links(self, mlist, msg, msgdata):
        """See `IChain`."""
        yield Link('truth', LinkAction.run, function=_record_hit)
        yield Link('truth', LinkAction.jump, self._chain)
