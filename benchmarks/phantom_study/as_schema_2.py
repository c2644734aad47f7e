"""Write a release of schema 1 as one of schema 2, so that it can be trained on.

`python -m benchmarks.phantom_study.as_schema_2 synthesis/releases/phantom-pix2pix OUT`. Weights and
results are the same; whom it learned from stands in it as hashes, as in every newer release.
"""

import hashlib
import shutil
import sys
from pathlib import Path

from synthesis.config import FAMILY_SCHEMA, CohortConfig, build, to_table
from synthesis.families import build_family, save_parts
from synthesis.models import load_weights
from synthesis.registry import (
    CARD,
    WEIGHTS,
    Learned,
    lineage_tables,
    load_release,
    write_description,
)
from synthesis.training.split import split_of


def main(source: Path, out: Path) -> None:
    old = load_release(source)
    family = build_family(old.config)
    load_weights(family.networks["generator"], old.weights)
    out.mkdir(parents=True)
    save_parts(family, out / WEIGHTS)
    shutil.copy(source / CARD, out / CARD)
    split = split_of(build(CohortConfig, old.training["cohort"]))
    learned = Learned.of(
        hashlib.sha256(split.digest.encode()).hexdigest(),
        train=map(str, split.train), validation=map(str, split.validation),
    )  # fmt: skip
    table = {
        "name": old.name, "version": old.version, "created": old.created, "family": old.family,
        "intended_use": "demonstration and software tests; not for clinical use",
        "parameters": family.spec().parameters, "config": to_table(old.config),
        "training": old.training, "metrics": old.metrics, **lineage_tables(None, [learned]),
    }  # fmt: skip
    write_description(out, table, schema=FAMILY_SCHEMA)
    sys.stdout.write(f"{load_release(out).digest}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
