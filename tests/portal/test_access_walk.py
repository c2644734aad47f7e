"""Every address × method × role, also from another site: generated from the URL configuration.

An address with a part that no row below fills in fails here, and so does one that stands in no table of rights.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from studyportal.api.rights import RIGHTS as API_RIGHTS
from studyportal.api.rights import Access
from studyportal.dicom.rights import RIGHTS as DICOM_RIGHTS
from studyportal.sites.models import Site
from studyportal.sites.rules import STUDY_ROLES, Action, Role, may
from studyportal.web.administration import SHOWN
from studyportal.web.permissions import ACCOUNT_PAGES, PAGES, Anyone
from tests import factories as make
from tests.architecture.rendering import generate
from tests.architecture.test_factories import FACTORIES

pytestmark = pytest.mark.django_db
BROWSER = {"web", "account"}
METHODS = ("get", "post", "options", "put", "patch", "delete")
AT_A_SITE = sorted(set(Role) - STUDY_ROLES)
# Pages of one's own account ask for no role; one walks them.
WALKED = [
    *itertools.product(("web", "api", "dicom"), AT_A_SITE),
    ("account", Role.COORDINATOR),
]
# Part of an address → the model whose row it names, for the browser pages.
OF_MODEL = {
    "participant_id": "participants.participant",
    "series_id": "imaging.imagingseries",
    "arrival_id": "imaging.arrival",
    "conflict_id": "imaging.arrivalconflict",
    "pair_id": "imaging.scanpair",
    "finding_id": "imaging.finding",
    "query_id": "queries.dataquery",
    "job_id": "syntheses.synthesisjob",
    "release_id": "syntheses.modelrelease",
    "cut_id": "outcomes.datacut",
    "comparison_id": "outcomes.releasecomparison",
    "run_id": "outcomes.evaluationrun",
    "export_id": "exports.export",
    "override_id": "participants.eligibilityoverride",
    "withdrawal_id": "participants.withdrawal",
    "lock_id": "sites.datalock",
    "unlock_id": "clinical.formunlock",
    "invitation_id": "sites.invitation",
    "membership_id": "sites.membership",
    "session_id": "reading.readingsession",
    "reader_id": "reading.sessionreader",
    "case_id": "reading.readingcase",
    "opening_id": "outcomes.resultopening",
    "test_id": "outcomes.indextest",
}
# The same for `pk` of the API, by the first word of the address.
OF_ENDPOINT = {
    "participants": "participants.participant",
    "scan-pairs": "imaging.scanpair",
    "series": "imaging.imagingseries",
    "uploads": "imaging.imagingseries",
    "data-queries": "queries.dataquery",
    "model-releases": "syntheses.modelrelease",
    "synthesis-jobs": "syntheses.synthesisjob",
    "data-cuts": "outcomes.datacut",
    "evaluation-runs": "outcomes.evaluationrun",
    "release-comparisons": "outcomes.releasecomparison",
    "exports": "exports.export",
    "withdrawals": "participants.withdrawal",
    "declined": "participants.declined",
    "reading-sessions": "reading.readingsession",
}
# Pages whose `series_id` names a synthetic series.
SYNTHETIC = {"synthetic_preview"}
WORDS = {
    "role": "source", "topic": "worklist", "ending": "json", "sha256": "a" * 64,
    "name": "report.html", "rest": "patients/", "frames": "1", "instance": "2.25.3", "url": "nothing",
    "app_label": "participants", "content_type_id": "1", "extra": "",
    "kind": "baseline", "occurrence": "1", "token": "no-invitation", "provider_id": "hospital",
    "pk": "1", "uidb36": "1", "key": "no-key",
}  # fmt: skip
# Rows that belong to no site; everybody with the right may open them.
SHARED = {
    "syntheses.modelrelease", "outcomes.datacut", "outcomes.releasecomparison",
    "outcomes.evaluationrun", "outcomes.resultopening", "outcomes.indextest",
    "reading.readingsession", "reading.sessionreader",
}  # fmt: skip


@dataclass(frozen=True)
class Address:
    """One address with the rows of the scene filled in."""

    surface: str
    name: str
    path: str
    acts: dict[str, str]
    of_site: bool

    def right(self, method: str) -> Any:
        """What the table asks for; None when the address has no such method."""
        if self.surface in BROWSER:
            return {**PAGES, **ACCOUNT_PAGES}[self.name]
        act = self.acts.get("get" if method == "head" else method)
        table = API_RIGHTS if self.surface == "api" else DICOM_RIGHTS
        return None if act is None else table[f"{self.name}.{act}"]


class Scene:
    """One row of every model at one site, and people there and elsewhere."""

    def __init__(self) -> None:
        make.ProtocolVersionFactory()
        self.site, self.elsewhere = make.SiteFactory(), make.SiteFactory()
        participant = make.ParticipantFactory(site=self.site)
        there = make.MembershipFactory(site=self.site)
        baseline = make.BaselineFactory(form__participant=participant)
        pair = make.ScanPairFactory(participant=participant, ready=True)
        study = make.ImagingStudyFactory(participant=participant)
        series = make.ImagingSeriesFactory(pair=pair, accepted=True, study=study)
        job = make.SynthesisJobFactory(pair=pair, source=series)
        self.read = read = make.ReadFactory(
            case__pair=pair, case__source=series, case__reference=None
        )
        arrival = make.ArrivalFactory(site=self.site)
        rows = [
            participant, pair, study, series, job, arrival,
            make.SyntheticSeriesFactory(job=job),
            make.FindingFactory(pair=pair, series=series),
            make.ArrivalConflictFactory(arrival=arrival),
            make.DataQueryFactory(site=self.site),
            make.DataCutFactory(), make.EvaluationRunFactory(), make.ReleaseComparisonFactory(),
            make.ModelReleaseFactory(), make.ExportFactory(pairs=True, site=self.site),
            make.EligibilityOverrideFactory(participant=participant),
            make.WithdrawalFactory(participant=participant), make.DeclinedFactory(site=self.site),
            make.ConsentVersionFactory(site=self.site), make.DataLockFactory(site=self.site),
            make.InvitationFactory(site=self.site), there,
            make.FormUnlockFactory(form=baseline.form),
            read.reader.session, read.reader, read.case,
            make.ResultOpeningFactory(), make.IndexTestFactory(),
        ]  # fmt: skip
        self.rows = {row._meta.label_lower: row for row in rows}
        self.words = {**WORDS, "site": self.site.code, "study": study.study_uid,
                      "series": series.series_uid, "code": self.site.code,
                      "username": there.user.username}  # fmt: skip
        self.secrets = [
            participant.code, study.study_uid, series.series_uid, there.user.username,
            *(str(row.pk) for label, row in self.rows.items() if label not in SHARED),
        ]  # fmt: skip

    def value(self, surface: str, name: str, part: str) -> tuple[str, bool]:
        """What fills in this part of an address, and whether it names something of a site."""
        label = OF_MODEL.get(part) if surface == "web" else None
        if surface == "api" and part == "pk":
            label = OF_ENDPOINT[name]
        if part == "code" and name.startswith("reading"):
            return self.read.code, True
        if name == "reading_image" and part == "name":
            return "ct", True
        if name in SYNTHETIC:
            label = "syntheses.syntheticseries"
        if label is not None:
            return str(self.rows[label].pk), label not in SHARED
        return self.words[part], part in {"study", "series", "site", "code", "username"}


def leaves(resolver: Any, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from leaves(pattern, route)
        else:
            yield route, pattern


@cache
def patterns(surface: str) -> tuple[tuple[str, URLPattern], ...]:
    module = {
        "web": "studyportal.web.urls",
        "account": "studyportal.web.account_urls",
        "api": "studyportal.api.urls",
        "dicom": "studyportal.dicom.urls",
    }
    return tuple(leaves(get_resolver(module[surface])))


def addresses(surface: str, scene: Scene) -> list[Address]:
    root = {"web": "/", "account": "/account/", "api": "/api/v1/", "dicom": "/dicomweb/"}[surface]
    return [_address(surface, root, pattern, scene) for _, pattern in patterns(surface)]


def _address(surface: str, root: str, pattern: URLPattern, scene: Scene) -> Address:
    view = pattern.callback
    name = getattr(view, "initkwargs", {}).get("basename") or pattern.name or ""
    acts = dict(getattr(view, "actions", None) or {})
    if surface == "api" and not acts:
        name, acts = view.view_class.basename, {"get": view.view_class.action}
    filled = {
        part: scene.value(surface, pattern.name if surface in BROWSER else name, part)
        for part in parts_of(pattern)
    }
    values = {part: value for part, (value, _) in filled.items()}
    path = root + pattern_path(pattern, values)
    return Address(
        surface, pattern.name if surface in BROWSER else name, path, acts,
        any(of_site for _, of_site in filled.values()),
    )  # fmt: skip


def parts_of(pattern: URLPattern) -> list[str]:
    return [*pattern.pattern.converters, *(
        part for part in pattern.pattern.regex.groupindex if part not in pattern.pattern.converters
    )]  # fmt: skip


def pattern_path(pattern: URLPattern, values: dict[str, str]) -> str:
    """The path of this very pattern, which need not have a name."""
    resolver = URLResolver(pattern.pattern.__class__("", is_endpoint=False), [pattern])
    (candidates,) = [entry for entry, *_ in resolver.reverse_dict.getlist(pattern.callback)][:1]
    text, names = candidates[0]
    return text % {name: values[name] for name in names}


def send(client: Client, method: str, path: str) -> Any:
    answer = getattr(client, method)(path)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer, body.decode("utf-8", "replace")


def client_of(user: Any, surface: str) -> Client:
    if surface in BROWSER:
        client = Client(raise_request_exception=False)
        if user is not None:
            client.force_login(user)
        return client
    program = APIClient(raise_request_exception=False)
    program.force_authenticate(user)
    return program


@pytest.fixture
def scene(settings) -> Scene:
    settings.ROOT_URLCONF = "tests.portal.plain_refusals"
    return Scene()


def test_every_address_stands_in_a_table_of_rights(scene):
    assert {address.name for address in addresses("web", scene)} == set(PAGES)
    assert {address.name for address in addresses("account", scene)} == set(ACCOUNT_PAGES)
    for surface, table in (("api", API_RIGHTS), ("dicom", DICOM_RIGHTS)):
        named = {f"{a.name}.{act}" for a in addresses(surface, scene) for act in a.acts.values()}
        assert named == set(table)


@pytest.mark.parametrize("surface", ["web", "account", "api", "dicom"])
def test_nobody_passes_any_address_by_any_method_without_signing_in(surface, scene):
    client = client_of(None, surface)
    for address in addresses(surface, scene):
        for method in METHODS:
            if address.right(method) in (Anyone.PUBLIC, Access.ANYONE) or method == "options":
                continue
            answer, body = send(client, method, address.path)
            expected = 302 if surface in BROWSER else 401
            assert answer.status_code == expected, (method, address)
            assert not [secret for secret in scene.secrets if secret in body]


def test_a_role_without_the_right_is_refused_every_page_at_the_own_site_too(scene):
    """Those of API and DICOMweb are walked cell by cell beside their tables."""
    for role in Role:
        client = client_of(make.person(role, scene.site), "web")
        for address in addresses("web", scene):
            right = address.right("get")
            if isinstance(right, Action) and not may(role, right):
                for method in ("get", "post"):
                    answer, _ = send(client, method, address.path)
                    assert answer.status_code == 403, (role, method, address)


@pytest.mark.parametrize(("surface", "role"), WALKED)
def test_nothing_of_another_site_is_answered_by_any_method(surface, role, scene):
    user = make.MembershipFactory(role=role, site=scene.elsewhere).user
    client = client_of(user, surface)
    for address in addresses(surface, scene):
        if address.name in ("logout", "account_logout", "token"):
            continue  # they end the session of whoever asks
        # Methods that no view knows are answered before anybody's role is asked; one role tries them.
        for method in METHODS if role == Role.COORDINATOR else METHODS[:2]:
            answer, body = send(client, method, address.path)
            assert answer.status_code < 500, (method, address, body[:500])
            seen = [
                secret for secret in scene.secrets if secret in body and secret not in address.path
            ]
            assert seen == [], (method, address)
            if address.of_site and method != "options":
                # 415: what was sent is refused before anybody looks for the row.
                assert answer.status_code in (400, 403, 404, 405, 415), (method, address)


def admin_paths(scene: Scene) -> Iterator[tuple[str, str]]:
    for model, model_admin in admin.site._registry.items():
        row = scene.rows.get(model._meta.label_lower) or FACTORIES[model]()
        info = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for pattern in model_admin.urls:
            parts = {part: str(row.pk) for part in parts_of(pattern) if part in ("object_id", "id")}
            yield model._meta.label_lower, info + pattern_path(pattern, parts)


def test_the_administration_shows_what_the_table_says_and_nothing_else(scene):
    assert {model._meta.label_lower for model in admin.site._registry} == set(SHOWN)
    paths = list(admin_paths(scene))
    administrator = make.person(Role.ADMINISTRATOR)
    administrator.is_staff = True
    administrator.save()
    client = client_of(administrator, "web")
    for label, path in paths:
        answer, body = send(client, "get", path)
        if answer.status_code == 302:
            assert (
                answer["Location"] == path + "change/"
            )  # an address of old, of which nothing is asked
        elif not may(Role.ADMINISTRATOR, SHOWN[label]):
            assert answer.status_code == 403, path
            assert not [secret for secret in scene.secrets if secret in body and secret not in path]
        assert answer.status_code < 500, path
        if path.endswith("/delete/"):
            assert answer.status_code == 403, path


def test_flags_of_django_open_no_administration_page(scene):
    paths = [path for _, path in admin_paths(scene)]
    for flags in ({}, {"is_staff": True}, {"is_staff": True, "is_superuser": True}):
        user = make.UserFactory(**flags)
        make.MembershipFactory(user=user, role=Role.DATA_MANAGER, site=scene.elsewhere)
        client = client_of(user, "web")
        for path, method in itertools.product(paths, ("get", "post")):
            answer, _ = send(client, method, path)
            assert answer.status_code == 302, (method, path, flags)
            assert answer["Location"].startswith("/admin/login/")


def test_every_model_of_the_portal_in_the_administration_has_its_right():
    registered = {label for label in SHOWN if not label.startswith("auth")}
    assert registered <= {model._meta.label_lower for model in generate.portal_models()}
    assert Site._meta.label_lower in registered
