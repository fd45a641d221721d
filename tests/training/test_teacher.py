"""What a teacher's training begins with, and goes on with."""

import pytest
import torch

from xgaze.errors import InputError
from xgaze.training.start.start import starting_model
from xgaze.training.teacher import _require_same_start


@pytest.fixture
def begun(tmp_path, make_recipe, gaze_recording):
    """(recipe, fresh model of a seed, file) of a training that was begun with seed 0."""
    recipe, file = make_recipe(), tmp_path / "training" / "start.json"

    def fresh(seed):
        torch.manual_seed(seed)
        return starting_model(recipe, gaze_recording.spec)

    _require_same_start(fresh(0), recipe, gaze_recording, file)
    return recipe, fresh, file


def test_a_training_goes_on_with_the_model_that_it_began_with(begun, gaze_recording):
    recipe, fresh, file = begun
    _require_same_start(fresh(0), recipe, gaze_recording, file)
    with pytest.raises(InputError, match="gives other outputs than when it was trained"):
        _require_same_start(fresh(1), recipe, gaze_recording, file)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"outputs_of_patterns": "x"}', '{"outputs_of_patterns": [[NaN]]}']
)
def test_where_the_start_is_not_known_the_message_says_what_to_remove(begun, gaze_recording, content):
    recipe, fresh, file = begun
    file.write_text(content)
    with pytest.raises(InputError, match=rf"start\.json: .* Remove {file.parent}: the training begins anew"):
        _require_same_start(fresh(0), recipe, gaze_recording, file)
    file.unlink()
    _require_same_start(fresh(0), recipe, gaze_recording, file)
