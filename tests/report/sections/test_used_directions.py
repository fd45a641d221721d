"""Spectra side by side, where they are not of one length."""

from xgaze.report.sections.used_directions import _spectrum


def test_a_layer_of_fewer_inputs_than_outputs_has_fewer_directions_of_its_weights():
    found = {"singular_share": [0.75, 0.25], "output_share": [0.5, 0.25, 0.25], "active_share": [1.0]}
    rows = [[cell.text for cell in row] for row in _spectrum(found).rows]
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert rows[0][1:] == ["75.0000", "50.0000", "100.0000"] and rows[1][1:3] == ["25.0000", "25.0000"]
    assert rows[2][1] == rows[1][3] == rows[2][3] != rows[2][2]
