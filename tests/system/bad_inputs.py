"""Some 600 bad inputs, as words of the command line: (words, what the message must name)."""

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from xgaze.recipe import Recipe
from xgaze.recipe.sources import SOURCES

Case = tuple[tuple[str, ...], str]

VALUES = ("foo", "[]", "{}", "null", "true", "-7", "3.5", "[[1]]", "''", "{a: 1}")
NUMBERS = (".nan", "-.inf", "1.0e+30", "-1.0e+30", "9" * 5000)
NEEDED = {
    "arrays": {"content": "x"},
    "rendered": {},
    "eye-folders": {"path": "nowhere"},
    "manifest": {
        "path": "nowhere.csv",
        "inputs": "{left: {picture: left, height: 8, width: 8}}",
        "target": "{kind: class, column: label}",
        "participant": "person",
        "split": "{by: participant, validation: 0.15, test: 0.25}",
    },
    "gaze-images": {"path": "nowhere"},
    "fixation-table": {"path": "nowhere", "target": "{column: group}"},
    "attention-pictures": {"path": "nowhere"},
    "viewer-agreement": {"path": "nowhere"},
    "fixation-crops": {"path": "nowhere"},
    "crop-lists": {"path": "nowhere"},
    "columbia": {"path": "nowhere"},
    "eth-xgaze": {"path": "nowhere"},
    "faze": {"path": "nowhere"},
    "gaze360": {"path": "nowhere"},
    "gazecapture": {"path": "nowhere"},
    "gazehub": {"path": "nowhere"},
    "mpiifacegaze": {"path": "nowhere"},
    "mpiigaze": {"path": "nowhere"},
    "openeds": {"path": "nowhere"},
    "pupil-recordings": {"path": "nowhere", "device": "neon"},
}


def sections(schema: Any) -> Iterator[type[BaseModel]]:
    """The sections that a type is made of."""
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        yield schema
    elif get_origin(schema) in (Annotated, Union, UnionType):
        for one in get_args(schema):
            yield from sections(one)


def keys(schema: type[BaseModel], prefix: str) -> Iterator[tuple[str, bool]]:
    """(key, whether it is a number) of every key below a section."""
    for name, field in schema.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        yield key, bool({int, float} & {field.annotation, *get_args(field.annotation)})
        for inner in sections(field.annotation):
            if name != "data":
                yield from keys(inner, f"{key}.")


def recipe_keys() -> Iterator[tuple[str, list[Case]]]:
    """For every key of every schema: values of wrong types in turn, and for numbers what is none or far too large."""
    turns = cycle(VALUES)
    for key, is_number in keys(Recipe, ""):
        values = [next(turns) for _ in range(2)] + [next(turns)] * (not is_number)
        yield key, [_set((), key, value) for value in (*values, *NUMBERS[: 4 * is_number])]
    for source, section in ((one.name, one.section) for one in SOURCES.values()):
        told = ", ".join(f"{one}: {value}" for one, value in NEEDED[source].items())
        base = ("--set", f"data={{source: {source}, {told}}}")
        for key, is_number in keys(section, "data."):
            values = [next(turns) for _ in range(1 + (not is_number))]
            yield f"{source} {key}", [_set(base, key, value) for value in (*values, *NUMBERS[0:3:2] * is_number)]


def _set(base: tuple[str, ...], key: str, value: str) -> Case:
    # What a key takes after all goes on to what is not there.
    return ("report", "fresh.yaml", *base, "--set", f"{key}={value}"), ""


OVERRIDES = [
    ("", "--set"),
    ("=", "--set"),
    ("=5", "--set"),
    ("seed", "--set seed"),
    (".=1", "--set .=1"),
    ("..seed=1", "--set"),
    ("seed.=1", "--set"),
    (".seed=1", "--set"),
    ("training..epochs=1", "--set"),
    ("__class__=1", "__class__"),
    ("model.__class__=1", "__class__"),
    ("training.__init__.__globals__=1", "__init__"),
    (".".join("a" * 1000) + "=1", "1000 levels"),
    ("a" * 100_000 + "=1", "aaa"),
    ("seed=" + "[" * 5000, "--set seed"),
    ("seed=" + "{a: " * 5000, "--set seed"),
    ("seed=&a [*a]", "--set seed"),
    ("seed=!!python/object:os.system x", "--set seed"),
    ("seed=2025-02-31", "--set seed"),
    ("seed={a: 1, a: 2}", "twice"),
    ("seed: 5", "--set"),
    ("data.path.x=1", "data.path"),
    ("training=null", "training"),
    ("training=[]", "training"),
    ("model.args=[]", "model.args"),
    ("model.args={1: 2}", "word"),
    ("data=nowhere.yaml", "data"),
    ("data=[]", "data"),
    ("data.source=foo", "data"),
    ("data.source=[]", "data"),
    ("name=../../etc", "name"),
    ("name=" + "a" * 300, "name"),
    ("name='a/b'", "name"),
    ("name=-x", "name"),
    ('name="a\\0b"', "control"),
    ("seed=-1", "seed"),
    ("seed=18446744073709551616", "seed"),
    ("training.batch_size=1e20", "batch_size"),
    ("training.batch_size=100000000000000000000", "batch_size"),
    ("explain.steps=1" + "0" * 27, ""),
    ("training.devices=0", "devices"),
    ("training.devices=-1", "devices"),
    ("training.devices=foo", "devices"),
    ("training.epoch=1", "did you mean 'epochs'"),
    ("traning.epochs=1", "did you mean 'training'"),
    ("\udcff=1", "--set"),
    ("data.path=\udcff", "--set"),
]
START = [  # refused at the start of what would train
    ("training.accelerator=foo", "training.accelerator 'foo'"),
    ("training.accelerator=''", "training.accelerator"),
    ("training.accelerator=tpu", "training.accelerator tpu"),
    ("training.strategy=foo", "training.strategy 'foo'"),
    ("training.strategy=fsdp", "strategy fsdp"),
    ("training.devices='0,1'", "devices 0,1"),
]
TEXTS = {
    "nothing": b"",
    "a list": b"- a\n",
    "a word": b"hello",
    "a number": b"5",
    "null": b"null",
    "binary": bytes(range(256)),
    "NULs": b"\0" * 100,
    "a picture": b"\x89PNG\r\n\x1a\n",
    "UTF-16": "name: x".encode("utf-16"),
    "Latin-1": "name: Müller".encode("latin-1"),
    "a tab": b"training:\n\tepochs: 1",
    "unbalanced": b"a: [1, 2",
    "twice": b"name: a\nname: b\n",
    "deep": b"a: " + b"[" * 20_000,
    "deep mappings": b"{a: " * 5_000,
    "a bomb": b"a: &a [x, x]\n"
    + b"".join(
        b"k%d: &k%d [*%s, *%s]\n" % (k, k, p, p) for k, p in enumerate([b"a", *(b"k%d" % k for k in range(40))])
    ),
    "its own alias": b"data: &a {x: *a}",
    "a number as key": b"1: 2",
    "null as key": b"null: 2",
    "a list as key": b"? [a]\n: b",
    "a tag": b"name: !!python/object/apply:os.system ['true']",
    "two documents": b"a: 1\n---\nb: 2",
    "many keys": b"".join(b"key%d: 1\n" % k for k in range(500)),
    "long": b"#" * 1_000_000,
    "huge numbers": b"seed: " + b"9" * 6000,
    "sections of other types": b"name: x\ndata: [1]\nmodel: 5\ntraining: x\ndistill: null\nexplain: true\n",
    "JSON": b'{"name": "x", "data": {"source": "dreams"}, "model": {"name": 5}}',
    "a CSV": b"a,b\n1,2\n",
    "a definition of nothing": b"source: foo",
    "data elsewhere": b"name: x\ndata: elsewhere.yaml\nmodel: {name: multi-eye}\n",
    "itself": b"name: x\ndata: odd.yaml\nmodel: {name: multi-eye}\n",
}
READING = {
    "recipe": [("report",), ("train-teacher",), ("distill",), ("explain",), ("crossval",), ("saliency",)],
    "data": [("check",), ("heatmaps", "--out", "maps"), ("predict", "checkpoints/small/teacher", "--out", "p.csv")],
}


def odd_places(folder: Path) -> list[str]:
    """What stands where a file or a folder should."""
    (folder / "empty").mkdir()
    (folder / "file.txt").write_text("hello")
    (folder / "binary.bin").write_bytes(bytes(range(256)) * 10)
    (folder / "pickled").mkdir()
    (folder / "pickled" / "model.pt").write_bytes(b"\x80\x04K\x01.")
    (folder / "half").mkdir()
    (folder / "half" / "model.json").write_text("{")
    (folder / "loop").symlink_to("loop")
    return [
        *["nowhere", "empty", "file.txt", "binary.bin", "pickled", "half", "loop", ".", "/", "/dev/null"],
        "",
        "x\ny",
    ]


def _each(options: str, values: str, before: str = "") -> list[str]:
    return [f"{before} --{option} {value}" for option in options.split() for value in values.split()]


OPTIONS = {  # of each command; cases are parted by bars
    "train-teacher": ["--foo", "--second x", "--set", "--force=1", "a b", "--json=x"],
    "distill": [
        *_each("max-worse", "lots nan inf - '' 1e400 1e300 2%%"),
        *_each("max-params max-bytes workers", "0 -1 1.5 x 1e3 ''"),
        *_each("max-params max-bytes", "1" + "0" * 30),
        *_each("max-latency-ms", "0 -1 nan inf 1e300 x"),
        *_each("effort", "some '' 0"),
        *["--baselines 3", "--dask ''"],
    ],
    "explain": [
        *_each("samples", "0 51 -1 x 1.5"),
        *_each("over", "1 -1 x 1.5 9999999999 '' ²"),
        *_each("target", "foo '' gaze"),
        "--sample",
    ],
    "crossval": [*_each("outer inner seeds workers", "0 -3 x 2.5 1e9"), *_each("protocol", "foo ''")],
    "saliency": _each("pictures", "0 1 -1 x 1e3", "mrcnn"),
    "features": [
        *("", *["a", "a b", "a b --out", "a b c --out o", "a b --out file.txt"]),
        *_each("samples sample", "-1 x", "a b --out o"),
    ],
    "predict": ["", *["a", "a b", "a b --out", "a b c --out o", "a b --out empty", "a b --out o --foo"]],
    "check": ["", *["a b", "--set x", "nowhere.yaml --set data.path=x", "fresh.yaml --set training.epochs=3"]],
    "report": ["a b", "nowhere", "fresh.yaml --pdf=x", "--set x"],
    "compare": [
        "",
        *[
            "small",
            "small small",
            "small nowhere",
            "nowhere small",
            "a b c",
            ". ..",
            "/ /",
            "'' ''",
            "small fresh.yaml",
        ],
    ],
    "render": [
        *_each("people frames height width", "0 -1 x 1.5 1e5 1000000000", "new"),
        *("", "checkpoints", "file.txt"),
    ],
    "heatmaps": [
        *_each("sigma-px px-per-degree window-px most shortest-ms", "x -1 nan", "file.txt --out new"),
        *_each("size", "0 5", "file.txt --out new"),
        *_each("column", "foo=x x", "file.txt --out new"),
        *_each("layout format", "{foo}", "file.txt --out new"),
        *("", "file.txt", "file.txt --out checkpoints", "nowhere --out new", "empty --out new"),
    ],
}
SAMPLES = ["", "-1", "9999", "1.5", "nan", "P000000", "P000000/0/99", "²", "a" * 100_000, "../x", "x\ny", "9" * 5000]
