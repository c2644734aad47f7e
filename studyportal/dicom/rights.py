"""Which right each DICOMweb endpoint asks for: one table, `address.act` → right."""

from collections.abc import Mapping

from studyportal.sites.rules import Action

RIGHTS: Mapping[str, Action] = {
    "studies.search": Action.SEE_IMAGES,
    "studies.store": Action.UPLOAD_IMAGES,
    "site-studies.store": Action.UPLOAD_IMAGES,
    "study.retrieve": Action.SEE_IMAGES,
    "study.store": Action.UPLOAD_IMAGES,
    "site-study.store": Action.UPLOAD_IMAGES,
    "study-metadata.retrieve": Action.SEE_IMAGES,
    "every-series.search": Action.SEE_IMAGES,
    "every-instance.search": Action.SEE_IMAGES,
    "study-series.search": Action.SEE_IMAGES,
    "study-instances.search": Action.SEE_IMAGES,
    "series.retrieve": Action.SEE_IMAGES,
    "series-metadata.retrieve": Action.SEE_IMAGES,
    "series-instances.search": Action.SEE_IMAGES,
    "instance.retrieve": Action.SEE_IMAGES,
    "instance-metadata.retrieve": Action.SEE_IMAGES,
    "instance-rendered.retrieve": Action.SEE_IMAGES,
    "study-thumbnail.retrieve": Action.SEE_IMAGES,
    "series-thumbnail.retrieve": Action.SEE_IMAGES,
    "instance-thumbnail.retrieve": Action.SEE_IMAGES,
    "frames-thumbnail.retrieve": Action.SEE_IMAGES,
    "frames.retrieve": Action.SEE_IMAGES,
    "frames-rendered.retrieve": Action.SEE_IMAGES,
}
