"""Row 21 of the acceptance table: whatever writes to a table of the portal, the database keeps it or refuses it."""
# ruff: noqa: S608 (tables of our own models)

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from studyportal.clinical.models import Lesion
from studyportal.core.audit_context import acting, because, later
from studyportal.core.errors import Refused
from studyportal.core.models import TrailEntry
from studyportal.core.services import advance
from studyportal.core.tracking import event_model_of, event_models
from studyportal.participants.models import Consent, Participant
from studyportal.participants.states import PARTICIPANT, ParticipantStatus
from studyportal.sites.rules import Role
from studyportal.tasks.dispatch import portal_task
from tests import factories as make
from tests.architecture.rendering import generate
from tests.architecture.test_factories import BY_TRIGGER, FACTORIES
from tests.factories.sites import person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_the_owner")]

# What the chain places itself; its rows are events already.
OWN_EVENTS = {"core.AuditEvent", "core.StatusChange", "core.Redaction"}
TRACKED = [
    model
    for model in generate.portal_models()
    if model not in BY_TRIGGER and model._meta.label not in OWN_EVENTS
]
APPEND_ONLY = {
    "queries.QueryMessage", "outcomes.ResultRow", "clinical.Signature", "clinical.SampledParticipant",
    "participants.EligibilityAssessment",
    "participants.CriterionAnswer", "sites.AccessReview",
}  # fmt: skip


def run(sql, *params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)


def labels_of(row):
    events = event_model_of(type(row))
    return list(
        events.objects.filter(pgh_obj_id=row.pk)
        .order_by("pgh_id")
        .values_list("pgh_label", flat=True)
    )


def test_every_model_of_the_rooms_has_events():
    assert [model._meta.label for model in TRACKED if event_model_of(model) is None] == []


@pytest.mark.parametrize("model", TRACKED, ids=lambda model: model._meta.label)
def test_every_row_that_is_made_is_an_event_with_its_place_in_the_chain(model):
    row = FACTORIES[model]()
    events = event_model_of(model).objects.filter(pgh_obj_id=row.pk)
    assert events.first().pgh_label == "insert"
    placed = TrailEntry.objects.filter(
        source=events.model._meta.db_table, event_id__in=events.values("pk")
    )
    assert placed.count() == events.count()
    assert placed.first().object_id == str(row.pk)


@pytest.mark.parametrize("model", TRACKED, ids=lambda model: model._meta.label)
def test_plain_sql_that_takes_a_row_away_is_kept(model):
    row = FACTORIES[model]()
    run("SET CONSTRAINTS ALL DEFERRED")
    table, key = model._meta.db_table, model._meta.pk.column
    if model._meta.label in APPEND_ONLY | {"reading.ReadingArm", "reading.ReadCall"}:
        with (
            pytest.raises(IntegrityError, match=r"append-only|kept as it is"),
            transaction.atomic(),
        ):
            run(f'DELETE FROM "{table}" WHERE "{key}" = %s', row.pk)
        return
    with because("A row of a test."):
        run(f'DELETE FROM "{table}" WHERE "{key}" = %s', row.pk)
    assert labels_of(row)[-1] == "delete"
    transaction.set_rollback(True)  # rows that point to it would complain at the end


TABLES = sorted(
    {model._meta.db_table for model in TRACKED} | {model._meta.db_table for model in event_models()}
)


@pytest.mark.parametrize("table", TABLES)
def test_no_table_can_be_emptied_in_one_stroke(table):
    with (
        pytest.raises(IntegrityError, match=r"cannot be emptied|append-only"),
        transaction.atomic(),
    ):
        run(f'TRUNCATE "{table}" CASCADE')


@pytest.mark.parametrize("change", ["UPDATE {} SET pgh_label = 'x'", "DELETE FROM {}"])
def test_an_event_cannot_be_changed_or_taken_away(change):
    make.LesionFactory()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        run(change.format("clinical_lesionevent"))


def lesion(**values):
    return make.LesionFactory(**values)


# The factory counts up to 30,000: a number that a row has already would be no change, and no event.
UNUSED_NUMBER = 31_000


def numbered(*rows):
    for number, row in enumerate(rows, start=UNUSED_NUMBER):
        row.number = number
    return rows


OPERATIONS = {
    "create and save": (lambda: [row.save() for row in numbered(lesion())], ["insert", "update"]),
    "update of a queryset": (lambda: lesion() and Lesion.objects.update(number=UNUSED_NUMBER), ["insert", "update"]),
    "bulk creation": (
        lambda: Lesion.objects.bulk_create(
            Lesion(participant=make.ParticipantFactory(), number=1) for _ in range(3)
        ),
        ["insert"] * 3,
    ),
    "bulk update": (
        lambda: Lesion.objects.bulk_update(numbered(lesion(), lesion()), ["number"]),
        ["insert", "insert", "update", "update"],
    ),
    "upsert": (
        lambda: Lesion.objects.bulk_create(
            [Lesion(pk=lesion().pk, participant=make.ParticipantFactory(), number=UNUSED_NUMBER)],
            update_conflicts=True, unique_fields=["pk"], update_fields=["number"],
        ),
        ["insert", "update"],
    ),
    "plain UPDATE": (
        lambda: (lesion(), lesion(), run("UPDATE clinical_lesion SET number = number + 1000")),
        ["insert", "insert", "update", "update"],
    ),
    "plain DELETE": (lambda: (lesion(), run("DELETE FROM clinical_lesion")), ["insert", "delete"]),
    "deletion of a queryset": (lambda: lesion() and Lesion.objects.all().delete(), ["insert", "delete"]),
}  # fmt: skip


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_way_of_writing_is_kept(operation):
    act, expected = OPERATIONS[operation]
    with because("The acceptance table asks for it."):
        act()
    events = event_model_of(Lesion).objects.order_by("pgh_id")
    assert list(events.values_list("pgh_label", flat=True)) == expected


def test_link_tables_are_kept_also_when_a_queryset_empties_them():
    user, group = make.UserFactory(), Group.objects.create(name="watchers")
    user.groups.add(group)
    user.user_permissions.set(Permission.objects.all()[:2])
    user.groups.set([])
    type(user).user_permissions.through.objects.filter(user=user).delete()
    kept = dict.fromkeys(("usergroup", "userpermission"))
    for name in kept:
        events = next(model for model in event_models() if model._meta.model_name == f"{name}event")
        kept[name] = sorted(events.objects.values_list("pgh_label", flat=True))
    assert kept == {
        "usergroup": ["delete", "insert"],
        "userpermission": ["delete", "delete", "insert", "insert"],
    }


def test_a_password_is_noted_as_changed_and_not_kept():
    user = make.UserFactory()
    user.set_password("another horse battery")
    user.save()
    assert labels_of(user)[-1] == "password_changed"
    assert "password" not in {field.name for field in event_model_of(type(user))._meta.fields}


def test_no_setting_of_a_session_switches_the_trail_off():
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
        every = "{" + ",".join(name for (name,) in cursor.fetchall()) + "}"
        cursor.execute("SELECT set_config('pgtrigger.ignore', %s, true)", [every])
    assert labels_of(lesion()) == ["insert"]


class TestReasons:
    def test_what_is_kept_is_not_changed_without_a_reason(self):
        consent = make.ConsentFactory()
        with pytest.raises(IntegrityError, match="only with a reason"), transaction.atomic():
            Consent.objects.filter(pk=consent.pk).update(version="9.9")
        assert labels_of(consent) == ["insert"]

    def test_what_is_kept_is_not_taken_away_without_a_reason(self):
        consent = make.ConsentFactory()
        with pytest.raises(IntegrityError, match="only with a reason"), transaction.atomic():
            run("DELETE FROM participants_consent WHERE id = %s", consent.pk)

    def test_a_reason_stands_in_the_event(self):
        consent = make.ConsentFactory()
        with because("The form was misread."):
            Consent.objects.filter(pk=consent.pk).update(version="9.9")
        event = event_model_of(Consent).objects.get(pgh_obj_id=consent.pk, pgh_label="update")
        assert (event.version, event.pgh_context["reason"]) == ("9.9", "The form was misread.")

    def test_an_empty_field_is_filled_without_a_reason(self):
        baseline = make.BaselineFactory(weight_kg=None)
        type(baseline).objects.filter(pk=baseline.pk).update(weight_kg=61.5)
        assert labels_of(baseline) == ["insert", "update"]

    def test_an_empty_reason_is_refused_before_anything_is_written(self):
        with pytest.raises(Refused, match="Say why"), because("  "):
            pytest.fail("it went on")

    def test_a_reason_does_not_reach_what_follows_in_the_same_transaction(self):
        one, other = make.ConsentFactory(), make.ConsentFactory()
        with because("The form was misread."):
            Consent.objects.filter(pk=one.pk).update(version="9.9")
        with pytest.raises(IntegrityError, match="only with a reason"), transaction.atomic():
            Consent.objects.filter(pk=other.pk).update(version="9.9")

    def test_a_move_gives_its_reason_to_the_event(self):
        participant = make.ParticipantFactory()
        advance(
            participant, PARTICIPANT, ParticipantStatus.DISCONTINUED, by=None, reason="Moved away."
        )
        event = (
            event_model_of(Participant).objects.filter(pgh_obj_id=participant.pk).latest("pgh_id")
        )
        assert (event.status, event.pgh_context["reason"]) == ("discontinued", "Moved away.")


class TestContext:
    def test_inner_facts_end_where_they_began(self):
        with acting(task="sweep"):
            with acting(reason="inner"):
                inner = lesion()
            outer = lesion()
        contexts = [
            event_model_of(Lesion).objects.get(pgh_obj_id=row.pk).pgh_context
            for row in (inner, outer)
        ]
        assert contexts == [{"task": "sweep", "reason": "inner"}, {"task": "sweep"}]

    def test_a_fact_can_be_looked_up_when_it_is_needed(self):
        known = []
        with acting(user=later(lambda: known[-1])):
            known.append(4711)
            row = lesion()
        entry = TrailEntry.objects.get(object_id=str(row.pk))
        assert entry.user_id == 4711

    def test_a_task_says_its_name_and_row(self):
        made = []

        @portal_task(over_every_site="for a test")
        def count_lesions(_key):
            made.append(lesion())

        count_lesions("of-this-row")
        context = event_model_of(Lesion).objects.get(pgh_obj_id=made[0].pk).pgh_context
        assert context == {"task": "count_lesions", "of": "of-this-row"}

    def test_a_request_says_who_asked_in_which_role_and_from_where(self, client, study):
        coordinator = person(Role.COORDINATOR)
        participant = make.ParticipantFactory(
            eligible=True, site=coordinator.memberships.get().site
        )
        make.ConsentFactory(participant=participant)
        client.force_login(coordinator)
        answer = client.post(reverse("web:enrol", args=[participant.pk]))
        event = (
            event_model_of(Participant).objects.filter(pgh_obj_id=participant.pk).latest("pgh_id")
        )
        context = event.pgh_context
        assert event.status == "enrolled"
        assert context["user"] == str(coordinator.pk)
        assert context["roles"] == f"coordinator@{participant.site.code}"
        assert context["request"] == answer["X-Request-Id"]
        assert (context["method"], context["address"]) == ("POST", "127.0.0.1")
        assert context["url"].endswith("/enrol/")
        assert len(context["session"]) == 16

    def test_an_event_knows_its_participant_and_site_however_far_away(self):
        row = make.FindingFactory()
        participant = row.pair.participant
        entry = TrailEntry.objects.get(object_id=str(row.pk))
        assert (entry.participant_id, entry.site_id) == (participant.pk, participant.site_id)

    def test_an_act_belongs_to_the_participant_of_its_row(self):
        pair = make.ScanPairFactory()
        make.AuditEventFactory(object_type="scanpair", object_id=str(pair.pk))
        entry = TrailEntry.objects.get(object_id=str(pair.pk), label="act")
        assert entry.participant_id == pair.participant_id
