"""What imaging does when a participant has withdrawn every consent."""

from studyportal.imaging.models import Arrival, PatientBinding
from studyportal.imaging.selectors import open_arrivals
from studyportal.imaging.services.arrivals import discard_arrival
from studyportal.imaging.services.forgetting import forget_identity
from studyportal.participants.selectors import without_consent_left

_REASON = "The participant withdrew consent."


def forget_withdrawn() -> int:
    """Participants without a consent are linked to no patient any more; returns how many it was.

    Images of theirs that wait in the inbox are deleted first: nobody could tell later whose they are.
    """
    bound = PatientBinding.objects.values("participant")
    arrived = Arrival.objects.exclude(series_key="").values("series__pair__participant")
    withdrawn = without_consent_left().select_related("site")
    forgotten = 0
    for participant in withdrawn.filter(pk__in=bound) | withdrawn.filter(pk__in=arrived):
        binding = PatientBinding.objects.filter(participant=participant).first()
        waiting = open_arrivals().filter(patient_key=binding.patient_key) if binding else ()
        for arrival in waiting:
            discard_arrival(arrival=arrival, reason=_REASON, by=None)
        forgotten += forget_identity(participant=participant, reason=_REASON, by=None)
    return forgotten
