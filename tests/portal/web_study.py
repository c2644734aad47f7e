"""A small study for tests of pages: people of every role, participants, and rows that pages show."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from studyportal.core import clock
from studyportal.core.models import User
from studyportal.imaging.models import ImagingSeries, ScanPair
from studyportal.imaging.services import check_series, receive_series
from studyportal.imaging.states import SeriesRole
from studyportal.participants.models import Participant
from studyportal.participants.rules import Answer, ScreeningFacts
from studyportal.participants.services import enrol_participant, screen_participant
from studyportal.protocol.selectors import active_protocol, packaged_text
from studyportal.protocol.services import activate_protocol, load_protocol
from studyportal.sites.models import Site
from studyportal.sites.rules import SITE_ROLES, Role
from studyportal.sites.services import give_role, open_sites
from studyportal.syntheses.models import ModelRelease
from tests.portal.scenes import write_small_phantom

PASSWORD = "correct horse battery"
ELIGIBLE = {
    "INC-01": Answer.MET,
    "INC-02": Answer.MET,
    "INC-03": Answer.MET,
    "EXC-01": Answer.NOT_MET,
}


@dataclass
class Study:
    """Sites by code and one person per role; the coordinator and the site PI belong to SPH."""

    sites: dict[str, Site] = field(default_factory=dict)
    people: dict[Role, User] = field(default_factory=dict)

    @property
    def coordinator(self) -> User:
        return self.people[Role.COORDINATOR]


def small_study() -> Study:
    """The protocol is in force, its sites recruit, and every role has a person."""
    version = load_protocol(text=packaged_text(), by=None)
    activate_protocol(version=version, by=None)
    study = Study(
        sites={site.code: site for site in open_sites(protocol=active_protocol(), by=None)}
    )
    for role in Role:
        user = User.objects.create_user(username=role.value, password=PASSWORD)
        site = study.sites["SPH"] if role in SITE_ROLES else None
        give_role(user=user, role=role, site=site, by=None)
        study.people[role] = user
    return study


def person_at(site: Site, role: Role = Role.COORDINATOR) -> User:
    """Another person with a role at another site."""
    user = User.objects.create_user(username=f"{role}-{site.code}", password=PASSWORD)
    give_role(user=user, role=role, site=site, by=None)
    return user


def screened(site: Site, by: User, **answers: Answer) -> Participant:
    """A participant screened a week ago; eligible unless the answers say otherwise."""
    day = clock.today() - timedelta(days=7)
    given = {**ELIGIBLE, **{code.replace("_", "-"): answer for code, answer in answers.items()}}
    consented = given["INC-02"] == Answer.MET
    facts = ScreeningFacts(
        site_code=site.code,
        sex="F",
        age_years=63,
        screening_date=day,
        consent_date=day if consented else None,
        consent_version="1.0" if consented else "",
        answers=given,
    )
    return screen_participant(site=site, facts=facts, by=by)


def enrolled(site: Site, by: User) -> Participant:
    """A participant who waits for images."""
    return enrol_participant(participant=screened(site, by), by=by)


def phantom_folder(out: Path) -> Path:
    """The folder of one simulated participant, with CT and PET."""
    return write_small_phantom(3, out)


def sent(participant: Participant, role: SeriesRole, folder: Path, by: User) -> ImagingSeries:
    """A series of this folder, received and checked."""
    files = sorted(folder.iterdir())
    series = receive_series(participant=participant, role=role, files=files, by=by)
    return check_series(series=series)


def ready_pair(site: Site, by: User, folder: Path) -> ScanPair:
    """A checked pair of simulated CT and PET."""
    participant = enrolled(site, by)
    sent(participant, SeriesRole.SOURCE, folder / "CT", by)
    sent(participant, SeriesRole.REFERENCE, folder / "PET", by)
    return ScanPair.objects.get(participant=participant)


def released_model() -> ModelRelease:
    """A released model, as a row; its files are not needed to show pages."""
    return ModelRelease.objects.create(
        name="tiny",
        version="1.0",
        family="pix2pix",
        digest="a" * 64,
        weights_sha256="b" * 64,
        folder="packaged:tiny",
        card="# Tiny\n\n**Not for clinical use.** <script>alert(1)</script>\n\n- one\n- two\n",
        status="released",
        registered_at=clock.now(),
    )
