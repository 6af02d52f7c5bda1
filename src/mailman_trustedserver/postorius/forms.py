# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The section "Trusted Servers" of a list's settings."""

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from mailman_trustedserver.names import CHAIN, DEFAULT_CHAIN
from mailman_trustedserver.postorius.client import TrustedServers, Unavailable
from mailman_trustedserver.postorius.verdicts import action_label, nonmember_setting
from postorius.forms.list_forms import ListSettingsForm


__all__ = ['TrustedServersForm']

CHOICES = {
    DEFAULT_CHAIN: (
        _('Moderate as usual.'),
        _('The moderation settings of this list decide on each post.'),
    ),
    CHAIN: (
        _('Deliver posts from trusted servers without moderation.'),
        _(
            'A post that came through the trusted servers bypasses the moderation '
            'of members and nonmembers, whoever sent it; all other checks '
            'still apply. Any other post is moderated as usual.'
        ),
    ),
}
OTHER_CHOICE = (
    _('Keep the present chain.'),
    _('This list is on the chain {chain}, which was not chosen here.'),
)
REPLACES = _('This replaces the chain {chain}.')


class ChainWidget(forms.RadioSelect):
    """Radio buttons whose name leads to the first of them, and not nowhere."""

    def id_for_label(self, id_, index=None):
        """See `Widget`."""
        return super().id_for_label(id_, index or '0')


class PolicyWidget(forms.Widget):
    """Shows what is in force, and takes no input."""

    template_name = 'mailman_trustedserver/policy.html'

    def get_context(self, name, value, attrs):
        """See `Widget`."""
        return {'id': attrs['id'], **value}


class TrustedServersForm(ListSettingsForm):
    """Choose the posting chain, and see what is in force for the list."""

    # The chain that the person saw and may choose to leave, if it is none of ours.
    replace = forms.CharField(widget=forms.HiddenInput, required=False)
    posting_chain = forms.ChoiceField(label=_('Posting chain'), widget=ChainWidget)
    policy = forms.Field(
        label=_('In force'), widget=PolicyWidget, required=False, disabled=True
    )

    # Postorius saves by itself what is not named here.
    mlist_properties = ('posting_chain', 'replace')

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._servers = TrustedServers(self._mlist)
        try:
            state = self._servers.state
            policy = self._servers.policy
        except Unavailable as error:
            # The page of this list still opens, and the other sections do.
            del self.fields['posting_chain'], self.fields['replace']
            self.initial['policy'] = {'unavailable': str(error)}
            return
        chain = state['posting_chain']
        choices = dict(CHOICES)
        choices.setdefault(chain, OTHER_CHOICE)
        replace = '' if chain in CHOICES else chain
        self.fields['posting_chain'].choices = [
            (
                name,
                format_html(
                    '<strong>{}</strong> {} {}',
                    title,
                    sentence.format(chain=chain),
                    REPLACES.format(chain=chain) if replace and name != chain else '',
                ),
            )
            for name, (title, sentence) in choices.items()
        ]
        self.initial.update(
            posting_chain=chain,
            replace=replace,
            policy={
                'policy': policy,
                'setting': nonmember_setting(),
                'action': action_label(state['default_nonmember_action']),
                'actions': map(action_label, policy.get('nonmember_actions', ())),
            },
        )

    def clean(self):
        """Save nothing where nothing could be chosen."""
        if 'posting_chain' not in self.fields:
            raise forms.ValidationError(self.initial['policy']['unavailable'])
        return super().clean()

    def clean_posting_chain(self):
        """Have Mailman put the list on the chain; a refusal is an error here."""
        chain = self.cleaned_data['posting_chain']
        if chain != self.initial['posting_chain']:
            try:
                self._servers.choose(chain, self.cleaned_data['replace'])
            except Unavailable as error:
                raise forms.ValidationError(str(error)) from error
        return chain
