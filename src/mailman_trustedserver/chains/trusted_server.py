# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The posting chain that bypasses moderation for trusted posts."""

from mailman.chains.base import Link
from mailman.config import config
from mailman.core.i18n import _
from mailman.interfaces.chain import IChain, LinkAction
from mailman.interfaces.rules import IRule
from mailman_trustedserver.adapter import settings_for, values_of
from mailman_trustedserver.names import CHAIN, DEFAULT_CHAIN, MODERATION_RULES, RULE
from mailman_trustedserver.reasons import Reason
from public import public
from zope.interface import implementer


# The chain to which the default one jumps to carry out what they decide.
MODERATION_CHAIN = 'moderation'

# The decision, and all that such a rule leaves with it in msgdata.  Others
# write some of these as well: header matches, and the DMARC rule.
DECISION = 'member_moderation_action'
MODERATION_KEYS = (
    'moderation_action',
    DECISION,
    'moderation_sender',
    'moderation_reasons',
)

# The built-in chains that end it, from the mildest.
OUTCOMES = ('accept', 'hold', 'reject', 'discard')

# What Mailman adds to a post, and never takes off one that comes in with it.
RECORDS = ('x-mailman-rule-hits', 'x-mailman-rule-misses')


def _remove_records(mlist, msg, msgdata):
    # RFC 5322 4.5.8 lets white space stand before the colon.
    for name in list(msg):
        if name.strip().lower() in RECORDS:
            del msg[name]


def _record_hit(mlist, msg, msgdata):
    msgdata['rule_hits'].append(RULE)


def _record_miss(mlist, msg, msgdata):
    msgdata['rule_misses'].append(RULE)


@public
@implementer(IChain)
class TrustedServerPostingChain:
    """Trusted posts bypass moderation; for all others nothing changes."""

    name = CHAIN
    description = _(
        'The built-in moderation chain; posts that came through trusted '
        'servers bypass the moderation of members and nonmembers.'
    )

    def get_links(self, mlist, msg, msgdata):
        """See `IChain`."""
        # Whatever the verdict: anybody can write that his post is trusted.
        yield Link('truth', LinkAction.run, function=_remove_records)
        yield Link(RULE, LinkAction.jump, _TrustedChain())
        yield Link('truth', LinkAction.run, function=_record_miss)
        yield Link('truth', LinkAction.jump, DEFAULT_CHAIN)


@implementer(IChain)
class _TrustedChain:
    """The default chain, whatever links this Mailman has, for trusted posts."""

    name = CHAIN + '-trusted'
    description = _('The built-in moderation chain for trusted posts.')

    def get_links(self, mlist, msg, msgdata):
        """See `IChain`."""
        default = config.chains[DEFAULT_CHAIN]
        bypassed: dict[str, object] = {}
        for link in default.get_links(mlist, msg, msgdata):
            if link.action is LinkAction.jump:
                rule = link.rule
                if _moderates(link):
                    rule = _ModerationRule(rule, bypassed)
                link = Link(
                    rule, link.action, _RecordingChain(link.chain), link.function
                )
            elif link.action is LinkAction.detour:
                link = Link(
                    link.rule,
                    link.action,
                    _DetourChain(link.chain, bypassed),
                    link.function,
                )
            yield link


def _moderates(link):
    return _is(link.chain, MODERATION_CHAIN, config.chains) and any(
        _is(link.rule, name, config.rules) for name in MODERATION_RULES
    )


def _is(component, name, registered):
    # Another plugin may have registered its own under this name.  Whether the
    # default chain has that one or still Mailman's depends on which came
    # first: it keeps its links.
    return component is registered.get(name) or component.name == name


def _bypassed_actions(mlist):
    settings = settings_for(values_of(mlist))
    return () if isinstance(settings, Reason) else settings.bypassed_actions


@implementer(IRule)
class _ModerationRule:
    """A moderation rule that misses if its decision is bypassed.

    It runs as ever, so that the sender is noted as a nonmember.  What it lets
    through at once stays let through: the checks that follow would make a
    trusted post worse off than any other.
    """

    description = _('Match messages whose moderation is not bypassed.')

    def __init__(self, rule, bypassed):
        self._rule = rule
        self._bypassed = bypassed
        self.name = rule.name
        self.record = rule.record

    def check(self, mlist, msg, msgdata):
        """See `IRule`."""
        before = {
            # The rule appends to the list of reasons.
            key: list(value) if isinstance(value, list) else value
            for key, value in msgdata.items()
            if key in MODERATION_KEYS
        }
        if not self._rule.check(mlist, msg, msgdata):
            return False
        # Without a sender it is an `Action`, else the name of one.
        action = msgdata.get(DECISION)
        if str(getattr(action, 'name', action)) not in _bypassed_actions(mlist):
            return True
        self._bypassed.update(
            {key: msgdata[key] for key in MODERATION_KEYS if key in msgdata}
        )
        _replace_decision(msgdata, before)
        return False


def _replace_decision(msgdata, decision):
    for key in MODERATION_KEYS:
        msgdata.pop(key, None)
    msgdata.update(decision)


@implementer(IChain)
class _DetourChain:
    """A detour that does no more than the moderation that was bypassed.

    In Mailman 3.3.8 and 3.3.9 the header matches stand between the two
    moderation rules.  A post that the first one holds never meets them.
    """

    def __init__(self, chain, bypassed):
        self._chain = chain
        self._bypassed = bypassed
        self.name = chain.name
        self.description = chain.description

    def get_links(self, mlist, msg, msgdata):
        """See `IChain`."""
        for link in self._chain.get_links(mlist, msg, msgdata):
            if link.action is LinkAction.jump:
                chain = link.chain
                if self._stricter(chain.name):
                    chain = _BypassedChain(self._bypassed)
                link = Link(
                    link.rule, link.action, _RecordingChain(chain), link.function
                )
            yield link

    def _stricter(self, outcome):
        if not self._bypassed:
            return False
        action = self._bypassed[DECISION]
        allowed = OUTCOMES[: OUTCOMES.index(getattr(action, 'name', action)) + 1]
        return outcome not in allowed


@implementer(IChain)
class _BypassedChain:
    """What would have become of the post if nothing had been bypassed."""

    name = CHAIN + '-bypassed'
    description = _('Carry out the moderation that was bypassed.')

    def __init__(self, decision):
        self._decision = decision

    def get_links(self, mlist, msg, msgdata):
        """See `IChain`."""
        _replace_decision(msgdata, self._decision)
        yield Link('truth', LinkAction.jump, MODERATION_CHAIN)


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
