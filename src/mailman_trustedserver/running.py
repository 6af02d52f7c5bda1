# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the Mailman that runs has, asked over its REST API.

A command of Mailman is a process of its own and reads the configuration anew.
The runners found rules and chains when they were started, and they shunt every
post to a list whose chain they do not have.
"""

from __future__ import annotations

import base64
import json

from http.client import HTTPException
from mailman.config import config
from mailman.core.api import API31
from mailman_trustedserver.names import CHAIN
from typing import Optional
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import build_opener, ProxyHandler, Request


__all__ = ['comparison', 'refusal']

# REST is on the same host; no person waits longer for it.
SECONDS = 10

# The answer has a few hundred octets.
MAX_ANSWER_LENGTH = 1024 * 1024

RESTART = 'stop and start Mailman (mailman stop, mailman start), then try again.'


def refusal(name: str) -> Optional[str]:
    """Why no list may be put on the chain while this Mailman runs.

    :param name: The name of the plugin, from its section [plugin.NAME].
    :return: A sentence with what to do, or None if the Mailman that runs has
        the chain.
    """
    url = _url(name)
    try:
        chains = _ask(url)['posting_chains']
        if CHAIN in chains:
            return None
    except HTTPError as error:
        if error.code == 401:
            return (
                'The Mailman that runs does not accept the admin_user and admin_pass '
                f'of [webservice] in {config.filename}: it was started with others; '
                + RESTART
            )
        if error.code != 404:
            cause = f'{error.code} {error.reason}'
            if error.code == 500:
                # Mailman 3.3.8 and 3.3.9 cannot say 401 with Falcon 4.
                cause += (
                    ', as some versions answer if the admin_user and admin_pass of '
                    '[webservice] are not those that Mailman was started with'
                )
            return _no_answer(url, cause)
    except (HTTPException, KeyError, OSError, TypeError, ValueError) as error:
        return _no_answer(url, getattr(error, 'reason', None) or repr(error))
    return (
        'The Mailman that runs does not have the plugin: it was not restarted since '
        f'the plugin was installed or enabled; {RESTART}'
    )


def comparison(name: str, digest: str) -> str:
    """Whether the Mailman that runs has a configuration.

    :param name: The name of the plugin, from its section [plugin.NAME].
    :param digest: The digest of the configuration.
    :return: A sentence.
    """
    url = _url(name)
    try:
        state = _ask(url)
        found, error = state['digest'], state['configuration_error']
    except (HTTPException, KeyError, OSError, TypeError, ValueError) as failure:
        cause = getattr(failure, 'reason', None) or repr(failure)
        return (
            'Whether a Mailman that runs has it is not known: none answers as expected '
            f'at {url} ({cause}).'
        )
    if error is not None:
        return f'The Mailman that runs trusts no post: {error}'
    if found == digest:
        return 'The Mailman that runs has it.'
    return (
        f'The Mailman that runs has another one, {found}: it takes this one up when '
        'the files have stood still for a second; ask again then.'
    )


def _url(name):
    return API31.path_to(f'plugins/{quote(name, safe="")}')


def _ask(url):
    credentials = f'{config.webservice.admin_user}:{config.webservice.admin_pass}'
    request = Request(  # noqa: S310 (the configuration of Mailman has the scheme)
        url,
        headers={
            'Authorization': 'Basic ' + base64.b64encode(credentials.encode()).decode()
        },
    )
    # A proxy of the environment is for other hosts.
    opener = build_opener(ProxyHandler({}))
    with opener.open(request, timeout=SECONDS) as response:
        return json.loads(response.read(MAX_ANSWER_LENGTH))


def _no_answer(url, cause):
    return (
        f'Mailman does not answer as expected at {url} ({cause}); start Mailman with '
        'its REST runner and give it some seconds, or say --mailman-is-down if it '
        'shall stay down.'
    )
