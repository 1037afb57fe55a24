import ast
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pytest
import typer.main

from llmops.cli.app import COMMANDS, program
from llmops.domain.config import Budget, CacheConfig, GatePolicy, Judge, Limits, Price
from llmops.domain.suite import DatasetSample, HttpTarget, Samples, Target
from llmops.errors import ProviderErrorKind
from llmops.loading.assertions import CommonKeys
from llmops.loading.cases import CaseShape, TurnShape
from llmops.loading.config_shapes import ConfigShape, ModelShape
from llmops.loading.examples import ExampleShape
from llmops.loading.messages import MessageShape, PartShape, PlaceholderShape
from llmops.loading.nodes import parse_yaml
from llmops.loading.prompt_files import OutputShape, PromptShape
from llmops.loading.shapes import keys_of
from llmops.loading.suites import SuiteShape
from llmops.loading.targets import StepShape
from llmops.reporting.registry import reporters
from llmops.scoring.base import KINDS
from llmops.scoring.registry import kinds
from llmops.workflows.lint import lint
from llmops.workflows.opening.project import Surroundings

WriteFiles = Callable[[Mapping[str, str]], Path]

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
HOUSE = ROOT / "src" / "llmops"
PAGES = sorted(DOCS.glob("*.md"))
READ = [*PAGES, ROOT / "README.md"]

_FENCE = re.compile(
    r"(?:^<!-- file: (?P<file>\S+) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S
)
_NAME = re.compile(r"# (?P<name>[\w./-]+\.(?:yaml|py))\b")
_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_CALL = re.compile(r"(?:^|[;&|$]|run:|entry:)\s*llmops\b(?P<rest>[^\n]*)")
_SPOKEN = ("console", "bash", "sh", "yaml")
_ROW = re.compile(r"^\| `(?P<name>[a-z]+)` \| (?P<cells>.*) \|$", re.M)
_CODE_WORD = re.compile(r"[a-z]+([-_][a-z]+)*")
_TABLE_CODE = re.compile(r"^\| ((?:`[^`]+`(?:, )?)+)", re.M)

GROUP = typer.main.get_command(program())


@dataclass(frozen=True)
class Fence:
    """A fenced block; `file` is the file it stands for, if it names one."""

    language: str
    text: str
    file: str | None
    line: int


def fences(page: Path) -> Iterator[Fence]:
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        named = _NAME.match(found["text"])
        file = found["file"] or (named["name"] if named else None)
        line = text.count("\n", 0, found.start()) + 1
        yield Fence(found["language"], found["text"], file, line)


def projects(page: Path) -> Iterator[dict[str, str]]:
    """The files that a page shows; a file shown again makes another project of it."""
    files: dict[str, str] = {}
    for fence in fences(page):
        if fence.file is None:
            continue
        if fence.file in files:
            yield dict(files)
        files[fence.file] = fence.text
    if files:
        yield files


def command_lines(page: Path) -> Iterator[str]:
    """What stands behind `llmops` wherever a command is shown."""
    text = page.read_text(encoding="utf-8")
    for fence in fences(page):
        if fence.language in _SPOKEN:
            for found in _CALL.finditer(re.sub(r"^\s*(?:- )?", "", fence.text, flags=re.M)):
                yield found["rest"].strip()
    for code in _CODE.findall(_FENCE.sub("", text)):
        if code.startswith("llmops ") and "." not in code.split()[1]:
            yield code.removeprefix("llmops ")


def words_of(line: str) -> list[str]:
    """The words of one command, up to a pipe, another command or a comment."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = []
    for word in lexer:
        if word[0] in "&|;<>":
            break
        words.append(word)
    return words


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    plain = (re.sub(r"[^\w\- ]", "", heading.replace("`", "")).lower() for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in plain}


def first_column(page: str) -> set[str]:
    """Every code word in the first column of a page's tables."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return {word for cell in _TABLE_CODE.findall(text) for word in _CODE.findall(cell)}


def rows_of_commands() -> dict[str, str]:
    """The rows of the table of commands, by the command."""
    text = (DOCS / "README.md").read_text(encoding="utf-8").partition("## Commands")[2]
    return {row["name"]: row["cells"] for row in _ROW.finditer(text)}


def codes_in_source() -> set[str]:
    codes = set(get_args(ProviderErrorKind))
    for path in HOUSE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        codes |= {code for node in ast.walk(tree) for code in _codes_of(node)}
    return codes


def _codes_of(node: ast.AST) -> Iterator[str]:
    """The codes that a call, a class, a function's defaults or a returned tuple names."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments):
            place = _PLACES.get(name, len(arguments))
            yield from _constants(arguments[place : place + 1])
            yield from _constants(word.value for word in node.keywords if word.arg == "code")
        case ast.ClassDef(body=body):
            assigned = (item for item in body if isinstance(item, ast.Assign))
            yield from _constants(i.value for i in assigned if ast.unparse(i.targets[0]) == "code")
        case ast.arguments(kwonlyargs=named, kw_defaults=defaults):
            pairs = zip(named, defaults, strict=True)
            yield from _constants(default for word, default in pairs if word.arg == "code")
        case ast.Return(value=ast.Tuple(elts=[first, *_])):
            yield from (code for code in _constants([first]) if "-" in code)


_PLACES = {"refuse": 1, "_refuse": 1, "_complain": 0}
"""Functions that take a code by place."""


def _constants(found: Iterable[ast.expr | None]) -> Iterator[str]:
    for expression in found:
        match expression:
            case ast.Constant(value=str(word)) if _CODE_WORD.fullmatch(word):
                yield word


SHOWN_PROJECTS = [
    pytest.param(files, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, files in enumerate(projects(page), 1)
]
SHOWN_COMMANDS = [
    pytest.param(line, id=f"{page.stem}: {line}")
    for page in READ
    for line in dict.fromkeys(command_lines(page))
]
KEYS = [
    ("prompts.md", PromptShape),
    ("prompts.md", MessageShape),
    ("prompts.md", PartShape),
    ("prompts.md", PlaceholderShape),
    ("prompts.md", ExampleShape),
    ("prompts.md", OutputShape),
    ("suites.md", SuiteShape),
    ("suites.md", CaseShape),
    ("suites.md", TurnShape),
    ("suites.md", StepShape),
    ("suites.md", Samples),
    ("suites.md", DatasetSample),
    ("suites.md", Target),
    ("suites.md", HttpTarget),
    ("suites.md", CommonKeys),
    ("configuration.md", ConfigShape),
    ("configuration.md", ModelShape),
    ("configuration.md", Price),
    ("configuration.md", Judge),
    ("configuration.md", CacheConfig),
    ("configuration.md", Budget),
    ("configuration.md", GatePolicy),
    ("configuration.md", Limits),
]


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let Python import from the folder, and forget afterwards what was imported and registered."""
    monkeypatch.syspath_prepend(tmp_path)
    modules, scorers = set(sys.modules), {**kinds()}
    yield
    KINDS.clear()
    KINDS.update(scorers)
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.usefixtures("importable")
@pytest.mark.parametrize("files", SHOWN_PROJECTS)
def test_the_files_a_page_shows_are_a_project_without_a_fault(
    files: dict[str, str], write: WriteFiles
):
    root = write({"llmops.yaml": "", **files})

    found = lint(Surroundings(folder=root, environment={}))

    assert [str(fault) for fault in found.faults if fault.severity == "error"] == []


@pytest.mark.parametrize("page", READ, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_yaml_block_of_a_page_is_yaml(page: Path):
    for fence in fences(page):
        if fence.language == "yaml":
            parse_yaml(fence.text.encode(), f"{page.name}:{fence.line}")


@pytest.mark.parametrize("line", SHOWN_COMMANDS)
def test_every_command_a_page_shows_is_one(line: str):
    name, *arguments = words_of(line)
    if name == "--help":
        return
    assert name in COMMANDS

    command = GROUP.get_command(None, name)
    if arguments and "--help" not in arguments:
        command.make_context(name, arguments)


@pytest.mark.parametrize("page", READ, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_the_docs_leads_somewhere(page: Path):
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in _LINK.findall(text):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page

        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_every_page_is_in_the_index():
    linked = set(_LINK.findall((DOCS / "README.md").read_text(encoding="utf-8")))

    assert {page.name for page in PAGES} - {"README.md"} <= linked


@pytest.mark.parametrize(
    ("page", "shape"), KEYS, ids=[f"{page}-{shape.__name__}" for page, shape in KEYS]
)
def test_every_key_of_a_format_stands_in_a_table_of_its_page(page: str, shape: type):
    assert set(keys_of(shape)) <= first_column(page)


def test_every_option_of_test_stands_in_a_table():
    command = GROUP.get_command(None, "test")
    written = {word.partition(" ")[0] for word in first_column("running.md")}

    options = {parameter.opts[0] for parameter in command.params if parameter.opts[0][0] == "-"}

    assert options - {"--help"} <= written


def test_every_command_stands_in_the_table_of_commands_and_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("## All commands")[2].partition("\n## ")[0]

    assert set(rows_of_commands()) == set(COMMANDS)
    assert set(COMMANDS) <= set(_CODE.findall(table))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_stands_in_the_row_of_its_command_or_on_the_page_it_links_to(name: str):
    row = rows_of_commands()[name]
    shared = (DOCS / "README.md").read_text(encoding="utf-8").partition("Options that mean")[2]
    pages = {link.partition("#")[0] for link in _LINK.findall(row)}
    text = "\n".join([row, shared, *((DOCS / page).read_text("utf-8") for page in pages)])

    options = {
        option
        for parameter in GROUP.get_command(None, name).params
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("--")
    }

    written = set(re.findall(r"(?<![\w-])--[a-z-]+", text))
    assert options - {"--help"} <= written


def test_every_report_format_stands_in_a_table():
    assert set(reporters()) <= first_column("ci.md")


def test_the_page_of_errors_lists_every_code_and_no_other():
    assert first_column("errors.md") == codes_in_source()


def test_the_workflow_that_is_shown_is_the_one_that_init_writes():
    shown = [fence.text for fence in fences(DOCS / "ci.md") if fence.language == "yaml"]

    written = (HOUSE / "starter" / "github" / "llmops.yml").read_text(encoding="utf-8")

    assert shown[0] == written
