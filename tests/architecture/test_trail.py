"""The audit trail and the histories can be added to and nothing else; an act without its trail does not happen."""

import ast
import inspect
import json
import uuid
from importlib import import_module

import pytest
from allauth.mfa.models import Authenticator
from django.db import DatabaseError, connection, transaction

from studyportal.clinical.rules import (
    ODM_NAMESPACE,
    Change,
    ReferenceEntry,
    ReferenceStatus,
    Signing,
    TargetCondition,
    Unit,
)
from studyportal.clinical.selectors import casebook_of, form_digests
from studyportal.core import clock
from studyportal.core import services as core_services
from studyportal.core.models import AuditEvent, StatusChange
from studyportal.exports.models import Export
from studyportal.exports.states import DataFormat
from studyportal.imaging.models import ImagingSeries
from studyportal.imaging.selectors import manifest_path, quarantine_of, waiting_files
from studyportal.imaging.states import SeriesRole
from studyportal.outcomes.rules import ScoreEntry
from studyportal.outcomes.states import Seen
from studyportal.participants.rules import (
    Answer,
    DeclinedFacts,
    DeclineReason,
    Language,
    Offer,
    Scope,
    ScreeningFacts,
    Why,
)
from studyportal.protocol.rules import parse
from studyportal.protocol.selectors import active_protocol, active_version, packaged_text
from studyportal.queries.rules import Asked
from studyportal.queries.services import Subject
from studyportal.sites.rules import LockKind, Role
from studyportal.syntheses.services import release_files
from studyportal.syntheses.states import ReleaseStatus
from tests import factories as make
from tests.architecture.rendering import generate
from tests.portal.test_api_rights import PLAN, complete_call, download_call, import_call
from tests.portal.test_reading import DESIGN as SMALL_DESIGN

pytestmark = pytest.mark.django_db
TABLES = {"core_auditevent": make.AuditEventFactory, "core_statuschange": make.StatusChangeFactory}
CHANGES = ["UPDATE {} SET at = now()", "DELETE FROM {}", "TRUNCATE {}"]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("table", TABLES)
def test_a_kept_row_cannot_be_changed_or_taken_away(table, change):
    row = TABLES[table]()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # TRUNCATE waits for no pending check
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            cursor.execute(change.format(table))
    assert type(row).objects.get(pk=row.pk).at == make.MOMENT


@pytest.mark.parametrize("table", TABLES)
def test_the_object_mapper_cannot_change_it_either(table):
    row = TABLES[table]()
    for change in (row.save, row.delete, lambda: type(row).objects.update(reason="")):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


class TrailBroken(RuntimeError):
    """Raised in place of keeping an act."""


def facts(site):
    answers = dict.fromkeys(("INC-01", "INC-02", "INC-03"), Answer.MET)
    return ScreeningFacts(
        site_code=site.code,
        sex="F",
        age_years=61,
        screening_date=make.DAY,
        consent_date=make.DAY,
        consent_version="1.0",
        answers={**answers, "EXC-01": Answer.NOT_MET},
    )


def screening():
    site = make.SiteFactory()
    return {"site": site, "facts": facts(site)}


def failed_screening():
    """A participant against whom one criterion stands."""
    participant = make.ParticipantFactory(screen_failed=True)
    assessment = make.EligibilityAssessmentFactory(
        participant=participant, protocol_version=active_version(), verdict="not_eligible"
    )
    make.CriterionAnswerFactory(assessment=assessment, criterion="EXC-01", answer=Answer.MET)
    return participant


def reference():
    return [ReferenceEntry(TargetCondition.MALIGNANCY, Unit.LESION, "1", ReferenceStatus.POSITIVE)]


def whole_specimen():
    """A specimen with every answer, on a form that was not completed yet."""
    return make.SpecimenRowFactory(
        lesion=1, method="resection", taken_on="2026-02", result="malignant",
        histology="adenocarcinoma",
    )  # fmt: skip


def differing_entries():
    form = make.BaselineFactory(form__complete=True).form
    return make.SecondEntryFactory(form=form, answers={"": {"weight_kg": "26.0"}}).form


def signing(sha256):
    return Signing("approval", "password", clock.now(), sha256)


def signable_form():
    form = make.FormFactory(verified=True)
    return {"form": form, "signing": signing(form_digests([form])[form.pk])}


def signable_casebook():
    participant = make.FormFactory(verified=True).participant
    return {"participant": participant, "signing": signing(casebook_of(participant).sha256)}


def signed_form():
    form = make.FormFactory(verified=True, status="signed")
    make.SignatureFactory(form=form, sha256=form_digests([form])[form.pk])
    return form


def score():
    return ScoreEntry("R1", "ct", TargetCondition.MALIGNANCY, Unit.LESION, "1", 4.0)


def everyone():
    """A person who may do everything at every site: all roles but the one that is blinded to the others' work."""
    person = make.UserFactory()
    for role in set(Role) - {Role.READER}:
        make.MembershipFactory(user=person, role=role, site=None)
    return person


def released_to_upload():
    site = make.SiteFactory()
    key = complete_call(site).address.split("/")[1]
    return ImagingSeries.objects.get(pk=key)


def announced_upload():
    series = released_to_upload()
    digests = waiting_files(series.pk)
    rows = [{"name": "slice", "size": 1, "sha256": digest} for digest in digests]
    manifest_path(series.pk).write_text(json.dumps(rows))
    return series


def waiting_arrival():
    participant = make.ParticipantFactory()
    arrival = make.ArrivalFactory(site=participant.site)
    folder = quarantine_of(arrival.pk)
    folder.mkdir(parents=True)
    (folder / make.digest("slice")).write_bytes(b"slice")
    return {"arrival": arrival, "participant": participant}


def complete_pair(**traits):
    return make.ScanPairFactory(complete=True, **traits)


def comparable_release():
    row = make.SyntheticSeriesFactory()
    make.PrimaryReleaseFactory(release=row.job.release)
    make.ImagingSeriesFactory(pair=row.job.pair, role=SeriesRole.REFERENCE, accepted=True)
    return row.job.release


def ready_for_a_batch():
    complete_pair(ready=True)
    return make.ModelReleaseFactory()


def odm_of(participant):
    """A file with one row of a form."""
    study = f"ST.{active_protocol().registry_number}"
    return (
        f'<ODM xmlns="{ODM_NAMESPACE}"><ClinicalData StudyOID="{study}" MetaDataVersionOID="MDV.1.0">'
        f'<SubjectData SubjectKey="{participant.code}"><StudyEventData StudyEventOID="SE.CASEBOOK">'
        '<FormData FormOID="F.TREATMENT"><ItemGroupData ItemGroupOID="IG.TREATMENT" '
        'ItemGroupRepeatKey="1"><ItemData ItemOID="IT.TREATMENT.INTENT" Value="curative"/>'
        "</ItemGroupData></FormData></StudyEventData></SubjectData></ClinicalData></ODM>"
    ).encode()


def ready_export():
    key = download_call(make.SiteFactory()).address.split("/")[1]
    return Export.objects.get(pk=key)


def packaged_folder():
    registry = import_module("synthesis.registry")
    return registry.packaged_releases()[0].folder


def bundled_release():
    """The packaged release with its bundle made already: making it takes a process of its own."""
    release = make.ModelReleaseFactory(candidate=True)
    place = release_files._place(f"{release.digest}-monai-bundle.zip")
    place.write_bytes(b"PK zip")
    return {"release": release}


def readable_cases():
    """Two pairs that can be read, and somebody who reads nothing but cases."""
    for _ in range(2):
        complete_pair(ready=True)
    reader = make.MembershipFactory(role=Role.READER, site=None).user
    return {"name": "Session", "design_text": SMALL_DESIGN, "readers": [reader]}


def reopened(read):
    """What opens a submitted case to its reader again."""
    return {"session": read.reader.session, "code": read.code, "reason": "Typed wrongly."}


def comparable_on_one_cut():
    """A cut of one pair with the series of two releases."""
    own = make.CutPairFactory()
    other = make.SyntheticSeriesFactory(job__pair=own.pair, job__source=own.source)
    return {"cut": own.cut, "releases": [own.cut.release, other.job.release]}


def with_factor():
    person = make.UserFactory()
    Authenticator.objects.create(user=person, type="totp", data={"secret": "drawn"})
    return person


# Service → its arguments, made in the database before the trail breaks.
ACTS = {
    "protocol.load_protocol": lambda: {"text": packaged_text().replace('"1.1"', '"9.9"', 1)},
    "protocol.activate_protocol": lambda: {"version": make.ProtocolVersionFactory(draft=True)},
    "sites.open_sites": lambda: {"protocol": parse(packaged_text())},
    "sites.give_role": lambda: {
        "user": make.UserFactory(), "role": Role.COORDINATOR, "site": make.SiteFactory()
    },
    "sites.lock_data": lambda: {
        "site": make.SiteFactory(), "kind": LockKind.LOCK, "why": "Closed out."
    },
    "sites.ask_unlock": lambda: {"lock": make.DataLockFactory(lock=True), "why": "Late."},
    "sites.decline_unlock": lambda: {
        "lock": make.DataLockFactory(lock=True, status="unlock_asked"), "why": "No."
    },
    "sites.lift_lock": lambda: {"lock": make.DataLockFactory(), "why": "A form came late."},
    "sites.end_role": lambda: {"membership": make.MembershipFactory(), "reason": "Left."},
    "sites.close_account": lambda: {"user": make.UserFactory(), "reason": "Left."},
    "sites.reopen_account": lambda: {
        "user": make.UserFactory(is_active=False), "reason": "Came back."
    },
    "sites.drop_second_factors": lambda: {"user": with_factor(), "reason": "Lost the phone."},
    "sites.invite": lambda: {
        "email": "li.na@hospital.example", "role": Role.COORDINATOR, "site": make.SiteFactory()
    },
    "sites.withdraw_invitation": lambda: {"invitation": make.InvitationFactory()},
    "sites.review_access": lambda: {"note": "Nothing needs to change."},
    "queries.raise_query": lambda: {
        "subject": Subject(make.SiteFactory(), "SPH-00001", "images", uuid.uuid4()),
        "asked": Asked("source", "Is this the right side?"),
    },
    "queries.answer_query": lambda: {"query": make.DataQueryFactory(), "text": "Sent again."},
    "queries.close_query": lambda: {"query": make.DataQueryFactory(), "text": "It is right."},
    "queries.reopen_query": lambda: {
        "query": make.DataQueryFactory(answered=True), "text": "It is not."
    },
    "participants.screen_participant": screening,
    "participants.enrol_participant": lambda: {
        "participant": make.ConsentFactory(participant__eligible=True).participant
    },
    "participants.record_consent": lambda: {
        "participant": make.ParticipantFactory(), "version": "1.0", "language": "",
        "signed_on": make.DAY,
    },
    "participants.declare_consent_version": lambda: {
        "site": make.SiteFactory(),
        "offer": Offer("2.0", Language.CHINESE, make.DAY, None, True, None),
    },
    "participants.record_withdrawal": lambda: {
        "participant": make.ConsentFactory().participant, "scope": Scope.REMOVE,
        "withdrawn_on": make.DAY, "why": Why.NOT_SAID, "note": "",
    },
    "participants.record_declined": lambda: {
        "site": make.SiteFactory(), "submission": uuid.uuid4(),
        "facts": DeclinedFacts(make.DAY, DeclineReason.NO_TIME),
    },
    "participants.ask_override": lambda: {
        "participant": failed_screening(), "criteria": ["EXC-01"], "because": "Cured long ago.",
    },
    "participants.decide_override": lambda: {
        "override": make.EligibilityOverrideFactory(participant=failed_screening()),
        "granted": True, "because": "Agreed.",
    },
    "participants.complete_screening": lambda: {
        "participant": make.ParticipantFactory(screened=True), "answers": {"INC-01": Answer.MET},
        "consent_date": make.DAY, "consent_version": "1.0",
    },
    "participants.settle_criteria": lambda: {
        "participant": make.ParticipantFactory(), "answers": {"EXC-02": Answer.NOT_MET},
        "source": "imaging",
    },
    "participants.settle_fact": lambda: {
        "participant": make.ParticipantFactory(), "fact": "artefacts", "answer": Answer.NOT_MET,
        "source": "imaging",
    },
    "clinical.open_form": lambda: {
        "participant": make.ParticipantFactory(), "kind": "lesions"
    },
    "clinical.add_row": lambda: {"form": make.FormFactory(kind="nodes"), "unit": "7"},
    "clinical.void_row": lambda: {
        "form": make.NodeRowFactory().form, "unit": "7", "reason": "Not examined."
    },
    "clinical.save_answers": lambda: {
        "form": make.BaselineFactory().form, "changes": [Change("", "weight_kg", "62.0", "63.5")]
    },
    "clinical.complete_form": lambda: {"form": whole_specimen().form},
    "clinical.verify_form": lambda: {
        "form": make.FormFactory(kind="treatment", complete=True)
    },
    "clinical.reopen_form": lambda: {
        "form": make.FormFactory(complete=True), "reason": "The source was read wrongly."
    },
    "clinical.sign_form": signable_form,
    "clinical.sign_casebook": signable_casebook,
    "clinical.lock_form": lambda: {"form": signed_form()},
    "clinical.lock_forms": lambda: {"participant": signed_form().participant},
    "clinical.ask_form_unlock": lambda: {
        "form": make.FormFactory(verified=True, status="locked"), "why": "A date is wrong."
    },
    "clinical.decide_form_unlock": lambda: {
        "unlock": make.FormUnlockFactory(), "granted": True, "why": "Agreed."
    },
    "clinical.plan_verification": lambda: {
        "site": make.SiteFactory(), "share_percent": 20, "critical": [], "reason": "By plan."
    },
    "clinical.enter_second": lambda: {
        "form": make.BaselineFactory(form__complete=True).form,
        "answers": {"": {"weight_kg": "62.0", "glucose_mmol_l": "5.4"}},
    },
    "clinical.reconcile": lambda: {
        "form": differing_entries(), "unit": "", "field": "weight_kg", "take_second": False,
        "reason": "The source says so.",
    },
    "clinical.import_forms": lambda: {
        "kind": "treatment", "name": "treatment.csv",
        "content": f"participant,row,intent\n{make.ParticipantFactory().code},1,curative\n".encode(),
    },
    "clinical.import_odm": lambda: {
        "name": "treatment.xml", "content": odm_of(make.ParticipantFactory()),
    },
    "clinical.enter_reference": lambda: {
        "participant": make.ParticipantFactory(), "entries": reference(), "source": "resection"
    },
    "clinical.enter_baseline": lambda: {
        "participant": make.ParticipantFactory(), "height_cm": 165.0, "weight_kg": 62.0
    },
    "imaging.complete_series": lambda: {"series": released_to_upload()},
    "imaging.complete_upload": lambda: {"series": announced_upload()},
    "imaging.assign_arrival": waiting_arrival,
    "imaging.discard_arrival": lambda: {"arrival": make.ArrivalFactory(), "reason": "A mistake."},
    "imaging.forget_identity": lambda: {
        "participant": make.PatientBindingFactory().participant, "reason": "Withdrawn."
    },
    "imaging.settle_conflict": lambda: {
        "conflict": make.ArrivalConflictFactory(), "reason": "The first is right."
    },
    "imaging.accept_finding": lambda: {
        "finding": make.FindingFactory(pair=complete_pair(query_open=True)), "reason": "Fine."
    },
    "imaging.choose_reconstruction": lambda: {
        "series": make.ImagingSeriesFactory(
            quarantined=True, reconstructions=[{"key": "2.25.1", "name": "B40f", "facts": ["thin"]}]
        ),
        "key": "2.25.1",
    },
    "imaging.exclude_pair": lambda: {"pair": make.ScanPairFactory(ready=True), "reason": "Metal."},
    "imaging.judge_artefacts": lambda: {
        "pair": complete_pair(ready=True), "artefacts": True, "reason": "Metal."
    },
    "syntheses.register_release": lambda: {"folder": packaged_folder()},
    "syntheses.import_release": lambda: import_call(make.SiteFactory()).body,
    "syntheses.hand_out_release": lambda: {"release": make.ModelReleaseFactory(candidate=True)},
    "syntheses.hand_out_bundle": bundled_release,
    "syntheses.move_release": lambda: {
        "release": make.ModelReleaseFactory(candidate=True), "target": ReleaseStatus.VALIDATED,
        "reason": "Checked.",
    },
    "syntheses.request_synthesis": lambda: {
        "pair": complete_pair(ready=True), "release": make.ModelReleaseFactory(), "seed": 1
    },
    "syntheses.request_ready_pairs": lambda: {
        "release": ready_for_a_batch(), "seed": 1
    },
    "syntheses.name_primary_release": lambda: {
        "release": make.ModelReleaseFactory(), "seed": 0, "reason": "Best on held-out phantoms."
    },
    "syntheses.seal_primary_release": lambda: {"primary": make.PrimaryReleaseFactory()},
    "syntheses.cancel_job": lambda: {"job": make.SynthesisJobFactory()},
    "syntheses.retry_job": lambda: {"job": make.SynthesisJobFactory(errored=True)},
    "reading.open_session": readable_cases,
    "reading.reopen_read": lambda: {
        "read": make.ReadFactory(submitted=True), "reason": "Typed wrongly."
    },
    "reading.reopen_for_reader": lambda: reopened(make.ReadFactory(submitted=True)),
    "reading.withdraw_reader": lambda: {"reader": make.SessionReaderFactory(), "reason": "Ill."},
    "reading.exclude_case": lambda: {"case": make.ReadingCaseFactory(), "reason": "Metal."},
    "reading.begin_consensus": lambda: {"session": make.ReadingSessionFactory()},
    "reading.close_session": lambda: {"session": make.ReadingSessionFactory()},
    "reading.export_reads": lambda: {"session": make.ReadingSessionFactory(closed=True)},
    "outcomes.enter_scores": lambda: {
        "participant": make.ParticipantFactory(), "entries": [score()]
    },
    "outcomes.freeze_cut": lambda: {
        "name": "Cut", "release": comparable_release(), "plan_text": PLAN
    },
    "outcomes.ask_opening": lambda: {
        "cut": make.DataCutFactory(plan_text=PLAN), "point": "final", "why": "All was read."
    },
    "outcomes.open_results": lambda: {"opening": make.ResultOpeningFactory(), "why": "Yes."},
    "outcomes.decline_opening": lambda: {"opening": make.ResultOpeningFactory(), "why": "No."},
    "outcomes.note_look": lambda: {"cut": make.DataCutFactory(), "what": Seen.ROWS},
    "outcomes.register_index_tests": lambda: {"plan_text": PLAN},
    "outcomes.lock_index_test": lambda: {"test": make.IndexTestFactory()},
    "outcomes.import_reads": lambda: {"text": reads_csv()},
    "outcomes.open_reading_session": readable_cases,
    "outcomes.take_out_reads": lambda: {
        "session": make.ReadingSessionFactory(
            closed_at=make.ResultOpeningFactory(opened=True).cut.frozen_at, closed=True
        )
    },
    "outcomes.plan_run": lambda: {"cut": make.DataCutFactory()},
    "outcomes.plan_comparison": comparable_on_one_cut,
    "exports.request_export": lambda: {
        "run": make.EvaluationRunFactory(
            completed=True, cut=make.ResultOpeningFactory(opened=True).cut
        )
    },
    "exports.request_pairs_export": lambda: {"site": None, "reason": "To train."},
    "exports.request_clinical_export": lambda: {
        "file_format": DataFormat.CSV, "site": None, "language": "en", "with_drafts": False
    },
    "exports.download_export": lambda: {"export": ready_export()},
}  # fmt: skip
# Acts of the portal itself and of files, tested where their machinery is.
TESTED_ELSEWHERE = {
    "participants.seed_participants",  # many at once, in tests/portal/test_seed_load.py
    "imaging.seed_pairs",
    "outcomes.train_classifier",  # needs a measured cut of many participants
    "outcomes.publish_report",  # writes a folder, from a cut with everything in it
    "imaging.open_series",  # opens a history and records nothing until the files are complete
    "imaging.add_file",
    "imaging.announce_files",  # as long as files come in, nothing is recorded but the files
    "imaging.take_files",
    "imaging.abandon_upload",
    "imaging.receive_series",
    "imaging.purge_series",
    "imaging.enter_injection",  # needs a PET whose uptake values follow the entry
    "imaging.grow_region",  # proposes and keeps nothing
    "imaging.draw_outline",  # need images to draw on
    "imaging.drop_outline",
    "reading.submit_read",  # the acts of a reader, who must hold no other role
    "reading.start_read",
    "reading.save_draft",  # keeps a draft, of which nothing is recorded until it is submitted
    "reading.keep_time",
    "reading.require_blind",
}


def reads_csv():
    code = make.ParticipantFactory().code
    return (
        f"arm,reader,participant,question,unit,unit_id,score\nct,R1,{code},malignancy,lesion,1,4\n"
    )


def contents():
    """Every row of the portal, as it is."""
    return {
        model._meta.label: sorted(map(repr, model.objects.order_by("pk").values()))
        for model in generate.portal_models()
    }


@pytest.mark.parametrize("act", ACTS)
def test_an_act_whose_trail_cannot_be_kept_does_not_happen(act, monkeypatch):
    room, name = act.split(".")
    services = import_module(f"studyportal.{room}.services")
    service = getattr(services, name)
    make.ProtocolVersionFactory()
    person, arguments = everyone(), ACTS[act]()
    before = contents()

    def broken(*_args, **_kwargs):
        raise TrailBroken

    with monkeypatch.context() as patch:
        # Every service asks for the row of the trail in the end, whatever module it stands in.
        patch.setattr(AuditEvent.objects, "create", broken)
        with pytest.raises(TrailBroken):
            service(**arguments, by=person)
    assert contents() == before


@pytest.mark.parametrize("act", ACTS)
def test_an_act_leaves_its_trail(act):
    room, name = act.split(".")
    service = getattr(import_module(f"studyportal.{room}.services"), name)
    make.ProtocolVersionFactory()
    person, arguments = everyone(), ACTS[act]()
    known = set(AuditEvent.objects.values_list("pk", flat=True))
    service(**arguments, by=person)
    new = AuditEvent.objects.exclude(pk__in=known)
    assert new
    assert all(event.by == person and event.sentence.endswith(".") for event in new)


def test_every_service_in_which_a_person_acts_is_tested_here():
    found = set()
    for room in ("protocol", "sites", "queries", "participants", "clinical", "imaging",
                 "syntheses", "reading", "outcomes", "exports"):  # fmt: skip
        services = import_module(f"studyportal.{room}.services")
        for name, value in vars(services).items():
            own = getattr(value, "__module__", "").startswith(f"studyportal.{room}.services")
            if name.startswith("_") or not inspect.isfunction(value) or not own:
                continue
            by = inspect.signature(value).parameters.get("by")
            if by is not None and by.default is inspect.Parameter.empty:
                found.add(f"{room}.{name}")
    assert found == set(ACTS) | TESTED_ELSEWHERE


def test_only_core_writes_to_the_trail():
    package = generate.Path(core_services.__file__).parents[1]
    writers = {
        path.relative_to(package).parts[0]
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and isinstance(node.value.value, ast.Name)
        and node.value.value.id in {AuditEvent.__name__, StatusChange.__name__}
        and node.attr in {"create", "bulk_create", "update", "delete", "get_or_create"}
    }
    assert writers == {"core"}
