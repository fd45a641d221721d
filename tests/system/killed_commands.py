"""Which commands `kills.py` kills by hand, and on which recordings: the smallest that make them run."""

TINY = """
name: tiny
data: {source: rendered, height: 32, width: 40, train_participants: 4, validation_participants: 3, test_participants: 3,
  frames_per_participant: 2}
model: {name: multi-eye, args: {first_stride: 1, conv3_stride: 1, conv3_padding: 2, lrn: false}}
training: {epochs: 2, batch_size: 16, loss: euclidean, precision: 32-true}
distill: {tuning_epochs: 1, ranks: [2], calibration_samples: 8, end_to_end_epochs: 1, shares: [0.5]}
explain: {steps: 8, sweep_points: 3, over_people: 2}
"""
FILES = {"tiny.yaml": TINY}
QUICK = "distill tiny.yaml --prune-fc --effort quick"
EXPLAIN = "explain tiny.yaml --samples 1"
BEFORE = [
    ("start", "taught", "train-teacher tiny.yaml"),
    ("taught", "distilled", QUICK),
    ("distilled", "explained", EXPLAIN),
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
    ],
}
"""Of each: (start, end, words), every write of which is killed once. On one thread quick takes 3 to 6 minutes, distill 15,
explain 4, the rest 3."""
