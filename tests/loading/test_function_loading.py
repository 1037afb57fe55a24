import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from reading import refused

from llmops.loading import functions
from llmops.loading.functions import FunctionLoader
from llmops.location import Location

AT = Location("suites/s.yaml", 3, 9)


@pytest.fixture
def loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FunctionLoader:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    return FunctionLoader(root=tmp_path)


def write(loader: FunctionLoader, name: str, text: str) -> None:
    (loader.root / name).parent.mkdir(parents=True, exist_ok=True)
    (loader.root / name).write_text(text, encoding="utf-8")


def code_of(loader: FunctionLoader, reference: str) -> str:
    (fault,) = refused(lambda: loader.load(reference, AT))
    assert fault.at == AT
    return fault.code


def test_a_function_is_loaded_from_a_file_once(loader: FunctionLoader) -> None:
    write(loader, "tools/tone.py", "calls = []\ndef tone(): return len(calls)\n")

    first = loader.load("tools/tone.py:tone", AT)
    second = loader.load("tools/tone.py:tone", AT)

    assert first is second
    assert first() == 0


def test_files_of_two_projects_are_not_confused(loader: FunctionLoader, tmp_path: Path) -> None:
    other = FunctionLoader(root=tmp_path / "other")
    write(loader, "tone.py", "def tone(): return 'ours'\n")
    write(other, "tone.py", "def tone(): return 'theirs'\n")

    assert loader.load("tone.py:tone", AT)() == "ours"
    assert other.load("tone.py:tone", AT)() == "theirs"


def test_a_function_is_loaded_from_a_module_of_the_project(loader: FunctionLoader) -> None:
    write(loader, "our_app/__init__.py", "")
    write(loader, "our_app/main.py", "def answer(): return 42\n")

    assert loader.load("our_app.main:answer", AT)() == 42
    assert loader.load("our_app.main:answer", AT)() == 42


def test_a_function_is_loaded_from_an_entry_point(
    loader: FunctionLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = {
        "upper": "string:capwords",
        "digits": "string:digits",
        "broken": "nowhere_at_all:x",
    }
    made = [EntryPoint(name, value, functions.GROUP) for name, value in points.items()]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: made)

    assert loader.load("upper", AT)("a b") == "A B"
    assert code_of(loader, "digits") == "missing-function"
    assert code_of(loader, "broken") == "broken-module"
    (fault,) = refused(lambda: loader.load("uper", AT))
    assert fault.hint == "did you mean 'upper'?"


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("none.py:f", "missing-file"),
        ("../out.py:f", "missing-file"),
        ("/etc/passwd.py:f", "missing-file"),
        ("a\0.py:f", "missing-file"),
        ("tone.py:tne", "missing-function"),
        ("tone.py:number", "missing-function"),
        ("raises.py:f", "broken-module"),
        ("exits.py:f", "broken-module"),
        ("no_such_module:f", "broken-module"),
        ("no_such_entry_point", "missing-function"),
    ],
)
def test_what_cannot_be_loaded_is_shown(loader: FunctionLoader, reference: str, code: str) -> None:
    write(loader, "tone.py", "number = 3\ndef tone(): ...\n")
    write(loader, "raises.py", "raise RuntimeError('no')\n")
    write(loader, "exits.py", "import sys\nsys.exit(0)\n")

    assert code_of(loader, reference) == code


def test_a_file_that_broke_may_be_mended_and_loaded(loader: FunctionLoader) -> None:
    write(loader, "tone.py", "raise RuntimeError('no')\n")
    assert code_of(loader, "tone.py:tone") == "broken-module"

    write(loader, "tone.py", "def tone(): return 'mended, at last'\n")

    assert loader.load("tone.py:tone", AT)() == "mended, at last"


def test_an_untrusted_run_loads_no_code(loader: FunctionLoader) -> None:
    write(loader, "tone.py", "open('canary', 'w')\ndef tone(): ...\n")

    assert code_of(FunctionLoader(root=loader.root, trusted=False), "tone.py:tone") == "untrusted"
    assert not (loader.root / "canary").exists()
