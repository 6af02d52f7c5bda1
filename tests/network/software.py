# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How each mail server is set up for its part, and started.

A `Part` says what a server does, in the words of no particular software.  Each
function takes a server whose root is mounted and starts it so.  What is not set
here is Debian's default.
"""

from __future__ import annotations

import ipaddress

from collections.abc import Mapping
from dataclasses import dataclass, field
from tests.network.servers import Server
from typing import Callable


USER, PASSWORD = 'alice', 'secret-of-alice'
REALM = 'example.org'
# The domains for which the shared gateway signs; each has /etc/DOMAIN.pem and .key.
TENANTS = (REALM, 'example.net')
SELECTOR = 'selector1'
CERTIFICATE, KEY = '/etc/mail.pem', '/etc/mail.key'
# The content filter of a relay listens here, and hands back there.
FILTER_PORT, REINJECTION_PORT = 10025, 10026


@dataclass(frozen=True)
class Part:
    """What a server does.

    :ivar next_hops: For each domain that it takes mail for, the address of the
        server to hand it to; `lmtp:ADDRESS:PORT` for Mailman.
    :ivar submission: Whether it takes mail only from authenticated users.
    :ivar users: Those who have an account.
    :ivar clients: The only hosts that it takes mail from, if there are any.
    :ivar login: The next hops at which it logs in.
    :ivar aliases: Addresses that stand for others.
    :ivar local_aliases: The same for its own names, after local delivery.
    :ivar filter_domains: Domains whose mail goes through the content filter
        that hands back over SMTP.
    :ivar pipe_domains: The same, with a filter that hands back with the
        sendmail command.
    :ivar state_user: Whether Postfix names the authenticated sender.
    :ivar body_checks: What Postfix does with lines of the body.
    """

    next_hops: Mapping[str, str]
    submission: bool = False
    users: tuple[str, ...] = (f'{USER}@{REALM}',)
    clients: tuple[str, ...] = ()
    login: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    local_aliases: Mapping[str, str] = field(default_factory=dict)
    filter_domains: tuple[str, ...] = ()
    pipe_domains: tuple[str, ...] = ()
    state_user: bool = False
    body_checks: str = ''


def split_lmtp(next_hop: str) -> tuple[str, str]:
    """The address and port of a next hop `lmtp:ADDRESS:PORT`."""
    _, address, port = next_hop.split(':')
    return address, port


def is_ipv6(address: str) -> bool:
    """Whether it is an IPv6 address, not one of IPv4 or of LMTP."""
    return not address.startswith('lmtp:') and ipaddress.ip_address(address).version > 4


def table(rows: Mapping[str, str], separator: str = ' ') -> str:
    """The text of a lookup table."""
    return ''.join(f'{key}{separator}{value}\n' for key, value in rows.items())


# Postfix


def start_postfix(
    server: Server, part: Part, others: Mapping[str, str] | None = None, first: str = ''
) -> None:
    """Postfix, none of it in a chroot of its own.

    `others` are more settings, `first` is a shell script that runs before it.
    """

    def next_hop(address: str) -> str:
        if address.startswith('lmtp:'):
            address, port = split_lmtp(address)
            return f'lmtp:[{address}]:{port}'
        return f'smtp:[{address}]'

    access = 'permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination'
    if part.submission:
        access = 'permit_sasl_authenticated, reject'
    if part.clients:
        access = 'permit_mynetworks, reject'
    filters = {
        **dict.fromkeys(part.filter_domains, f'FILTER smtp:[127.0.0.1]:{FILTER_PORT}'),
        **dict.fromkeys(part.pipe_domains, 'FILTER pipe-filter:dummy'),
    }
    hops = {domain: next_hop(address) for domain, address in part.next_hops.items()}
    server.write('etc/postfix/transport', table(hops))
    server.write('etc/postfix/aliases', table(part.aliases))
    server.write('etc/postfix/local_aliases', table(part.local_aliases))
    server.write('etc/postfix/filters', table(filters))
    server.write('etc/postfix/body_checks', part.body_checks)
    login = f'{USER}@{REALM}:{PASSWORD}'
    server.write(
        'etc/postfix/login',
        ''.join(f'[{address}] {login}\n' for address in part.login),
        0o600,
    )
    server.write(
        'etc/postfix/sasl/smtpd.conf',
        'pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\n',
    )
    server.write(
        'etc/pipe-filter',
        '#!/bin/sh\ncat > /tmp/filtered.$$ && '
        '/usr/sbin/sendmail -i "$@" < /tmp/filtered.$$\n',
        0o755,
    )
    tables = 'texthash:/etc/postfix'
    settings = {
        'compatibility_level': '3.6',
        'maillog_file': '/var/log/mail.log',
        'myhostname': server.host.name,
        'mydestination': 'localhost' + ' $myhostname' * bool(part.local_aliases),
        'mynetworks': ' '.join(['127.0.0.0/8', '[::1]/128', *part.clients]),
        'inet_protocols': 'all',
        'smtp_host_lookup': 'native',
        'lmtp_host_lookup': 'native',
        'disable_dns_lookups': 'yes',
        'relay_domains': ' '.join(part.next_hops),
        'transport_maps': f'{tables}/transport',
        'virtual_alias_maps': f'{tables}/aliases',
        'alias_maps': f'{tables}/local_aliases',
        'body_checks': 'regexp:/etc/postfix/body_checks',
        'smtpd_recipient_restrictions': f'check_recipient_access {tables}/filters, '
        + access,
        'smtpd_relay_restrictions': access,
        'smtpd_tls_cert_file': CERTIFICATE,
        'smtpd_tls_key_file': KEY,
        'smtpd_tls_security_level': 'may',
        'smtpd_tls_received_header': 'yes',
        'smtpd_tls_ask_ccert': 'yes',
        'smtpd_tls_auth_only': 'yes',
        'smtpd_sasl_auth_enable': 'yes',
        'smtpd_sasl_local_domain': REALM,
        'smtpd_sasl_authenticated_header': 'yes' if part.state_user else 'no',
        'smtp_tls_security_level': 'may',
        'smtp_sasl_auth_enable': 'yes' if part.login else 'no',
        'smtp_sasl_password_maps': f'{tables}/login',
        'smtp_sasl_security_options': 'noanonymous',
        # One client sends all the hostile messages.
        'smtpd_client_connection_count_limit': '0',
        'smtpd_error_sleep_time': '0',
        'smtpd_hard_error_limit': '10000',
        **(others or {}),
    }
    server.write(
        'etc/postfix/main.cf',
        ''.join(f'{name} = {value}\n' for name, value in settings.items()),
    )
    master = server.root / 'etc/postfix/master.cf'
    server.write(
        'etc/postfix/master.cf',
        master.read_text()
        + f"""
127.0.0.1:{REINJECTION_PORT} inet n - n - - smtpd
  -o smtpd_recipient_restrictions=permit_mynetworks,reject
  -o smtpd_relay_restrictions=permit_mynetworks,reject
pipe-filter unix - n n - - pipe
  flags=Rq user=nobody null_sender=
  argv=/etc/pipe-filter -f ${{sender}} -- ${{recipient}}
""",
    )
    accounts = ''
    for user, realm in (one.split('@') for one in part.users):
        accounts += f'echo {PASSWORD} | saslpasswd2 -p -c -u {realm} {user}\n'
    server.start(
        f"""
{first}
{accounts}
chmod 644 /etc/sasldb2
postconf -F '*/*/chroot=n'
newaliases
postfix start
"""
    )


def start_opendkim(server: Server, part: Part) -> None:
    """Postfix, with OpenDKIM that signs for the tenant who logged in."""
    keys = {one: f'{one}:{SELECTOR}:/etc/{one}.key' for one in TENANTS}
    server.write('etc/dkim/keys', table(keys))
    server.write('etc/dkim/senders', table({f'*@{one}': one for one in TENANTS}))
    server.write(
        'etc/opendkim.conf',
        f"""
Mode s
Socket inet:{FILTER_PORT}@127.0.0.1
UserID opendkim
Syslog yes
Canonicalization relaxed/relaxed
SignHeaders From,To,Cc,Subject,Date,Message-ID
SenderMacro {{auth_authen}}
KeyTable /etc/dkim/keys
SigningTable refile:/etc/dkim/senders
""",
    )
    names = ' '.join(f'/etc/{one}.key' for one in TENANTS)
    milters = {'smtpd_milters': f'inet:127.0.0.1:{FILTER_PORT}'}
    start_postfix(server, part, milters, f'chown opendkim {names}\nopendkim')


def start_amavis(server: Server, part: Part) -> None:
    """Postfix, with amavis for a content filter that hands back over SMTP."""
    server.write(
        'etc/amavis/conf.d/50-user',
        f"""
use strict;
@bypass_virus_checks_maps = (1);
@bypass_spam_checks_maps = (1);
$inet_socket_port = {FILTER_PORT};
$forward_method = 'smtp:[127.0.0.1]:{REINJECTION_PORT}';
$notify_method = $forward_method;
1;
""",
    )
    # Postfix would try again after minutes.
    listens = f':{FILTER_PORT:04X} 00000000:0000 0A'
    first = f'amavisd\nuntil grep -q "{listens}" /proc/net/tcp; do sleep 0.1; done'
    start_postfix(server, part, first=first)


# NSD


def start_nsd(server: Server, part: Part) -> None:
    """A name server, which has the keys of the tenants and nothing else."""
    zones, script = '', ''
    for domain in TENANTS:
        zones += f'zone:\n  name: {domain}\n  zonefile: /etc/nsd/{domain}\n'
        # One string has up to 255 characters.
        script += f"""
key=$(openssl x509 -in /etc/{domain}.pem -noout -pubkey | grep -v -- ----- \
    | tr -d '\\n' | fold -w 200 | sed 's/.*/"&"/')
cat > /etc/nsd/{domain} <<END
@ 60 IN SOA {server.host.name}. hostmaster 1 3600 600 86400 60
@ 60 IN NS {server.host.name}.
{SELECTOR}._domainkey 60 IN TXT ( "v=DKIM1; k=rsa; p=" $key )
END
"""
    server.write(
        'etc/nsd/nsd.conf',
        f"""
server:
  ip-address: {server.host.address}
remote-control:
  control-enable: no
{zones}
""",
    )
    server.start(f'{script}\nmkdir -p /run/nsd\nchown nsd /run/nsd\nnsd')


# Exim


def start_exim(server: Server, part: Part) -> None:
    """Exim, with one configuration file instead of Debian's many."""
    smtp = {d: a for d, a in part.next_hops.items() if not a.startswith('lmtp:')}
    lmtp = {
        domain: split_lmtp(address)
        for domain, address in part.next_hops.items()
        if domain not in smtp
    }
    server.write(
        'etc/exim4/hops',
        # The semicolon separates hosts in the place of a colon.
        table({domain: f'"<; {address}"' for domain, address in smtp.items()}, ': '),
    )
    server.write('etc/exim4/aliases', table(part.aliases, ': '))
    routers, transports = '', ''
    for port in sorted({port for _, port in lmtp.values()}):
        domains = [domain for domain, (_, one) in lmtp.items() if one == port]
        (address,) = {address for address, one in lmtp.values() if one == port}
        routers += f"""
mailman_{port}:
  driver = manualroute
  domains = {' : '.join(domains)}
  transport = mailman_{port}
  route_list = * {address}
  self = send
"""
        transports += f"""
mailman_{port}:
  driver = smtp
  protocol = lmtp
  port = {port}
  hosts_try_fastopen = :
"""
    accept = '' if part.submission else 'accept domains = +hops'
    server.write(
        'etc/exim4/exim4.conf',
        f"""
primary_hostname = {server.host.name}
domainlist hops = {' : '.join(part.next_hops)}
acl_smtp_rcpt = check_recipient
acl_smtp_data = accept
tls_advertise_hosts = *
tls_certificate = {CERTIFICATE}
tls_privatekey = {KEY}
host_lookup = *
host_lookup_order = byaddr
helo_accept_junk_hosts = *
rfc1413_hosts = *
rfc1413_query_timeout = 2s
auth_advertise_hosts = *
smtp_accept_max_per_connection = 0
smtp_max_synprot_errors = 1000
smtp_max_unknown_commands = 1000
smtp_accept_queue_per_connection = 0
trusted_users = root
never_users =
received_headers_max = 100

begin acl
check_recipient:
  accept authenticated = *
  {accept}
  deny

begin routers
aliases:
  driver = redirect
  data = ${{lookup{{$local_part@$domain}}lsearch{{/etc/exim4/aliases}}}}
{routers}
hops:
  driver = manualroute
  domains = lsearch;/etc/exim4/hops
  transport = smtp
  route_data = ${{lookup{{$domain}}lsearch{{/etc/exim4/hops}}}}

begin transports
smtp:
  driver = smtp
  hosts_try_fastopen = :
{transports}
begin retry
* * F,1h,1s

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if eq{{$auth2:$auth3}}{{{USER}@{REALM}:{PASSWORD}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
""",
    )
    server.start(f'chown Debian-exim {CERTIFICATE} {KEY}\nexim4 -bd -q5s')


# Sendmail


def start_sendmail(server: Server, part: Part) -> None:
    """Sendmail, as a relay."""

    def next_hop(address: str) -> str:
        if address.startswith('lmtp:'):
            address, port = split_lmtp(address)
            return f'mailman{port}:[{address}]'
        return f'esmtp:[{"IPv6:" if is_ipv6(address) else ""}{address}]'

    hops = {domain: next_hop(address) for domain, address in part.next_hops.items()}
    ports = {
        split_lmtp(address)[1]
        for address in part.next_hops.values()
        if address.startswith('lmtp:')
    }
    mailers = ''.join(
        f'Mmailman{port}, P=[IPC], F=mDFMuXz, S=EnvFromSMTP/HdrFromSMTP, '
        f'R=EnvToSMTP, E=\\r\\n, L=1024, T=DNS/RFC822/SMTP, A=TCP $h {port}\n'
        for port in ports
    )
    server.write('etc/mail/mailertable', table(hops, '\t'))
    server.write('etc/mail/relay-domains', '\n'.join(part.next_hops) + '\n')
    server.write('etc/mail/service.switch', 'hosts files\naliases files\n')
    server.write(
        'etc/mail/sendmail.mc',
        f"""
include(`/usr/share/sendmail/cf/m4/cf.m4')
OSTYPE(`debian')
DOMAIN(`debian-mta')
define(`confDOMAIN_NAME', `{server.host.name}')
define(`confSERVICE_SWITCH_FILE', `/etc/mail/service.switch')
define(`confSERVER_CERT', `{CERTIFICATE}')
define(`confSERVER_KEY', `{KEY}')
define(`confDONT_PROBE_INTERFACES', `True')
define(`confALLOW_BOGUS_HELO', `True')
define(`confTO_IDENT', `2s')
define(`confBAD_RCPT_THROTTLE', `0')
FEATURE(`nocanonify')
FEATURE(`accept_unresolvable_domains')
FEATURE(`accept_unqualified_senders')
FEATURE(`mailertable', `hash /etc/mail/mailertable.db')
DAEMON_OPTIONS(`Family=inet, Name=MTA-v4, Addr={server.host.address}')
DAEMON_OPTIONS(`Family=inet6, Name=MTA-v6, Addr={server.host.address6}')
MAILER(`local')
MAILER(`smtp')
MAILER_DEFINITIONS
{mailers}
""",
    )
    server.start(
        """
cd /etc/mail
makemap hash mailertable < mailertable
m4 sendmail.mc > sendmail.cf
newaliases
mkdir -p /var/run/sendmail/mta
/usr/libexec/sendmail/sendmail -bd -q5s -L sm-mta
"""
    )


# OpenSMTPD


def start_opensmtpd(server: Server, part: Part) -> None:
    """OpenSMTPD, as a relay, without TLS: that of Debian 12 fails the handshake."""

    def next_hop(address: str) -> str:
        if address.startswith('lmtp:'):
            address, port = split_lmtp(address)
            return f'lmtp://{address}:{port}'
        return f'smtp://[{address}]' if is_ipv6(address) else f'smtp://{address}'

    actions, matches = '', ''
    for number, (domain, address) in enumerate(part.next_hops.items()):
        if domain in part.filter_domains:
            actions += f"""
action filter{number} relay host smtp://127.0.0.1:{FILTER_PORT}
match !tag filtered from any for domain "{domain}" action filter{number}
"""
        actions += f'action hop{number} relay host {next_hop(address)}\n'
        matches += f'match from any for domain "{domain}" action hop{number}\n'
    server.write(
        'etc/smtpd.conf',
        f"""
listen on 0.0.0.0
listen on ::
listen on 127.0.0.1 port {REINJECTION_PORT} tag filtered
{actions}
{matches}
""",
    )
    server.write('etc/mailname', f'{server.host.name}\n')
    server.start('smtpd -d -v >/var/log/mail.log 2>&1 &')


# Courier


def start_courier(server: Server, part: Part) -> None:
    """Courier, which asks for ident."""
    hops = {domain: f'[{address}]' for domain, address in part.next_hops.items()}
    server.write('etc/courier/esmtproutes', table(hops, ':'))
    server.write('etc/courier/me', f'{server.host.name}\n')
    server.write('etc/courier/defaultdomain', f'{server.host.name}\n')
    server.write('etc/courier/locals', 'localhost\n')
    accepted = '' if part.submission else '\n'.join(part.next_hops) + '\n'
    server.write('etc/courier/esmtpacceptmailfor', accepted)
    added = {
        'esmtpd': f"""
BOFHCHECKDNS=0
TARPIT=0
AUTH_REQUIRED={int(part.submission)}
ESMTPAUTH=""
ESMTPAUTH_TLS="PLAIN LOGIN"
TLS_TRUSTCERTS=
MAXPERIP=100
MAXPERC=100
PORT=25
TCPDOPTS="$(echo "$TCPDOPTS" | sed s/-noidentlookup//) -nodnslookup"
""",
        'courierd': 'TLS_TRUSTCERTS=\nESMTP_TLS_VERIFY_DOMAIN=0\n',
        'authdaemonrc': 'authmodulelist="authuserdb"\n',
    }
    for name, text in added.items():
        path = server.root / 'etc/courier' / name
        path.write_text(path.read_text() + text)
    server.start(
        f"""
cat {KEY} {CERTIFICATE} > /etc/courier/esmtpd.pem
chown courier /etc/courier/esmtpd.pem
password=$(openssl passwd -1 {PASSWORD})
echo "{USER}@{REALM}	uid=65534|gid=65534|home=/tmp|systempw=$password" \
    > /etc/courier/userdb
chmod 600 /etc/courier/userdb
makeuserdb
mkdir -p /run/courier/authdaemon
chown courier:courier /run/courier /run/courier/authdaemon
makesmtpaccess
makeacceptmailfor
makealiases
authdaemond start
courierfilter start
courier start
esmtpd start
"""
    )


START: Mapping[str, Callable[[Server, Part], None]] = {
    'postfix': start_postfix,
    'exim': start_exim,
    'sendmail': start_sendmail,
    'opensmtpd': start_opensmtpd,
    'courier': start_courier,
    'opendkim': start_opendkim,
    'amavis': start_amavis,
    'nsd': start_nsd,
}
