"""What this machine cannot train on is said in one message, before anything is computed."""

import pytest

from xgaze.errors import InputError
from xgaze.recipe import Training
from xgaze.training.lightning.devices import require_devices


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"accelerator": "foo"}, r"training\.accelerator 'foo' is not known; known: auto, cpu"),
        ({"accelerator": "cpus"}, "did you mean 'cpu'"),
        ({"strategy": "foo"}, r"training\.strategy 'foo' is not known"),
        ({"strategy": "dpp"}, "did you mean 'ddp'"),
        ({"accelerator": "tpu"}, "this machine cannot train so"),
        ({"accelerator": "cpu", "devices": "0,1"}, "devices 0,1, strategy auto: this machine cannot train so"),
        ({"accelerator": "cpu", "strategy": "fsdp"}, "this machine cannot train so"),
    ],
)
def test_what_is_not_there_is_named_with_a_remedy(asked, message):
    with pytest.raises(InputError, match=message):
        require_devices(Training(**asked))


@pytest.mark.parametrize(
    "asked", [{}, {"accelerator": "cpu"}, {"accelerator": "cpu", "devices": 2, "strategy": "ddp"}, {"devices": "auto"}]
)
def test_what_is_there_is_taken(asked):
    require_devices(Training(**asked))


def test_a_gpu_is_refused_where_there_is_none(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    with pytest.raises(InputError, match=r"accelerator gpu.*set accelerator: auto"):
        require_devices(Training(accelerator="gpu"))
