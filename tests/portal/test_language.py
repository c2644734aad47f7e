"""Pages, refusals, errors and searches in the language that a person reads."""

import re
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from studyportal.clinical.models import Baseline
from studyportal.core.language import said
from studyportal.core.searching import bigrams_of
from studyportal.core.selectors import acts_on
from studyportal.participants.rules import Answer
from studyportal.protocol.selectors import _names_at, active_protocol
from studyportal.queries.rules import Asked
from studyportal.queries.services import Subject, raise_query
from studyportal.sites.rules import Role
from studyportal.web.help import TOPICS
from studyportal.web.permissions import PAGES, Anyone
from studyportal.web.trail_words import field_word
from studyportal.web.urls import urlpatterns
from tests.portal.web_study import enrolled, screened, small_study

pytestmark = pytest.mark.django_db
ENGLISH = re.compile(r"\b[a-z]+ [a-z]+ [a-z]+\b")


@pytest.fixture(autouse=True)
def _no_names_of_another_study():
    """Names are kept for a minute; those of the test before are not this one's."""
    _names_at.cache_clear()


@pytest.fixture
def study():
    return small_study()


def chinese_client(study, role=Role.COORDINATOR):
    person = study.people[role]
    person.language = "zh-hans"
    person.save()
    client = Client()
    client.force_login(person)
    return client


def test_the_language_is_kept_with_the_person(study):
    client = Client()
    client.force_login(study.coordinator)
    answer = client.post(
        reverse("web:language"), {"language": "zh-hans", "next": "/queries/"}, follow=True
    )
    assert answer.redirect_chain[-1][0] == "/queries/"
    study.coordinator.refresh_from_db()
    assert study.coordinator.language == "zh-hans"
    elsewhere = Client(headers={"accept-language": "en"})
    elsewhere.force_login(study.coordinator)
    assert "数据质疑" in elsewhere.get("/queries/").content.decode()


def test_the_sign_in_page_follows_the_browser_and_then_the_choice():
    client = Client(headers={"accept-language": "zh-CN,zh;q=0.9"})
    assert "登录" in client.get(reverse("web:login")).content.decode()
    client.post(reverse("web:language"), {"language": "en", "next": reverse("web:login")})
    assert "Sign in" in client.get(reverse("web:login")).content.decode()


def test_the_switch_leads_nowhere_else():
    answer = Client().post(
        reverse("web:language"), {"language": "zh-hans", "next": "https://elsewhere.example/"}
    )
    assert answer["Location"] == "/"


def test_an_unknown_language_is_english():
    client = Client()
    client.post(reverse("web:language"), {"language": "xx", "next": "/"})
    assert client.cookies["django_language"].value == "en"


def test_sites_and_criteria_are_called_by_their_chinese_names(study):
    criterion = active_protocol().criteria[0]
    with translation.override("zh-hans"):
        assert said("Shanghai Pulmonary Hospital") == "上海市肺科医院"
        assert said(criterion.text) == criterion.text_zh
        assert said(f"Not answered yet: {criterion.text}.") == f"尚未回答：{criterion.text_zh}。"


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("NB2-00001 Nodal stations: the form was completed.", "NB2-00001 淋巴结站：表单已完成。"),
        ("NB2-00001 Follow-up 2: the form was verified.", "NB2-00001 随访 2：表单已核查。"),
        (
            "NB2-00001 Lesions: the form got the row Lesion 3.",
            "NB2-00001 病灶：表单新增了行病灶 3。",
        ),
        (
            "NB2-00001 Baseline: the form got answers to: Weight; ECOG performance status; Smoking.",
            "NB2-00001 基线：表单填写了以下项目：体重；ECOG 体能状态；吸烟。",
        ),
    ],
)
def test_an_act_on_a_form_names_it_in_chinese(english, chinese):
    with translation.override("zh-hans"):
        assert said(english) == chinese


def test_a_number_is_not_taken_for_the_station_of_that_name():
    with translation.override("zh-hans"):
        assert said("4 cases of readers, 8 reads") == "4 个阅片者病例，8 次阅片"


def test_the_trail_calls_an_answer_as_its_form_does():
    weight = Baseline._meta.get_field("weight_kg")
    with translation.override("en"):
        assert field_word(weight) == "Weight"
    with translation.override("zh-hans"):
        assert field_word(weight) == "体重"


def test_a_refusal_reads_in_the_language_of_the_person(study):
    client = chinese_client(study)
    page = client.post(reverse("web:screen"), {"site": study.sites["SPH"].pk, "age_years": "200"})
    assert (
        "年龄不可能为 200 岁。" in page.content.decode()
        or "这个字段是必填项" in page.content.decode()
    )


def test_what_is_kept_stays_english(study):
    with translation.override("zh-hans"):
        participant = screened(study.sites["SPH"], study.coordinator)
        sentences = [act.sentence for act in acts_on("participant", participant.pk)]
    assert sentences
    assert all(sentence.isascii() for sentence in sentences)


def test_an_error_of_the_api_is_in_the_language_that_is_asked_for(study):
    asked = {"accept-language": "zh-Hans"}
    answer = Client(headers=asked).get("/api/v1/participants/")
    assert answer.json()["title"] == "请先登录"
    answer = Client(headers={"accept-language": "en"}).get("/api/v1/participants/")
    assert answer.json()["title"] == "Sign in first"


def test_a_refusal_of_the_api_is_in_the_language_that_is_asked_for(study):
    client = Client(headers={"accept-language": "zh-Hans"})
    client.force_login(study.coordinator)
    participant = screened(study.sites["SPH"], study.coordinator)
    answer = client.post(
        f"/api/v1/participants/{participant.pk}/enrol/", {}, content_type="application/json"
    )
    again = client.post(
        f"/api/v1/participants/{participant.pk}/enrol/", {}, content_type="application/json"
    )
    assert answer.status_code < 300
    assert again.status_code == 422
    assert "不能变为" in again.json()["detail"]


@pytest.mark.parametrize("words", ["右肺上叶", "肺上", "叶 层厚", "SPIculated"])
def test_chinese_words_are_found_inside_a_thread(study, words):
    asked_about(study, "病灶位于右肺上叶，请核对层厚。 Is it spiculated?")
    client = chinese_client(study)
    assert "右肺上叶" in client.get("/queries/", {"words": words}).content.decode()


def test_words_that_no_thread_holds_find_nothing(study):
    asked_about(study, "病灶位于右肺上叶。")
    page = chinese_client(study).get("/queries/", {"words": "左肺"}).content.decode()
    assert "右肺上叶" not in page
    assert "没有符合筛选条件的质疑" in page


def test_a_kept_english_sentence_is_found_by_its_chinese_words(study):
    asked_about(study, "The CT slices are 5.0 mm thick; the protocol asks for at most 3.0 mm. Send a "
                "thinner reconstruction if the scanner still has one.")  # fmt: skip
    page = chinese_client(study).get("/queries/", {"words": "层厚"}).content.decode()
    assert "CT层厚为 5.0 mm" in page


def test_the_pairs_of_a_word_are_those_of_its_neighbours():
    assert bigrams_of("右肺上叶") == ["右肺", "肺上", "上叶"]
    assert bigrams_of("层") == []


# What a page shows in English because it is no text of the portal: names, plans, software.
_AS_WRITTEN = re.compile(r"NCT07243873[^<]*|manage\.py [^<]*")


def test_no_page_holds_english_for_a_reader_of_chinese(study):
    participant = asked_about(study, "病灶位于右肺上叶。")
    screened(study.sites["SPH"], study.coordinator, EXC_01=Answer.MET)
    paths = [reverse(f"web:{name}") for name in PLAIN_PAGES]
    paths += [reverse("web:help", args=[topic]) for topic in sorted(set(TOPICS.values()))]
    paths.append(reverse("web:participant", args=[participant.pk]))
    english = {}
    for role in (Role.COORDINATOR, Role.STUDY_PI, Role.STATISTICIAN, Role.ADMINISTRATOR):
        client = chinese_client(study, role)
        for path in paths if role == Role.COORDINATOR else paths[: len(PLAIN_PAGES)]:
            page = client.get(path)
            assert page.status_code in (200, 302, 403, 405), (path, page.status_code)
            found = english_in(page.content.decode())
            if found:
                english[path] = found
    assert english == {}


PLAIN_PAGES = sorted(
    pattern.name
    for pattern in urlpatterns
    if "<" not in str(pattern.pattern)
    and PAGES[pattern.name] != Anyone.PUBLIC
    and not pattern.name.endswith("_file")  # tables for other programs
    and pattern.name != "audit"  # names fields as the data dictionary does
)


def english_in(page: str) -> list[str]:
    reader = TextReader()
    reader.feed(page)
    return [text for text in reader.texts if ENGLISH.search(_AS_WRITTEN.sub("", text))]


class TextReader(HTMLParser):
    """Gathers the words of a page; an element that names another language says so itself."""

    def __init__(self):
        super().__init__()
        self.texts = []
        self._silent = []

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        if tag in ("style", "script", "code", "textarea") or (known.get("lang") == "en"):
            self._silent.append(tag)
        elif not self._silent:
            named = (known.get(n) for n in ("title", "aria-label", "placeholder", "alt"))
            self.texts += [text for text in named if text]

    def handle_endtag(self, tag):
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()

    def handle_data(self, data):
        if not self._silent and data.strip():
            self.texts.append(" ".join(data.split()))


def asked_about(study, question):
    participant = enrolled(study.sites["SPH"], study.coordinator)
    subject = Subject(participant.site, participant.code, "images", participant.pk)
    raise_query(subject=subject, asked=Asked("", question), by=study.people[Role.MONITOR])
    return participant
