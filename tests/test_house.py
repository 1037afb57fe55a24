import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmops.cli.app import COMMANDS

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "src" / "llmops"
MAP = ROOT / "docs" / "house.md"
FILES = sorted(HOUSE.rglob("*.py"))
FLOORS = [
    {"__main__"},
    {"cli"},
    {"workflows"},
    {"running"},
    {"scoring", "versions"},
    {"comparing", "reporting", "loading", "history", "rendering", "providers", "telemetry"},
    {"domain", "errors"},
    {"location"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
HEAVY = (
    "litellm",
    "git",
    "jinja2",
    "yaml",
    "rapidfuzz",
    "rich",
    "asyncio",
    "jsonschema",
    "regex",
    "opentelemetry",
)


def room_of(path: Path) -> str:
    inside = path.relative_to(HOUSE)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def imported_rooms(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.ImportFrom(module=str(module)):
                names = [module]
            case ast.Import(names=aliases):
                names = [alias.name for alias in aliases]
            case _:
                continue
        for name in names:
            package, _, rest = name.partition(".")
            if package == "llmops" and rest:
                yield rest.partition(".")[0], node.lineno


def sign_of(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.split("\n", 1)[0]


def house_map() -> str:
    lines = [
        "# The house",
        "",
        "Imports run down only; rooms on one floor do not know each other. This map is made from",
        "the first line of each module's docstring: `pytest tests/test_house.py --rewrite`.",
        "",
    ]
    for floor in FLOORS:
        lines += ["## " + " | ".join(sorted(floor)), "", "| module | what it is for |", "|---|---|"]
        for path in FILES:
            if room_of(path) in floor:
                name = path.relative_to(HOUSE).as_posix()
                lines.append(f"| `{name}` | {sign_of(path)} |")
        lines.append("")
    return "\n".join(lines)


def name_of(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_run_down(path: Path) -> None:
    room = room_of(path)

    upward = [
        f"{name_of(path)}:{line} {room} -> {other}"
        for other, line in imported_rooms(path)
        if room != "__init__" and other in FLOOR and other != room and FLOOR[other] <= FLOOR[room]
    ]

    assert not upward


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_module_has_a_sign_on_its_door(path: Path) -> None:
    sign = sign_of(path)

    assert sign.endswith(".")
    assert len(sign) <= 100


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_file_and_function_is_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    long = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False)
            body = (node.end_lineno or 0) - node.lineno + 1
            body -= docstring.count("\n") + 1 if docstring else 0
            if body > 50:
                long.append(f"{node.name}: {body} lines")

    assert not long
    assert text.count("\n") <= 300


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(path) for path in FILES} - {"__init__"}

    assert rooms == set(FLOOR)


def test_what_a_command_is_stands_under_its_name() -> None:
    cli = {path.stem for path in (HOUSE / "cli").glob("*.py")}
    workflows = {path.stem for path in (HOUSE / "workflows").glob("*.py")}

    assert cli - set(COMMANDS) == {"__init__", "app", "asked", "options", "run_options"}
    assert set(COMMANDS) - workflows == {"record", "show"}


def test_the_map_of_the_house_is_true(rewrite: bool) -> None:
    if rewrite:
        MAP.write_text(house_map(), encoding="utf-8")

    assert MAP.read_text(encoding="utf-8") == house_map()


def test_import_linter_finds_every_contract_kept() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["test", "--help"]])
def test_help_and_version_load_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from llmops.cli.app import program\n"
        f"try:\n    program()({arguments!r})\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert done.stderr.strip() == "[]"


def test_a_command_imports_no_other_command() -> None:
    code = (
        "import sys\nfrom llmops.cli.app import COMMANDS, main\n"
        "sys.argv = ['llmops', 'lint', '--help']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "loaded = [name for name in COMMANDS if f'llmops.cli.{name}' in sys.modules]\n"
        "print(loaded, file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert done.stderr.strip() == "['lint']"
