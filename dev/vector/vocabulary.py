# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words of mail servers, which say nothing about whose server it is.

They are the words of the table of formats and those below.  A word that is
missing here is replaced or named, so that the list may be short.
"""

from __future__ import annotations

import re

from mailman_trustedserver.formats import FORMATS


__all__ = ['STRUCTURE', 'is_known']

# What the reader looks for.  These stay wherever they stand.
STRUCTURE = frozenset('from by with id for via helo ehlo lhlo ident'.split())

_WORDS = """
    mon tue wed thu fri sat sun jan feb mar apr may jun jul aug sep oct nov dec
    utc gmt cet cest est edt cst cdt mst mdt pst pdt jst bst ist aest aedt
    smtp esmtp esmtps esmtpa esmtpsa lmtp lmtps lmtpa lmtpsa smtps smtpa smtpsa
    utf8smtp utf8smtps utf8smtpa utf8smtpsa utf8esmtp utf8esmtps utf8esmtpa
    utf8esmtpsa utf8lmtp utf8lmtps utf8lmtpa utf8lmtpsa asmtp bizsmtp qmqp qmtp uucp
    pop3 imap http https httprest mapi local bsmtp

    unknown none localhost localdomain forged verified unverified helo ehlo lhlo
    ident auth authenticated sender user account bits tls ssl cipher version verify
    ok no not fail failed yes softfail using on behalf of as named claiming to be
    client cn issuer certificate requested present did not a the and server
    key-exchange server-signature server-digest client-signature client-digest
    rhost-flags-ok-ok-ok-ok rhost-flags-ok-fail-ok-fail smtp-auth keybits
    envelope envelope-from envelope-sender from userid uid orcpt rfc822 port over
    submission stdin network queue spool single-drop multi-drop pid transport
    frontend secured channel pickup service delivery mail backend loopback

    postfix exim sendmail debian ubuntu suse opensmtpd qmail qmail-ldap qpsmtpd
    netqmail notqmail courier haraka microsoft exchange smtpsvc mapi internet
    communigate pro amavis amavisd amavisd-new dovecot cyrus mdaemon ecelerity momentum
    oracle sun java system messaging communications iplanet axigen mailenable nemesis
    stalwart lotus ibm hcl domino release build halon icewarp kerio connect horde
    framework james symantec sophos email appliance zimbra ironport cisco proofpoint
    pps mimecast google chasquid maddy hmailserver squirrelmail roundcube webmail imp
    fetchmail nullmailer meproxy trex yandex nwsmtp rzmta f-secure fsigk_smtp
    mailchannels simpleemailservice gateway relay plain login cram-md5 xoauth2

    auto-generated auto-replied auto-notified internal anonymous partner
    submit built patch linux freebsd toaster qmail-scanner post rfc822 scanned mech
    raw public key digest bits bit spam-scanned tls_cipher

    hyperkitty mozilla thunderbird mutt neomutt gecko mailman
"""

_LITERAL = re.compile(r'(?<!\\)[A-Za-z][A-Za-z-]*[A-Za-z]', re.ASCII)

_KNOWN = STRUCTURE | frozenset(
    word.lower()
    for text in (_WORDS, *(row.pattern.pattern for row in FORMATS))
    for word in (*text.split(), *_LITERAL.findall(text))
)

# TLS, numbers, and versions of up to three numbers: four may be an address.
_TECHNICAL = re.compile(
    r'(?:TLS|SSL)v?[0-9.]*(?:[_/][0-9])?'
    r'|[0-9]{1,5}(?:bits?)?|IPv6|eth[0-9]+'
    r'|v?[0-9]{1,4}\.[0-9]{1,4}(?:\.[0-9]{1,4})?[a-z]?',
    re.ASCII | re.IGNORECASE,
)
_CIPHER = re.compile(
    r'TLS(?:1[0-3])?|SSL|A?ECDHE?|DHE?|ADH|EDH|EECDH|RSA|DSS|ECDSA|PSS|RSAE|PKCS1|AEAD'
    r'|AES(?:128|192|256)?|GCM|CCM8?|CBC3?|SHA(?:1|2|224|256|384|512)?|MD5|RC4|3?DES'
    r'|EDE3?|CHACHA20|POLY1305|CAMELLIA(?:128|256)?|ARIA(?:128|256)|WITH|NULL|OTHER'
    r'|X25519|X448|ED25519|ED448|P(?:256|384|521)|(?:128|168|192|256|384|512)'
    r'|prime256v1|secp(?:256|384|521)r1|brainpoolP[0-9]+r1|ffdhe[0-9]+|X25519MLKEM768',
    re.ASCII | re.IGNORECASE,
)


def is_known(word: str) -> bool:
    """Whether mail servers write this word by themselves."""
    return (
        word.lower() in _KNOWN
        or _TECHNICAL.fullmatch(word) is not None
        or all(_CIPHER.fullmatch(part) for part in re.split('[-_]', word))
    )
