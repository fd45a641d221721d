import numpy as np

from xgaze.explanation.embedding.sweep import margins, path_of


def test_of_many_classes_a_sweep_shows_the_named_class_against_the_others():
    outputs = np.array([[1.0, 2.0, 6.0], [3.0, 2.0, 1.0]])
    assert margins(outputs, 2).tolist() == [[4.5], [-1.5]]
    assert path_of(margins(outputs, 2), gaze=False) == {"score": [4.5, -1.5]}
    assert path_of(margins(outputs[:, :2], 0), gaze=False) == {
        "score": [1.0, -1.0]
    }  # two classes: the last less the first
