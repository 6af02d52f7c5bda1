# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of a post, and why: the one place that says so.

The rule, `explain`, REST and the pages of Postorius all ask `decide`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from mailman_trustedserver.header import Header
from mailman_trustedserver.names import CHAIN
from mailman_trustedserver.policy import evaluate, Policy, Verdict
from mailman_trustedserver.reasons import Reason
from mailman_trustedserver.settings import MailingList, OBSERVE, Settings
from typing import Callable, Optional, Union


__all__ = ['Decision', 'Obstacle', 'decide', 'obstacles']


class Obstacle(str, Enum):
    """Why a trusted post to a list is moderated all the same.

    :ivar sentence: The same with the values of the list in it.
    """

    sentence: str

    def __new__(cls, value: str, sentence: str) -> Obstacle:
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    POSTING_CHAIN = 'posting-chain', 'it is on {posting_chain}'
    NONMEMBER_ACTION = (
        'nonmember-action',
        'default_nonmember_action is {default_nonmember_action}',
    )
    OBSERVE = 'observe', f'the mode is {OBSERVE}'

    def describe(self, mlist: MailingList) -> str:
        """The sentence for a list."""
        return self.sentence.format(
            posting_chain=mlist.posting_chain,
            default_nonmember_action=mlist.default_nonmember_action,
        )


def obstacles(
    mlist: MailingList, settings: Union[Settings, Reason]
) -> tuple[Obstacle, ...]:
    """Why no post to a list bypasses moderation, whatever its route.

    :param mlist: The list.
    :param settings: What is in force for it, or why nothing is.
    :return: What stands in the way, the first to be mended first.
    """
    found = []
    if mlist.posting_chain != CHAIN:
        found.append(Obstacle.POSTING_CHAIN)
    if isinstance(settings, Settings):
        if mlist.default_nonmember_action not in settings.nonmember_actions:
            found.append(Obstacle.NONMEMBER_ACTION)
        if settings.mode == OBSERVE:
            found.append(Obstacle.OBSERVE)
    return tuple(found)


@dataclass(frozen=True)
class Decision:
    """What becomes of a post.

    :ivar header: The header of the post.
    :ivar verdict: Whether it is trusted, and why.
    :ivar settings: What was in force; None if nothing was.
    :ivar mlist: The list that it is a post to; None if the route alone was judged.
    :ivar obstacles: Why the list moderates it even if it is trusted.
    """

    header: Header
    verdict: Verdict
    settings: Optional[Settings] = None
    mlist: Optional[MailingList] = None
    obstacles: tuple[Obstacle, ...] = ()

    @property
    def observed(self) -> bool:
        """Whether it is trusted, and only the log says so."""
        return self.verdict.trusted and Obstacle.OBSERVE in self.obstacles

    @property
    def bypasses(self) -> bool:
        """Whether the rule matches: on our chain, moderation is then bypassed."""
        return self.verdict.trusted and not self.observed


def decide(
    header: Header,
    settings: Union[Settings, Reason],
    mlist: Optional[MailingList] = None,
    *,
    usenet: bool = False,
    signed: Optional[Callable[[], Optional[Reason]]] = None,
) -> Decision:
    """Decide on a post.

    :param header: The header of the post.
    :param settings: What is in force for the list, or why nothing is.
    :param mlist: The list; None to judge the route alone.
    :param usenet: Whether the post is a Usenet article.
    :param signed: What looks for a DKIM signature, as in `Evidence`; it is not
        called if the settings decide.
    :return: The decision.  Nothing is raised on any header.
    """
    # Whatever the route, this decides; it is still there to be shown.
    overruled = settings if isinstance(settings, Reason) else None
    in_force = settings if isinstance(settings, Settings) else None
    policy = Policy() if in_force is None else in_force.policy
    found = () if mlist is None else obstacles(mlist, settings)
    if Obstacle.NONMEMBER_ACTION in found:
        overruled = Reason.NONMEMBER_ACTION
    evidence = header.evidence(
        usenet, bool(policy.sender_domains), signed if overruled is None else None
    )
    verdict = evaluate(header.received, policy, evidence)
    if overruled is not None:
        verdict = verdict.overruled(overruled)
    return Decision(header, verdict, in_force, mlist, found)
