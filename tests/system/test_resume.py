import signal
import time

import pandas as pd


def test_a_killed_training_goes_on_where_it_was(tmp_path, shell_in):
    shell = shell_in(tmp_path)
    process = shell.start(
        "train-teacher", "tiny.yaml", "--set", "training.epochs=200", "--set", "training.patience=200"
    )
    history = tmp_path / "checkpoints" / "tiny" / "teacher" / "training" / "history.csv"
    deadline = time.time() + 120
    while not (history.is_file() and len(pd.read_csv(history)) >= 3) and time.time() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = len(pd.read_csv(history))
    assert done >= 3 and not (tmp_path / "checkpoints" / "tiny" / "teacher" / "model.json").exists()
    process = shell.start(
        "train-teacher", "tiny.yaml", "--set", "training.epochs=200", "--set", "training.patience=200"
    )
    while len(pd.read_csv(history)) <= done and time.time() < deadline + 60:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    resumed = pd.read_csv(history)
    assert list(resumed["epoch"]) == list(range(len(resumed))) and len(resumed) > done
    assert process.returncode == 130 and "goes on from the last finished epoch" in err
