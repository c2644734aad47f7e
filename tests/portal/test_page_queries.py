"""Every page asks the database at most thirty times, as every role that may open it, with whole casebooks."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.portal.page_walk import pages
from tests.portal.seeded_study import seeded_study

pytestmark = pytest.mark.django_db
MOST = 30


def test_no_page_asks_the_database_more_than_thirty_times():
    seeded = seeded_study()
    opened, greedy = set(), {}
    for page in pages():
        address = page.address(seeded.objects)
        for role in page.roles if address else ():
            client = Client()
            client.force_login(seeded.study.people[role])
            client.get(address)  # what is looked up once in a process was looked up
            with CaptureQueriesContext(connection) as asked:
                answer = client.get(address)
            if answer.status_code == 200:
                opened.add(page.name)
                if len(asked) > MOST:
                    greedy[page.name, role.value] = len(asked)
    assert greedy == {}
    assert len(opened) >= 60, sorted(opened)
