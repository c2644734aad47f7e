"""The schema of CDISC ODM 1.3.2, as odmlib carries it, is the referee of our documents."""

from importlib import resources

import pytest
from lxml import etree

from tests.portal.test_odm import case, document

pytestmark = [pytest.mark.referee, pytest.mark.django_db, pytest.mark.usefixtures("study")]


@pytest.fixture(scope="module")
def schema():
    pytest.importorskip("odmlib", reason="odmlib, which carries the schema, is not installed")
    with resources.as_file(resources.files("odmlib") / "schemas" / "odm" / "1.3.2") as folder:
        return etree.XMLSchema(file=str(folder / "ODM1-3-2.xsd"))


def test_a_document_with_data_is_valid_under_the_schema(schema):
    case()
    schema.assertValid(etree.fromstring(document(with_drafts=True)))


def test_the_schema_refuses_an_element_in_the_wrong_place(schema):
    case()
    root = etree.fromstring(document(with_drafts=True))
    root.append(root[0])  # the study behind the data
    assert not schema.validate(root)
