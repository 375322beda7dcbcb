"""Roles, from least to most rights. The platform is asked for a member's role at the moment of use."""

from enum import IntEnum


class Role(IntEnum):
    """What a member may do; a higher role may do all that a lower one may."""

    MEMBER = 0
    MODERATOR = 1
    ADMIN = 2
