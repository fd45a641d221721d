"""Which commands `kills.py` kills by hand, and on which recordings: the smallest that make them run."""

from pathlib import Path

import numpy as np
from PIL import Image

TINY = """
name: tiny
data: {source: rendered, height: 32, width: 40, train_participants: 4, validation_participants: 3, test_participants: 3,
  frames_per_participant: 2}
model: {name: multi-eye, args: {first_stride: 1, conv3_stride: 1, conv3_padding: 2, lrn: false}}
training: {epochs: 2, batch_size: 16, loss: euclidean, precision: 32-true}
distill: {tuning_epochs: 1, ranks: [2], calibration_samples: 8, end_to_end_epochs: 1, shares: [0.5]}
explain: {steps: 8, sweep_points: 3, over_people: 2}
"""
LOOKING = """
name: looking
data: {source: fixation-crops, path: photos, sigma_px: 4, places: {positives: 2, negatives: 3},
  fixations: {format: table, size: [80, 60], columns: {participant: who, stimulus: image, x: x, y: y, duration: ms}}}
model: {name: mrcnn, args: {share_towers: true, hidden: 8, dropout: 0}}
training: {epochs: 1, batch_size: 16, loss: cross-entropy}
"""
FIXATIONS = "7,100,80,200,160,300,100,310,110,100,350,150,150,480,240,900\n8,50,50,100,100,0,0,10,10,120,90,90,700\n"
FILES = {"tiny.yaml": TINY, "looking.yaml": LOOKING, "Fixation.txt": FIXATIONS}
QUICK = "distill tiny.yaml --prune-fc --effort quick"
EXPLAIN = "explain tiny.yaml --samples 1"
CROSSVAL = "crossval tiny.yaml --outer 2 --inner 1"
EXPORT = "export tiny.yaml --samples 2 --to"
BEFORE = [
    ("start", "taught", "train-teacher tiny.yaml"),
    ("taught", "distilled", QUICK),
    ("distilled", "explained", EXPLAIN),
    ("start", "looked", "train-teacher looking.yaml"),
    ("distilled", "exported", f"{EXPORT} onnx"),
    ("exported", "twice", "train-teacher tiny.yaml --set name=other"),
    ("start", "validated", CROSSVAL),
]
"""(start, end, words): made without a kill, in this order."""
WALKS = {
    "quick": [("taught", "quick-killed", QUICK), ("distilled", "quick-forced", f"{QUICK} --force")],
    "distill": [
        ("taught", "distill-killed", "distill tiny.yaml --baselines"),
        ("distill-killed", "distill-forced", "distill tiny.yaml --baselines --force"),
        ("taught", "timed-killed", f"{QUICK} --max-latency-ms 1000"),
    ],
    "explain": [("distilled", "explain-killed", EXPLAIN), ("explained", "explain-forced", f"{EXPLAIN} --force")],
    "rest": [
        ("explained", "report-killed", "report tiny.yaml"),
        ("explained", "predict-killed", "predict checkpoints/tiny/student tiny.yaml --out predictions.csv"),
        ("explained", "calibrate-killed", "calibrate tiny.yaml --points 1"),
        ("explained", "render-killed", "render eyes --frames 2"),
        ("explained", "features-killed", "features checkpoints/tiny/teacher tiny.yaml --samples 2 --out features"),
        ("twice", "compare-killed", "compare tiny other"),
        ("start", "heatmaps-killed", "heatmaps Fixation.txt --out maps"),
        ("looked", "saliency-killed", "saliency looking.yaml"),
    ],
    "export": [
        ("distilled", "onnx-killed", f"{EXPORT} onnx"),
        ("exported", "int8-killed", f"{EXPORT} int8"),
        ("exported", "c-killed", f"{EXPORT} c"),
        ("exported", "floats-killed", f"{EXPORT} c --bits 32"),
    ],
    "crossval": [("start", "crossval-killed", CROSSVAL), ("validated", "crossval-forced", f"{CROSSVAL} --force")],
    "train": [
        ("start", "teacher-killed", "train-teacher tiny.yaml"),
        ("taught", "teacher-forced", "train-teacher tiny.yaml --force"),
        ("taught", "second-killed", "train-teacher tiny.yaml --second"),
    ],
}
"""Of each: (start, end, words), every write of which is killed once. On one thread quick takes 3 to 6 minutes, distill 15,
explain 4, the rest 3; train with `--every 3` and crossval with `--every 5` less than one each."""


def lay_out(folder: Path) -> None:
    """Recipes, a file of fixations, and eight photographs with a bright patch at which three viewers look."""
    (folder / "photos" / "stimuli").mkdir(parents=True)
    for file, text in FILES.items():
        (folder / file).write_text(text)
    rng, rows = np.random.default_rng(0), ["who,image,x,y,ms"]
    for k in range(8):
        x, y = rng.integers((15, 15), (65, 45))
        pixels = rng.integers(20, 60, (60, 80, 3), np.uint8)
        pixels[y - 5 : y + 5, x - 5 : x + 5] = 230
        Image.fromarray(pixels).save(folder / "photos" / "stimuli" / f"{k}.png")
        rows += [f"{viewer},{k}.png,{x + look},{y - viewer},200" for viewer in range(3) for look in range(3)]
    (folder / "photos" / "fixations.csv").write_text("\n".join(rows) + "\n")
