"""Opens sites, invites people, gives and ends roles, closes accounts, keeps access reviews."""

from studyportal.sites.services.accounts import (
    close_account,
    drop_second_factors,
    reopen_account,
    use_code,
)
from studyportal.sites.services.invitations import (
    Invited,
    accept_invitation,
    digest_of,
    invite,
    withdraw_invitation,
)
from studyportal.sites.services.locks import ask_unlock, decline_unlock, lift_lock, lock_data
from studyportal.sites.services.reviews import review_access
from studyportal.sites.services.roles import (
    end_role,
    give_role,
    lock_site,
    open_sites,
    require,
    require_right,
    require_unlocked,
)

__all__ = [
    "Invited",
    "accept_invitation",
    "ask_unlock",
    "close_account",
    "decline_unlock",
    "digest_of",
    "drop_second_factors",
    "end_role",
    "give_role",
    "invite",
    "lift_lock",
    "lock_data",
    "lock_site",
    "open_sites",
    "reopen_account",
    "require",
    "require_right",
    "require_unlocked",
    "review_access",
    "use_code",
    "withdraw_invitation",
]
