"""The access report as a file, for the page and for the command."""

from studyportal.core import clock
from studyportal.exports.rules import as_csv
from studyportal.sites.rules.access import findings, role_words
from studyportal.sites.selectors import access_facts

COLUMNS = (
    "user_name",
    "name",
    "account",
    "roles",
    "last_sign_in",
    "second_factors",
    "api_token_since",
    "findings",
)


def access_csv() -> bytes:
    """Everybody's access as CSV, formulas neutralised."""
    now = clock.now()
    return as_csv(
        COLUMNS,
        [
            {
                "user_name": facts.username,
                "name": facts.name,
                "account": "open" if facts.active else "closed",
                "roles": role_words(facts.roles),
                "last_sign_in": facts.last_sign_in and facts.last_sign_in.isoformat(),
                "second_factors": ", ".join(sorted(facts.second_factors)),
                "api_token_since": facts.token_since and facts.token_since.isoformat(),
                "findings": " ".join(one.sentence for one in findings(facts, now=now)),
            }
            for facts in access_facts()
        ],
    )
