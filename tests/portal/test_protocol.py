"""The registered protocol as data: what it holds, what it refuses, how versions follow each other."""

import re

import pytest

from studyportal.core.errors import Refused
from studyportal.core.selectors import history_of
from studyportal.protocol.models import ProtocolVersion
from studyportal.protocol.rules import ProtocolRefused, parse
from studyportal.protocol.selectors import (
    active_protocol,
    active_version,
    content_of,
    packaged_text,
)
from studyportal.protocol.services import activate_protocol, load_protocol
from studyportal.protocol.states import ProtocolVersionStatus

TEXT = packaged_text()


def faults_of(text: str) -> tuple[str, ...]:
    with pytest.raises(ProtocolRefused) as refused:
        parse(text)
    return refused.value.faults


def test_the_packaged_protocol_is_the_registered_study():
    protocol = parse(TEXT)

    assert protocol.registry_number == "NCT07243873"
    assert protocol.enrolment_target == sum(entry.target for entry in protocol.sites) == 10_000
    assert [entry.code for entry in protocol.sites] == ["SPH", "SEH", "NB2", "NCU", "ZMU"]
    assert [criterion.code for criterion in protocol.criteria] == [
        "INC-01", "INC-02", "INC-03", "EXC-01", "EXC-02", "EXC-03", "EXC-04",
    ]  # fmt: skip
    assert {endpoint.kind for endpoint in protocol.endpoints} == {"primary", "secondary"}


def test_every_criterion_speaks_both_languages():
    for criterion in parse(TEXT).criteria:
        assert criterion.text
        assert criterion.unmet
        assert re.search("[一-鿿]", criterion.text_zh + criterion.unmet_zh)


def test_text_that_is_not_toml_is_refused():
    assert "not TOML" in faults_of("version = ")[0]


def test_an_unknown_key_is_named_with_its_place():
    extra = TEXT.replace('code = "SEH"', 'code = "SEH"\ncolour = "red"')
    assert "sites[2]: the key “colour” is not known." in faults_of(extra)


def test_an_unknown_key_at_the_top_is_named():
    assert "protocol: the key “colour” is not known." in faults_of('colour = "red"\n' + TEXT)


def test_a_missing_key_is_named():
    without = TEXT.replace('responsible = "Chang Chen, Shanghai Pulmonary Hospital"\n', "")
    assert faults_of(without) == ("protocol: the key “responsible” is missing.",)


def test_a_missing_key_of_the_second_site_is_named_with_its_place():
    without = TEXT.replace('name_zh = "上海市东方医院"\n', "")
    assert "sites[2]: the key “name_zh” is missing." in faults_of(without)


@pytest.mark.parametrize(
    ("now", "then", "named"),
    [
        ("minimum_age_years = 18", 'minimum_age_years = "18"', "minimum_age_years"),
        ("minimum_age_years = 18", "minimum_age_years = true", "minimum_age_years"),
        ("enrolment_target = 10000", "enrolment_target = 10000.5", "enrolment_target"),
        ('consent_versions = ["1.0"]', "consent_versions = [1.0]", "consent_versions"),
        ("start_date = 2025-12-01", 'start_date = "2025-12-01"', "start_date"),
        ('kind = "inclusion"', 'kind = "optional"', "kind"),
        ('settled_by = "pathology"', 'settled_by = "opinion"', "settled_by"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(now, then, named):
    assert now in TEXT
    assert any(
        f"“{named}” is of the wrong kind" in fault
        for fault in faults_of(TEXT.replace(now, then, 1))
    )


def test_targets_that_do_not_sum_up_are_refused_with_both_numbers():
    faults = faults_of(TEXT.replace("target = 4000", "target = 4001", 1))
    assert faults == ("protocol: the sites' targets sum to 10001, not to 10000.",)


def test_a_code_that_stands_twice_is_refused():
    assert "protocol: site SPH stands twice." in faults_of(TEXT.replace('"SEH"', '"SPH"'))
    assert "protocol: criterion INC-01 stands twice." in faults_of(
        TEXT.replace('"INC-02"', '"INC-01"')
    )


@pytest.mark.parametrize("kind", ["sites", "criteria", "endpoints"])
def test_a_list_that_is_no_list_of_tables_is_refused_and_not_an_error_of_ours(kind):
    text = re.sub(rf"\[\[{kind}\]\].*?(?=\n\[|\Z)", "", TEXT, flags=re.DOTALL)
    assert any(kind in fault for fault in faults_of(f'{kind} = ["SPH"]\n' + text))
    assert any(kind in fault for fault in faults_of(f"{kind} = 3\n" + text))


def test_thresholds_that_are_no_table_are_refused_and_not_an_error_of_ours():
    text = re.sub(r"\n\[imaging[.\]].*?(?=\n\[|\Z)", "", TEXT, flags=re.DOTALL)
    assert "protocol: “imaging” is of the wrong kind." in faults_of("imaging = 3\n" + text)


def test_every_fault_is_told_at_once():
    text = TEXT.replace("version = ", "wersion = ", 1).replace('name_zh = "上海市东方医院"\n', "")
    assert len(faults_of(text)) >= 3


# versions


@pytest.mark.django_db
def test_loading_the_same_text_twice_makes_one_version():
    first, second = (load_protocol(text=TEXT, by=None) for _ in range(2))
    assert first.pk == second.pk
    assert history_of("protocol version", first.pk).count() == 1


@pytest.mark.django_db
def test_other_content_under_the_same_version_is_refused():
    load_protocol(text=TEXT, by=None)
    with pytest.raises(Refused, match="new version number"):
        load_protocol(text=TEXT + "\n# changed\n", by=None)


@pytest.mark.django_db
def test_a_faulty_file_is_refused_with_every_fault_and_leaves_nothing():
    with pytest.raises(Refused) as refused:
        load_protocol(text='colour = "red"\n', by=None)

    assert len(refused.value.reasons) > 10
    assert not ProtocolVersion.objects.exists()


@pytest.mark.django_db
def test_activating_a_version_supersedes_the_one_before():
    first = activate_protocol(version=load_protocol(text=TEXT, by=None), by=None)
    newer = load_protocol(text=TEXT.replace('version = "1.1"', 'version = "1.2"', 1), by=None)
    activate_protocol(version=newer, by=None)
    first.refresh_from_db()

    assert first.status == ProtocolVersionStatus.SUPERSEDED
    assert active_version() == newer
    assert active_protocol() == content_of(newer)


@pytest.mark.django_db
def test_activating_the_active_version_changes_nothing():
    version = activate_protocol(version=load_protocol(text=TEXT, by=None), by=None)
    activate_protocol(version=version, by=None)
    assert history_of("protocol version", version.pk).count() == 2


@pytest.mark.django_db
def test_a_superseded_version_does_not_come_back():
    first = activate_protocol(version=load_protocol(text=TEXT, by=None), by=None)
    newer = load_protocol(text=TEXT.replace('version = "1.1"', 'version = "1.2"', 1), by=None)
    activate_protocol(version=newer, by=None)
    first.refresh_from_db()
    with pytest.raises(Refused):
        activate_protocol(version=first, by=None)
    assert active_version() == newer


@pytest.mark.django_db
def test_without_a_protocol_in_force_the_way_to_load_one_is_told():
    load_protocol(text=TEXT, by=None)
    with pytest.raises(Refused, match="load_protocol"):
        active_version()
