"""Users, sites, protocol and the trail."""

import uuid
from datetime import timedelta

import factory
from factory.django import DjangoModelFactory

from studyportal.core.models import AuditEvent, Redaction, StatusChange, User
from studyportal.protocol.models import ProtocolVersion
from studyportal.protocol.selectors import packaged_text
from studyportal.protocol.states import ProtocolVersionStatus
from studyportal.sites.models import AccessReview, DataLock, Invitation, Membership, Site
from studyportal.sites.rules import SITE_ROLES, LockKind, Role
from studyportal.sites.states import LockStatus, SiteStatus
from tests.factories.common import MOMENT, digest


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence("person{}".format)
    password = factory.django.Password("correct horse battery")
    display_name = factory.LazyAttribute(lambda person: person.username.capitalize())


class StatusChangeFactory(DjangoModelFactory):
    class Meta:
        model = StatusChange

    at = MOMENT
    machine = "scan pair"
    object_id = factory.LazyFunction(uuid.uuid4)
    target = "awaiting_images"
    by = factory.SubFactory(UserFactory)


class AuditEventFactory(DjangoModelFactory):
    class Meta:
        model = AuditEvent

    at = MOMENT
    by = factory.SubFactory(UserFactory)
    verb = "screen_participant"
    object_type = "participant"
    object_id = factory.LazyFunction(lambda: str(uuid.uuid4()))
    site_code = "SPH"
    sentence = "SPH-00001 was screened: eligible."


class RedactionFactory(DjangoModelFactory):
    class Meta:
        model = Redaction

    at = MOMENT
    by = factory.SubFactory(UserFactory)
    source = "core_auditevent"
    event_id = 1
    object_id = factory.LazyFunction(lambda: str(uuid.uuid4()))
    field = "sentence"
    reason = "It named a person."
    digest_before = digest("before")
    digest_after = digest("after")


class ProtocolVersionFactory(DjangoModelFactory):
    """The packaged protocol, in force; a draft of another version with the trait."""

    class Meta:
        model = ProtocolVersion
        django_get_or_create = ("registry_number", "version")

    registry_number = "NCT07243873"
    version = "1.1"
    title = "Synthetic PET From CT"
    text = factory.LazyFunction(packaged_text)
    sha256 = factory.LazyAttribute(lambda row: digest(row.version + row.text))
    status = ProtocolVersionStatus.ACTIVE
    loaded_at = MOMENT

    class Params:
        draft = factory.Trait(
            status=ProtocolVersionStatus.DRAFT, version=factory.Sequence("2.{}".format)
        )


class SiteFactory(DjangoModelFactory):
    class Meta:
        model = Site
        django_get_or_create = ("code",)

    code = factory.Sequence("S{:02}".format)
    name = factory.LazyAttribute(lambda site: f"Hospital {site.code}")
    name_zh = factory.LazyAttribute(lambda site: f"{site.code}医院")
    city = "Shanghai"
    province = "Shanghai"
    target = 100
    status = SiteStatus.RECRUITING

    class Params:
        planned = factory.Trait(status=SiteStatus.PLANNED)
        closed = factory.Trait(status=SiteStatus.CLOSED)


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    role = Role.COORDINATOR
    site = factory.SubFactory(SiteFactory)
    began_at = MOMENT

    class Params:
        study_wide = factory.Trait(role=Role.STATISTICIAN, site=None)
        ended = factory.Trait(ended_at=MOMENT)


class DataLockFactory(DjangoModelFactory):
    """A freeze of a site."""

    class Meta:
        model = DataLock

    site = factory.SubFactory(SiteFactory)
    kind = LockKind.FREEZE
    status = LockStatus.STANDING
    why = "The last participant was verified."
    locked_at = MOMENT
    locked_by = factory.SubFactory(UserFactory)

    class Params:
        lock = factory.Trait(kind=LockKind.LOCK)
        ended = factory.Trait(lifted_at=MOMENT, lifted_by=factory.SubFactory(UserFactory))


class InvitationFactory(DjangoModelFactory):
    class Meta:
        model = Invitation

    email = factory.Sequence("person{}@hospital.example".format)
    role = Role.COORDINATOR
    site = factory.SubFactory(SiteFactory)
    token_sha256 = factory.LazyAttribute(lambda row: digest(row.email))
    invited_at = MOMENT
    invited_by = factory.SubFactory(UserFactory)
    expires_at = MOMENT + timedelta(days=3650)

    class Params:
        accepted = factory.Trait(accepted_at=MOMENT, accepted_by=factory.SubFactory(UserFactory))
        withdrawn = factory.Trait(withdrawn_at=MOMENT)


class AccessReviewFactory(DjangoModelFactory):
    class Meta:
        model = AccessReview

    at = MOMENT
    by = factory.SubFactory(UserFactory)
    note = "Nothing needs to change."
    content = factory.LazyFunction(list)
    sha256 = digest("[]")


def person(role: Role, site: Site | None = None) -> User:
    """A person with one role: at the site when it is a role of sites, else in the whole study."""
    if role in SITE_ROLES and site is None:
        site = SiteFactory()
    return MembershipFactory(role=role, site=site if role in SITE_ROLES else None).user
