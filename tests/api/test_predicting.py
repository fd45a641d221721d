"""What `predict` and `features` say of a recording is what the network itself puts out."""

import numpy as np
import pandas as pd
import pytest
import torch

import xgaze
from xgaze.errors import InputError


def test_predictions_are_those_of_the_network_with_error_and_split(notebook):
    data, student = notebook.data, notebook.result.student
    found = xgaze.predict(student, data)
    outputs = student.predict(data.inputs)
    table = found.table
    np.testing.assert_array_equal(table[["prediction_x_px", "prediction_y_px"]].to_numpy(np.float32), outputs)
    truth = data.table[["gaze_x_px", "gaze_y_px"]].to_numpy()
    np.testing.assert_allclose(table["error_px"], np.linalg.norm(outputs - truth, axis=1), rtol=1e-5)
    assert list(table["id"]) == list(data.table["id"]) and list(table["split"]) == list(data.table["split"])
    assert found.notes == () and "Predictions of 240 samples" in repr(found)


def test_a_folder_will_do_and_its_test_rows_are_the_ones_that_were_stored(notebook):
    folder = notebook.result.folder
    table = xgaze.predict(folder, notebook.data).table
    stored = pd.read_csv(folder / "predictions.csv").set_index("id")["prediction_x_px"]
    found = table.set_index("id")["prediction_x_px"].loc[stored.index]
    np.testing.assert_allclose(found, stored, rtol=1e-5)


def test_other_inputs_or_no_recording_are_refused(notebook, arrays):
    pictures, gaze_px, people = arrays
    other = xgaze.ArrayRecording({"right": pictures}, gaze_px, people, scene=(800, 600))
    with pytest.raises(
        InputError, match="data: inputs right 1x32x32, but the model was trained with inputs left 1x32x32"
    ):
        xgaze.predict(notebook.result.student, other)
    with pytest.raises(InputError, match=r"xgaze\.ArrayRecording return"):
        xgaze.predict(notebook.result.student, pictures)


def test_maps_are_what_the_layers_put_out(notebook, tmp_path):
    data, model = notebook.data, notebook.teacher.model
    found = xgaze.features(model, data, layers=["features_net.tower.0", "head.fc1"], samples=20, sample=7)
    first = model.net.get_submodule("features_net.tower.0")
    with torch.no_grad():
        every = first(torch.from_numpy(data.inputs["left"][np.linspace(0, 239, 20).astype(int)]).float() / 255)
        seventh = first(torch.from_numpy(data.inputs["left"][7:8]).float() / 255)[0]
    np.testing.assert_allclose(found.maps["features_net.tower.0"], seventh, atol=1e-6)
    assert found.layers[0]["mean_absolute"] == pytest.approx(float(every.abs().mean()), rel=1e-5)
    assert found.sample == data.table["id"].iloc[7] and (found.samples, len(found.layers)) == (20, 2)
    assert {one.name for one in found.write(tmp_path / "f").iterdir()} == {
        f"features.{k}" for k in ("json", "npz", "svg")
    }
    with pytest.raises(InputError, match="sample 240: data holds 240 samples"):
        xgaze.features(model, data, sample=240)
