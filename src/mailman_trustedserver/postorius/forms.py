# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The section "Trusted Servers" of a list's settings, and what is tried."""

import re

from contextlib import suppress
from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from mailman_trustedserver.advice.candidates import (
    CANDIDATE_KEYS,
    MAX_CANDIDATES,
    read_candidates,
)
from mailman_trustedserver.names import CHAIN, DEFAULT_CHAIN
from mailman_trustedserver.postorius.client import TrustedServers, Unavailable
from mailman_trustedserver.postorius.verdicts import (
    action_label,
    MEANINGS,
    nonmember_setting,
)
from postorius.forms.list_forms import ListSettingsForm
from typing import Any


__all__ = ['TrustedServersForm', 'TryForm']

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

# In octets.  A header alone has never been so long.
MAX_TRIED = 1024 * 1024

# What somebody gives that begins with the name of a field, or as a file of messages.
_HEADER = re.compile(rb'[!-9;-~]+:|From ')


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


class TryForm(forms.Form):
    """A message that is to be explained, and servers as if they were listed."""

    data: Any
    message = forms.CharField(
        label=_('The header of a message, or one Received field'),
        help_text=_('Nothing is posted or kept.'),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={'rows': 12, 'spellcheck': 'false'}),
    )
    file = forms.FileField(
        label=_('Or a file that has it'), required=False, allow_empty_file=True
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for key in CANDIDATE_KEYS:
            self.fields[key] = forms.CharField(
                label=key,
                help_text=MEANINGS[key],
                required=False,
                widget=forms.TextInput(attrs={'spellcheck': 'false'}),
            )
        for name, field in self.fields.items():
            kind = 'form-control-file' if name == 'file' else 'form-control'
            field.widget.attrs.update(
                {'class': kind, 'aria-describedby': f'help_{name}'}
            )

    @property
    def candidates(self):
        """The fields for servers."""
        return [self[key] for key in CANDIDATE_KEYS]

    @property
    def is_tried(self):
        """Whether some server is to be taken as listed."""
        return any(self.data.get(key) for key in CANDIDATE_KEYS)

    @property
    def max_candidates(self):
        """How many they may be."""
        return MAX_CANDIDATES

    def clean(self):
        """Make octets of the message, and see what the servers would be taken as."""
        given = super().clean()
        given['entries'] = {key: given[key] for key in CANDIDATE_KEYS if given.get(key)}
        try:
            read_candidates(given['entries'])
        except ValueError as error:
            key = str(error).partition(':')[0]
            self.add_error(key if key in CANDIDATE_KEYS else None, str(error))
        given['octets'] = self._octets(given.get('file'), given.get('message', ''))
        return given

    def _octets(self, file, text):
        size = len(text.encode()) if file is None else file.size
        if size > MAX_TRIED:
            where = 'message' if file is None else 'file'
            self.add_error(
                where,
                _('It has more than {number} octets; the header alone will do.').format(
                    number=MAX_TRIED
                ),
            )
            return b''
        if file is None:
            octets = text.encode().lstrip()
        else:
            octets = file.read().lstrip()
            self._keep(octets)
        if not octets and not self.errors:
            self.add_error('message', _('Give a message, or its header.'))
        elif not _HEADER.match(octets):
            octets = b'Received: ' + octets
        return octets

    def _keep(self, octets):
        """Have the header of a file in the page, to try it again."""
        header = re.split(rb'\r?\n\r?\n', octets, maxsplit=1)[0]
        with suppress(UnicodeDecodeError):
            self.data = {**self.data.dict(), 'message': header.decode()}
