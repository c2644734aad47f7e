"""Every case report form of the study, in the order in which they are filled in."""

from collections.abc import Mapping

from studyportal.clinical.rules.definitions.baseline import BASELINE
from studyportal.clinical.rules.definitions.conclusion import CONCLUSION
from studyportal.clinical.rules.definitions.distant import DISTANT, LOOKED_AT
from studyportal.clinical.rules.definitions.follow_up import FOLLOW_UP
from studyportal.clinical.rules.definitions.lesions import LESIONS, RESOLVED, STABLE
from studyportal.clinical.rules.definitions.nodes import NODES
from studyportal.clinical.rules.definitions.pathology import PATHOLOGY
from studyportal.clinical.rules.definitions.staging_form import STAGING
from studyportal.clinical.rules.definitions.treatment import TREATMENT
from studyportal.clinical.rules.parts import FormDefinition

# Raised whenever a field, a code or a check changes; each form keeps the version it was completed under.
DEFINITION_VERSION = "1.0"
FORMS: Mapping[str, FormDefinition] = {
    form.key: form
    for form in (
        BASELINE,
        LESIONS,
        PATHOLOGY,
        NODES,
        DISTANT,
        STAGING,
        CONCLUSION,
        TREATMENT,
        FOLLOW_UP,
    )
}

__all__ = ["DEFINITION_VERSION", "FORMS", "LOOKED_AT", "RESOLVED", "STABLE"]
