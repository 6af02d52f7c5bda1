# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A decision, as REST describes it, in words of the reader's language."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from mailman_trustedserver.reasons import Actor, Reason
from postorius.forms.list_forms import MessageAcceptanceForm


__all__ = ['MEANINGS', 'Verdict', 'action_label', 'nonmember_setting']

# Of the whole plugin: nothing is known of the route.
_NOTHING_IN_FORCE = {Reason.NOT_ENABLED, Reason.CONFIGURATION_ERROR}
_STRANGERS = {
    Reason.USENET,
    Reason.MAILING_LIST,
    Reason.WEB_ARCHIVE,
    Reason.AUTO_REPLY,
}
# What can be done about these is to list an address, and whoever asks for that
# must know whose it is.
_OF_AN_ADDRESS = {
    Reason.UNLISTED_PEER,
    Reason.NO_OUTGOING_SERVER,
    Reason.TOO_MANY_HOPS,
}

# What it means that a server is on a list, the most cautious first.
MEANINGS = {
    'authenticated_remote_servers': gettext_lazy(
        'People send through it, and it writes into its field that they logged in. '
        'This is the safest one.'
    ),
    'trusted_remote_servers': gettext_lazy(
        'People send through it, and it takes mail from nobody else: never an MX, nor '
        'a server of a provider.'
    ),
    'dedicated_remote_servers': gettext_lazy(
        'It takes mail from the organisation only, such as a gateway that is rented: '
        'its address alone is the proof.'
    ),
    'trusted_local_servers': gettext_lazy(
        'It hands on what other servers send, and writes their addresses. Nobody is '
        'trusted by this alone.'
    ),
}

# Why the verdict was another one when the post came.
_DIFFERENCES = {
    'configuration': gettext_lazy(
        'The configuration of the plugin was changed in between.'
    ),
    'list-settings': gettext_lazy('The settings of this list were changed in between.'),
    'failure': gettext_lazy('It was a fault of the plugin, and none of the route.'),
    'rules': gettext_lazy('The plugin was of another version then, with other rules.'),
}


def nonmember_setting():
    """What Postorius calls the list's default action for nonmembers."""
    return MessageAcceptanceForm.base_fields['default_nonmember_action'].label


def action_label(action):
    """What Postorius calls an action of Mailman.

    :param action: Its name in Mailman, as 'hold'.
    """
    field = MessageAcceptanceForm.base_fields['default_nonmember_action']
    return dict(field.choices).get(action, action)


class Verdict:
    """What is said of a decision.

    :param described: The decision, as REST describes it.
    """

    def __init__(self, described):
        self.described = described
        # A message whose content is lost has no reason.  A plugin of another
        # version may have one that is not known here.
        self.reason = _reason(described.get('reason'))
        self.route_reason = _reason(described.get('route_reason'))

    @property
    def then(self):
        """What was said when the post came; None if that is not known."""
        then = self.described.get('then')
        return then and Verdict(then)

    @property
    def difference(self):
        """Why it is not what is said now; None if it is."""
        difference = self.described['difference']
        return difference and _DIFFERENCES.get(difference, difference)

    @property
    def trusted(self):
        """Whether the post is trusted."""
        return self.described['trusted']

    @property
    def obstacles(self):
        """What lets the list moderate all posts."""
        return self.described.get('obstacles', ())

    @property
    def switched_off(self):
        """Whether it is the list's default action that decides."""
        return self.reason is Reason.NONMEMBER_ACTION

    @property
    def nothing_in_force(self):
        """Whether nothing is known of the route, since no list of servers is."""
        return self.reason in _NOTHING_IN_FORCE

    @property
    def action(self):
        """What Postorius calls the list's default action for nonmembers."""
        return action_label(self.described['default_nonmember_action'])

    @property
    def actions(self):
        """The default actions under which trusted posts bypass moderation."""
        return [action_label(one) for one in self.described['nonmember_actions']]

    @property
    def title(self):
        """What is so, in a few words."""
        if self.trusted:
            return _('The route is trusted.')
        if self.switched_off:
            return _('The settings of this list switch it off:')
        if self.nothing_in_force or self.reason is Reason.INTERNAL_ERROR:
            return _(self.reason.sentence)
        if self.reason in _STRANGERS:
            return _('The message speaks for a stranger.')
        if self.reason is Reason.SENDER_DOMAIN:
            return _('The domain of the sender is not trusted.')
        return _('The route is not trusted.')

    @property
    def sentence(self):
        """What is so, unless the title says it."""
        if self.switched_off or self.nothing_in_force:
            return ''
        if self.reason is Reason.INTERNAL_ERROR:
            return ''
        return self._why

    @property
    def _why(self):
        return self._said(self.reason) or self.described['explanation']

    @property
    def route_title(self):
        """What the route is where something else decides; else empty."""
        if self.route_reason is self.reason or self.nothing_in_force:
            return ''
        if self.route_reason is not None and self.route_reason.trusted:
            return _('The route itself is trusted.')
        return _('The route itself is not trusted.')

    @property
    def route_sentence(self):
        """Why the route is trusted or not, where something else decides."""
        return self._said(self.route_reason)

    @property
    def remedy(self):
        """What can be done about it; empty if there is nothing."""
        if self.reason is None or self.switched_off:
            return ''
        remedy = self.reason.remedies.get(self.described['case'], '')
        return remedy and self._filled_in(_(remedy))

    @property
    def for_administrator(self):
        """Whether only the site administrator can do it."""
        return self.reason is not None and self.reason.actor is Actor.ADMINISTRATOR

    @property
    def address(self):
        """The address that may be missing on a list; empty if that is not it."""
        if self.reason not in _OF_AN_ADDRESS:
            return ''
        return self.described['details']['peer']

    @property
    def may_be_ours(self):
        """Whether the address may be that of a server, and not of a user or a NAT."""
        return self.reason is Reason.UNLISTED_PEER and not self.described['case']

    @property
    def lines(self):
        """What could be configured if the server is ours, and what each means."""
        return [(f'{key}: {self.address}', MEANINGS[key]) for key in MEANINGS]

    @property
    def short(self):
        """All of it in one line of a table."""
        if self.trusted is None:
            return _('not known: the content of the message is lost')
        if self.switched_off:
            if 'default_nonmember_action' not in self.described:
                # It is not kept which one it was.
                return _('switched off by the settings of this list')
            return _('switched off by “{setting}: {action}”').format(
                setting=nonmember_setting(), action=self.action
            )
        if self.nothing_in_force:
            return _('not known: {reason}').format(reason=_(self.reason.sentence))
        if not self.trusted:
            reason = self._why
            if self.reason is Reason.UNLISTED_PEER:
                reason = _('{peer} is on no list').format(peer=self.address)
            return _('not trusted: {reason}').format(reason=reason)
        if 'posting-chain' in self.obstacles:
            return _('trusted, but switched off: the list is on another chain')
        if 'observe' in self.obstacles:
            return _('trusted, but the plugin only observes')
        return _('trusted')

    def _said(self, reason):
        """The sentence of a reason; empty if it is not known here."""
        return '' if reason is None else self._filled_in(_(reason.sentence))

    def _filled_in(self, sentence):
        details = dict(self.described['details'])
        if details.get('problem'):
            details['problem'] = _(details['problem'])
        try:
            return sentence.format_map(details)
        except KeyError:
            # It is not kept with a post, or the plugin in Mailman is of another
            # version than this application.
            return ''


def _reason(token):
    try:
        return Reason(token)  # type: ignore[call-arg]
    except ValueError:
        return None
