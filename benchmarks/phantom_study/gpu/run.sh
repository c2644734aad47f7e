#!/usr/bin/env bash
# Make the images, train the families beside each other, and write the tables: run.sh OUT [NAME ...]
# Six at once slow each other on one GPU (36 to 194 ms a step on an H200, where three are about twice
# as fast); the diffusion families want 10 minutes and more, so name a few at a time.
set -eu
out=$1; shift
study=$(dirname "$0")/study.toml
names=${*:-gpu-baseline gpu-pix2pix phantom-pix2pix gpu-pix2pix-ddpm gpu-cpdm gpu-cascade3d}
export OMP_NUM_THREADS=1
python -m synthesis study "$study" --out "$out" --images "$(nproc --all)"
for name in $names; do
    python -m synthesis study "$study" --out "$out" --only "$name" &
done
wait
python -m synthesis study "$study" --out "$out"
python -m benchmarks.phantom_study.student "$(dirname "$0")/distil.toml" \
    --teacher "$out/families/gpu-cpdm/release" --data phantom:480:31 --out "$out/student" --images "$out/images"
