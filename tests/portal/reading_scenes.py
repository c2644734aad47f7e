"""A reading session whose images are small volumes that a browser can really draw."""

import numpy as np

from evaluation.imaging import Grid, Volume
from studyportal.core.storage import store_bytes
from studyportal.imaging import rules as coding
from studyportal.imaging.states import SeriesRole
from studyportal.reading.models import CaseVolume, ReadingCase
from studyportal.reading.selectors import next_reads, readers_of
from studyportal.reading.services import open_session, start_read, submit_read
from studyportal.sites.rules import Role
from tests import factories as make

EDGE, WIDTH_MM = 16, 128.0
LESIONS = {"1": [12.0, 12.0, -20.0], "2": [-20.0, 4.0, 28.0]}
DESIGN = """
kind = "diagnostic"
plan = "crossed"
groups = 1
seed = 5
washout_days = 0
block_size = 4
repeats = 0
showing = "single"
lesions = "numbered"
score_gap = 0
[sampling]
cases = {cases}
practice = 0
[[arm]]
code = "ct"
shows = ["ct"]
plane = "axial"
ct_window = "lung"
pet_scale = "suv7"
[[arm]]
code = "ct_pet"
shows = ["ct", "pet"]
plane = "axial"
ct_window = "mediastinum"
pet_scale = "suv7"
[[question]]
id = "malignancy"
unit = "lesion"
scale = "1-5"
condition = "malignancy"
positive_from = 4
required = true
text = "How likely is this lesion malignant?"
text_zh = "该病灶为恶性的可能性有多大？"
[[question]]
id = "nodal"
unit = "participant"
scale = "1-5"
condition = "nodal_metastasis"
positive_from = 4
required = true
text = "Are regional lymph nodes involved?"
text_zh = "区域淋巴结是否受累？"
"""


def small_session(*, cases: int, readers: int = 1, edge: int = EDGE, adjudicator: bool = False):
    """An open session of two arms with stored images and two numbered lesions in each case, and its readers.

    With `adjudicator` the last of the people settles what the readers dispute.
    """
    make.ProtocolVersionFactory()
    for _ in range(cases):
        pair = make.ScanPairFactory(ready=True)
        for role in (SeriesRole.SOURCE, SeriesRole.REFERENCE):
            make.ImagingSeriesFactory(pair=pair, accepted=True, role=role)
    people = [make.person(Role.READER) for _ in range(readers)]
    judge = make.person(Role.READER) if adjudicator else None
    session = open_session(
        name="First", design_text=DESIGN.format(cases=cases), readers=people,
        adjudicator=judge, by=make.person(Role.DATA_MANAGER),
    )  # fmt: skip
    for number, case in enumerate(session.cases.order_by("pk")):
        CaseVolume.objects.bulk_create(
            _volume(case, layer, seed=number, edge=edge) for layer in ("ct", "pet")
        )
    ReadingCase.objects.filter(session=session).update(lesions=LESIONS)
    return session, [*people, *([judge] if judge else [])]


def read_by(session, person, score):
    """The person submits every case that is due, each answer the same; the last read."""
    part = readers_of(session).get(person=person)
    while due := next_reads(part):
        read = start_read(read=due[0], by=person)
        fields = {f"q.malignancy.{lesion}": score for lesion in LESIONS} | {"q.nodal.": "2"}
        last = submit_read(read=read, fields=fields, based_on=0, by=person)
    return last


def _volume(case: ReadingCase, layer: str, *, seed: int, edge: int) -> CaseVolume:
    voxels = np.random.default_rng([seed, len(layer), ord(layer[0])]).normal(
        0.0, 1.0, (edge, edge, edge)
    )
    values = 300 * voxels if layer == "ct" else np.abs(4 * voxels)
    spacing = WIDTH_MM / edge
    corner = -spacing * (edge - 1) / 2
    grid = Grid((edge,) * 3, (spacing,) * 3, (corner,) * 3)
    unit = "HU" if layer == "ct" else "SUVbw"
    image = coding.coded(Volume(values.astype(np.float32), grid, unit), step=1 if layer == "ct" else 0.002)  # fmt: skip
    return make.CaseVolumeFactory.build(
        case=case,
        layer=layer,
        sha256=store_bytes(image.content).sha256,
        facts={"unit": unit},
        made_at=case.session.opened_at,
    )
