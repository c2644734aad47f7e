"""Help inside the portal."""

import pytest
from django.test import Client
from django.urls import reverse

from studyportal.sites.rules import Role
from studyportal.web.help import TOPICS, help_text
from studyportal.web.permissions import PAGES
from tests.factories import person


@pytest.mark.parametrize("topic", sorted(set(TOPICS.values())))
def test_every_topic_is_a_page_of_the_documentation(topic):
    assert "<h1>" in (help_text(topic) or "")


def test_topics_belong_to_pages_that_exist():
    assert set(TOPICS) <= set(PAGES)


@pytest.mark.django_db
def test_the_question_mark_opens_the_help_of_its_page():
    client = Client()
    client.force_login(person(Role.DATA_MANAGER, None))

    page = client.get(reverse("web:pairs")).content.decode()
    address = reverse("web:help", args=["pair"])

    assert f'href="{address}"' in page
    assert "Judge artefacts" in client.get(address).content.decode()


@pytest.mark.django_db
def test_an_unknown_topic_is_not_found():
    client = Client()
    client.force_login(person(Role.DATA_MANAGER, None))
    assert client.get("/help/nothing/").status_code == 404
