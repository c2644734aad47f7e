"""Evaluation, ours and peers in one run: `python -m benchmarks.evaluation [--shape Z Y X] [--repeats N]`."""

from benchmarks import evaluation_images

if __name__ == "__main__":
    evaluation_images.main()
