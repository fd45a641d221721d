"""What README and docs/ say can be done: links lead somewhere, command lines parse, recipes and scripts are there."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from xgaze.cli.main import xgaze
from xgaze.recipe import builtin_recipes, load_data, load_recipe

ROOT = Path(__file__).parents[1]
MOST_BYTES = 7000
MOST_PROSE = 1800  # characters of a topic, tables and code left out: one screenful
DOCS = sorted((ROOT / "docs").glob("*.md"))
TEXTS = [ROOT / "README.md", *DOCS]
LINKING = [*TEXTS, ROOT / "CONTRIBUTING.md", ROOT / "checkpoints/README.md", ROOT / "reports/README.md"]
PLACEHOLDER = "RECIPE"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(text: str) -> str:
    return FENCE.sub("", text)


def blocks(text: str, language: str = "") -> list[str]:
    return [body for kind, body in FENCE.findall(text) if kind == language]


def anchors(text: str) -> set[str]:
    """Those that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.M)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def shown(text: str) -> Iterator[list[str]]:
    """The words of every `xgaze ...` in code, fenced or inline."""
    lines = [line for block in blocks(text) for line in block.splitlines()]
    inline = [" ".join(one.split()) for one in re.findall(r"`([^`]+)`", prose(text))]
    for line in [*lines, *inline]:
        if line.startswith("xgaze "):
            yield shlex.split(line, comments=True)[1:]


def parsed(words: list[str]) -> click.Context | None:
    """The context of a command line, nothing run; of a bare name, which is no line but a mention, None."""
    command = xgaze.get_command(click.Context(xgaze), words[0])
    assert command, f"there is no command {words[0]}"
    mention = len(words) == 1 and any(isinstance(one, click.Argument) and one.required for one in command.params)
    return None if mention else command.make_context(words[0], words[1:])


def beforehand(recipe: str) -> tuple[str, ...]:
    """The reader's own data, where a recipe needs them and a line in passing does not say so."""
    return () if "source: rendered" in builtin_recipes()[recipe].read_text() else ("data.path=my_data",)


def test_readme_is_short():
    assert len((ROOT / "README.md").read_bytes()) <= MOST_BYTES


@pytest.mark.parametrize("path", LINKING, ids=name_of)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path.read_text())):
        if re.match(r"\w+:", target):
            continue
        place, _, anchor = target.partition("#")
        there = (path.parent / place).resolve() if place else path
        assert there.exists(), target
        assert not anchor or anchor in anchors(there.read_text()), target


def test_readme_leads_to_every_page():
    readme = (ROOT / "README.md").read_text()
    assert not [one.name for one in DOCS if f"(docs/{one.name}" not in readme]


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_command_lines_parse_and_recipes_exist(path):
    for words in shown(path.read_text()):
        context = parsed(words)
        recipe = context.params.get("recipe") if context else None
        if recipe and recipe != PLACEHOLDER:
            load_recipe(recipe, (*beforehand(recipe), *context.params["overrides"]))


def test_command_lines_are_found():
    assert len(list(shown((ROOT / "README.md").read_text()))) >= 7


def test_a_wrong_command_line_is_noticed():
    with pytest.raises(click.UsageError):
        parsed(["distill", "--prune-everything"])


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_scripts_and_recipe_files_exist(path):
    named = re.findall(r"\b(?:benchmarks/\w+\.py|recipes/[\w-]+\.yaml)", path.read_text())
    assert not [one for one in named if not (ROOT / one).is_file()]


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_data_definitions_are_valid(path, tmp_path):
    for block in blocks(path.read_text(), "yaml"):
        if block.startswith("source:"):
            (tmp_path / "recording.yaml").write_text(block)
            load_data(tmp_path / "recording.yaml", ())


def test_python_shown_names_what_is_there():
    import xgaze as package

    code = "\n".join(blocks((ROOT / "README.md").read_text(), "python"))
    compile(code, "README.md", "exec")
    named = set(re.findall(r"\bxgaze\.(\w+)", code))
    assert named and not [one for one in named if not hasattr(package, one)]


def test_recipes_page_holds_all_of_them():
    rows = [one for one in (ROOT / "docs/recipes.md").read_text().splitlines() if one.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([\w-]+)`", row.split("|")[1])}
    assert named == set(builtin_recipes())


@pytest.mark.parametrize("path", [one for one in DOCS if one.name != "api.md"], ids=name_of)  # that one is generated
def test_a_topic_is_one_screenful(path):
    for topic in re.split(r"^## ", prose(path.read_text()), flags=re.M):
        told = "\n".join(line for line in topic.splitlines() if not line.startswith("|"))
        assert len(told) <= MOST_PROSE, topic.partition("\n")[0]
