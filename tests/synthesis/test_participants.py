"""Who is drawn: the stated distributions, and CT that is only partly predictive."""

import json

import numpy as np

from synthesis.data import draw_participant
from synthesis.data.findings import ALWAYS_ASSESSED, MALIGNANT_SUV

DRAWN = [draw_participant(seed) for seed in range(600)]


def test_the_same_seed_gives_the_same_participant() -> None:
    assert draw_participant(5) == draw_participant(5)
    assert draw_participant(5) != draw_participant(6)


def test_a_participant_survives_json() -> None:
    table = draw_participant(5).to_json()

    assert json.loads(json.dumps(table)) == json.loads(json.dumps(table))
    assert table["lesions"][0]["malignant"] is True


def test_liver_and_blood_pool_have_the_published_moments_and_correlation() -> None:
    liver = np.array([p.uptake.liver for p in DRAWN])
    blood = np.array([p.uptake.blood for p in DRAWN])

    assert abs(liver.mean() - 2.17) < 0.08
    assert abs(liver.std() - 0.44) < 0.06
    assert abs(blood.mean() - 1.55) < 0.07
    assert abs(np.corrcoef(np.log(liver), np.log(blood))[0, 1] - 0.82) < 0.05


def test_malignant_uptake_follows_the_published_mean_of_its_histology() -> None:
    for histology, (mean, sd) in MALIGNANT_SUV.items():
        primaries = [p.lesions[0] for p in DRAWN if p.histology == histology]
        solid = np.array([x.target_suv for x in primaries if x.kind == "solid"])

        assert abs(np.median(solid) - mean / np.sqrt(1 + (sd / mean) ** 2)) < 1.3


def test_ct_predicts_part_of_the_uptake_of_malignant_lesions_and_not_more() -> None:
    solid = [x for p in DRAWN for x in p.lesions if x.malignant and x.kind == "solid"]
    suv = np.log([x.target_suv for x in solid])
    features = np.column_stack(
        [
            np.ones(len(solid)),
            np.log([x.diameter_mm for x in solid]),
            [x.attenuation_hu for x in solid],
            [x.spiculation for x in solid],
        ]
    )
    residual = suv - features @ np.linalg.lstsq(features, suv, rcond=None)[0]

    r_squared = 1 - residual.var() / suv.var()

    assert 0.3 < r_squared < 0.5


def test_benign_and_malignant_uptake_overlap() -> None:
    malignant = np.array([x.target_suv for p in DRAWN for x in p.lesions if x.malignant])
    benign = np.array([x.target_suv for p in DRAWN for x in p.lesions if not x.malignant])

    assert len(benign) > 200
    assert np.median(benign) < np.median(malignant)
    assert np.mean(benign > np.quantile(malignant, 0.1)) > 0.15


def test_every_participant_has_both_adrenals_and_five_stations_assessed() -> None:
    for participant in DRAWN:
        stations = [node.station for node in participant.nodes]
        sites = [site.site for site in participant.distant_sites]

        assert set(ALWAYS_ASSESSED) <= set(stations)
        assert len(stations) == len(set(stations))
        assert {"adrenal_left", "adrenal_right"} <= set(sites)


def test_stage_decides_whether_nodes_and_distant_sites_are_positive() -> None:
    for participant in DRAWN:
        nodal = any(node.metastatic for node in participant.nodes)
        distant = any(site.metastatic for site in participant.distant_sites)

        assert nodal <= (participant.n_stage > 0)
        assert distant == (participant.m_stage > 0)
    shares = np.mean([any(n.metastatic for n in p.nodes) for p in DRAWN])
    assert 0.3 < shares < 0.6


def test_lesions_do_not_overlap() -> None:
    for participant in DRAWN:
        for i, first in enumerate(participant.lesions):
            for second in participant.lesions[i + 1 :]:
                gap = np.linalg.norm(np.subtract(first.centre_mm, second.centre_mm))
                assert gap > (first.diameter_mm + second.diameter_mm) / 2
