"""Who must not know what: a right, too, and a stronger one. What a role is blinded to, no other role gives."""

from collections.abc import Iterable, Mapping

from studyportal.sites.rules import PERMISSIONS, ROLE_NAMES, Action, Role

# A reader who knows the truth, the participant, the arm or the results reads what they know (ICH E9 2.3.1, STARD 2015
# items 13a and 13b). Forms hold pathology and queries quote them; the audit trail asks the same rights for its values.
BLINDED: Mapping[Role, frozenset[Action]] = {
    Role.READER: frozenset(
        {
            Action.SEE_PARTICIPANTS,
            Action.SEE_REFERENCE,
            Action.ENTER_CLINICAL,
            Action.VERIFY_FORM,
            Action.RECONCILE_ENTRIES,
            Action.OUTLINE_LESIONS,
            Action.SEE_IMAGES,
            Action.SEE_QUERIES,
            Action.SEE_SYNTHESES,
            Action.SEE_OUTCOMES,
            Action.EXPORT,
        }
    ),
}


def blinded_by(roles: Iterable[Role]) -> frozenset[Action]:
    """What somebody who holds all these roles may not do, whatever the roles allow one by one."""
    return frozenset().union(*(BLINDED.get(role, frozenset()) for role in roles))


def blinding_fault(role: Role, *, held: Iterable[Role]) -> str:
    """Why somebody with the roles `held` cannot get this one, too; empty when they can."""
    every = {role, *held}
    for blind in sorted(every & BLINDED.keys()):
        for other in sorted(every - {blind}):
            if BLINDED[blind] & PERMISSIONS[other]:
                return (
                    f"{ROLE_NAMES[blind]} and {ROLE_NAMES[other]} cannot be one person: "
                    f"a {ROLE_NAMES[blind].lower()} is blinded to what a {ROLE_NAMES[other].lower()} sees."
                )
    return ""
