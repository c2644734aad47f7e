"""Exports and downloads."""

import factory
from factory.django import DjangoModelFactory

from studyportal.exports.models import Export, ExportDownload
from studyportal.exports.states import ExportKind, ExportStatus
from tests.factories.common import MOMENT, unique_digest
from tests.factories.outcomes import EvaluationRunFactory
from tests.factories.sites import UserFactory


class ExportFactory(DjangoModelFactory):
    """An export that waits unless a trait says otherwise."""

    class Meta:
        model = Export

    run = factory.SubFactory(EvaluationRunFactory, completed=True)
    status = ExportStatus.REQUESTED
    requested_at = MOMENT
    requested_by = factory.SubFactory(UserFactory)

    class Params:
        ready = factory.Trait(
            status=ExportStatus.READY,
            built_at=MOMENT,
            archive_sha256=unique_digest("archive"),
            size=1000,
        )
        errored = factory.Trait(status=ExportStatus.ERRORED, reason="It broke.")
        pairs = factory.Trait(kind=ExportKind.PAIRS, run=None, purpose="To train a model.")


class ExportDownloadFactory(DjangoModelFactory):
    class Meta:
        model = ExportDownload

    export = factory.SubFactory(ExportFactory, ready=True)
    by = factory.SubFactory(UserFactory)
    at = MOMENT
