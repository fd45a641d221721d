import numpy as np

from xgaze.capacity.embeddings import readable_embeddings


def test_embeddings_that_are_not_whole_are_none(tmp_path):
    file = tmp_path / "a.npy"
    assert readable_embeddings(file, 5) is None  # missing
    values = np.arange(20, dtype=np.float32).reshape(5, 4)
    np.save(file, values)
    assert np.array_equal(readable_embeddings(file, 5), values)
    assert readable_embeddings(file, 6) is None  # of other rows
    whole = file.read_bytes()
    for kept in (0, 7, 60, len(whole) - 1):
        file.write_bytes(whole[:kept])
        assert readable_embeddings(file, 5) is None
    np.save(file, np.array([{"a": 1}]), allow_pickle=True)
    assert readable_embeddings(file, 1) is None  # a pickle, which is never opened
