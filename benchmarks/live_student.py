"""How fast and how exactly the report's page runs a student: `python benchmarks/live_student.py`; needs chromium and playwright.

Towers of the default recipe with a share of their channels, a head of rank 6, weights at random, on 16 rendered frames. The last
figure of speed is followed by the largest difference of an output (px, or of classes a logit) from torch (from the same weights
where they are rounded), and in 8 bits from the reference arithmetic. --kind: gaze points, four classes (quarters of the scene),
or gaze x as a value. What we aim at: ten predictions a second of a student of up to 100,000 parameters, in both forms; lines of
such students say whether that is met.
"""

import argparse
import base64
import os
import tempfile
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from playwright.sync_api import Page, sync_playwright
from torch import Tensor, nn

from xgaze.compression.export.onnx import export_onnx
from xgaze.compression.live.live_student import live_student
from xgaze.data.rendered.rendered_recording import RenderedSource, open_rendered
from xgaze.data.rendered.rendered_splits import RecordingSettings
from xgaze.models.layers import OutputScale
from xgaze.report.sections.live_student import kernels_known
from xgaze.report.sections.live_student.live_section import INTERPRETER

MOST_PARAMETERS, FEWEST_A_SECOND = 100_000, 10
RUN = """async ([live, arrays, stored, form]) => {
  const program = Interpreter.ready(live[form], await Interpreter.unpacked(arrays)), raw = await Interpreter.unpacked(stored);
  const count = live.samples.length, times = [], brushed = [];
  const median = all => all.sort((a, b) => a - b)[all.length >> 1], [first] = live.inputs;
  let apart = 0;
  for (let k = 0; k < count; k++) {
    const given = {};
    for (const { name, coded, shape: [planes, height, width] } of live.inputs) {
      raw[name + "/pixels"] ??= coded
        ? Interpreter.pictures(raw[name], planes * count, height, width, live.picture_step) : raw[name];
      const size = planes * height * width;
      given[`${name} as stored`] = raw[name + "/pixels"].subarray(k * size, (k + 1) * size);
    }
    const start = performance.now(), found = Interpreter.run(program, given);
    times.push(performance.now() - start);
    const again = performance.now();
    Interpreter.run(program, { [`${first.name} as stored`]: given[`${first.name} as stored`] });
    brushed.push(performance.now() - again);
    live.samples[k][form].forEach((one, axis) => { apart = Math.max(apart, Math.abs(one - found[axis])); });
  }
  return [median(times), median(brushed), apart];
}"""


class Shared(nn.Module):
    """Towers with `share` of the channels of the default recipe's, and a head of rank 6; `end`: what its outputs go through."""

    def __init__(self, cameras: int, share: float, outputs: int, end: Sequence[nn.Module], rank: int = 6) -> None:
        super().__init__()
        self.towers = nn.ModuleList(tower(share) for _ in range(cameras))
        with torch.no_grad():
            width = cameras * self.towers[0](torch.zeros(1, 1, 128, 160)).numel()
        hidden = nn.Sequential(nn.Linear(rank, 64), nn.ReLU(), nn.Linear(64, outputs), *end)
        self.head = nn.Sequential(nn.Linear(width, rank, bias=False), *hidden)

    def forward(self, *cameras: Tensor) -> Tensor:
        return self.head(torch.cat([tower(x).flatten(1) for tower, x in zip(self.towers, cameras, strict=True)], 1))


def of_kind(recording: RenderedSource, kind: str) -> RenderedSource:
    """The recording with other targets."""
    x, y = (recording.table[f"gaze_{axis}_px"] for axis in "xy")
    width, height = recording.spec.scene
    if kind == "class":
        label = (x > width / 2).astype(int) + 2 * (y > height / 2).astype(int)
        spec = replace(recording.spec, kind="class", unit="accuracy", scene=None, classes=("1", "2", "3", "4"))
        return replace(recording, spec=spec, table=recording.table.assign(label=label))
    if kind == "value":
        spec = replace(recording.spec, kind="value", scene=None)
        return replace(recording, spec=spec, table=recording.table.assign(value=x))
    return recording


def tower(share: float) -> nn.Sequential:
    first, second, third, fourth = (2 * round(share * channels / 2) for channels in (32, 64, 32, 16))
    layers = OrderedDict[str, nn.Module](
        conv1=nn.Conv2d(1, first, 11, stride=2),
        act1=nn.LeakyReLU(),
        pool1=nn.MaxPool2d(3, 2),
        conv2=nn.Conv2d(first, second, 5, padding=2, groups=2),
        act2=nn.LeakyReLU(),
        pool2=nn.MaxPool2d(3, 2),
        conv3=nn.Conv2d(second, third, 5, padding=2),
        act3=nn.LeakyReLU(),
        conv4=nn.Conv2d(third, fourth, 3),
        act4=nn.ReLU(),
        conv5=nn.Conv2d(fourth, 8, 1),
    )
    return nn.Sequential(layers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.375, 0.5, 0.75, 1.0])
    parser.add_argument("--kind", choices=("gaze", "class", "value"), default="gaze")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    recording = of_kind(open_rendered(RecordingSettings(128, 160, 3, 1, 2, 16)), asked.kind)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        page = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments).new_page()
        page.add_script_tag(
            content=INTERPRETER.read_text("utf-8").replace("const Interpreter", "globalThis.Interpreter")
        )
        for share in asked.shares:
            tell(page, Path(folder), recording, share)


def tell(page: Page, folder: Path, recording: RenderedSource, share: float) -> None:
    """Two lines: in floats and in 8 bits."""
    torch.manual_seed(0)
    end = () if recording.spec.kind == "class" else (nn.Sigmoid(), OutputScale(1000))
    net = Shared(len(recording.spec.inputs), share, recording.spec.outputs, end).eval()
    export_onnx(net, recording.spec, folder / "model.onnx")
    live, maps = live_student(folder, recording, {"teacher": net, "student": net}, kernels_known())
    if live is None or live["absent"]:
        print(f"{share:g}: {live and live['absent']}")
        return
    parameters = sum(one.numel() for one in net.parameters())
    stored = {name.removeprefix("live/input/"): sent(one) for name, one in maps.items() if "/input/" in name}
    arrays = {name.removeprefix("live/"): sent(one) for name, one in maps.items() if "/input/" not in name}
    kilobytes = [sum(len(text) for _, text in one.values()) / 1000 for one in (arrays, stored)]
    for form in ("float", "int8"):
        milliseconds, brushed, apart = page.evaluate(RUN, [live, arrays, stored, form])
        print(
            f"{parameters:,} parameters, {live[form]['macs'] / 1e6:.0f} M multiply-adds, {form}: "
            f"{1000 / milliseconds:.1f} a second ({milliseconds:.0f} ms), "
            f"{1000 / brushed:.1f} where one picture changes; {apart:.2g} apart; "
            f"weights as {live['weights']}, {kilobytes[0]:.0f} kB, and {kilobytes[1]:.0f} kB of {len(live['samples'])} samples "
            f"in steps of {live['picture_step']}{verdict(parameters, 1000 / milliseconds)}"
        )


def verdict(parameters: int, each_second: float) -> str:
    """Beside what we aim at; nothing of larger students."""
    if parameters > MOST_PARAMETERS:
        return ""
    told = "met" if each_second >= FEWEST_A_SECOND else "MISSED"
    return f"; {told}, target {FEWEST_A_SECOND} a second ({100 * (each_second / FEWEST_A_SECOND - 1):+.0f} %)"


def sent(values: np.ndarray) -> tuple[str, str]:
    return values.dtype.name, base64.b64encode(zlib.compress(np.ascontiguousarray(values).tobytes())).decode()


if __name__ == "__main__":
    main()
