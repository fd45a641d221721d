"""`xgaze features`"""

from pathlib import Path
from typing import Any

import click

from xgaze.cli.common import emit

MOST_ACTIVE_SHOWN = 5


@click.command("features")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("recording", metavar="INPUT", type=click.Path(path_type=Path))
@click.option("--layer", "layers", multiple=True, metavar="PATH", help="Module path; may be repeated. [all layers]")
@click.option("--samples", type=click.IntRange(1), default=256, help="Mean activation over so many samples. [256]")
@click.option("--sample", default=0, type=click.IntRange(0), help="Sample whose feature maps are kept, by index. [0]")
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write.")
@click.option(
    "--trust-import", is_flag=True, help="Let a model that is a class of a module import it, which runs its code."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def features(
    model: Path,
    recording: Path,
    layers: tuple[str, ...],
    samples: int,
    sample: int,
    out: Path,
    trust_import: bool,
    as_json: bool,
) -> None:
    """What the layers of MODEL (a folder such as checkpoints/gat/teacher) put out on INPUT, as for xgaze predict.

    Writes features.json (mean activation of every layer), features.svg (the same as bars) and features.npz (feature maps of
    one sample, an array per layer).

    \b
    Example:
      xgaze features checkpoints/gat/teacher photographs --layer trunk.layer1 --out features
    """
    from xgaze.api.inspecting import features_of

    made = features_of(model, recording, layers, samples, sample, trust_import)
    made.write(out)
    told = made.to_json()
    emit({**told, "out": str(out)}, in_words(told, out), as_json)


def in_words(told: dict[str, Any], out: Path) -> list[str]:
    most = sorted(told["layers"], key=lambda one: -one["mean_absolute"])[:MOST_ACTIVE_SHOWN]
    dead = [one for one in told["layers"] if one["dead_channels"]]
    return [
        f"{len(told['layers'])} layers over {told['samples']} samples; mean absolute activation, highest first: "
        + ", ".join(f"{one['layer']} {one['mean_absolute']:.3g}" for one in most)
        + ".",
        *[
            f"  {one['layer']}: {one['dead_channels']} of {one['channels']} channels are zero on all samples."
            for one in dead
        ],
        f"Feature maps of {told['sample']}, activations and bars lie in: {out}",
    ]
