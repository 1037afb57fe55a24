import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from llmops.errors import Fault, InvalidInputError
from llmops.loading.functions import GROUP, FunctionLoader
from llmops.location import Location

WriteFiles = Callable[[Mapping[str, str]], Path]
Install = Callable[[str], Path]

AT = Location("suites/say.yaml", 6, 9)


@pytest.fixture(autouse=True)
def modules() -> Iterator[None]:
    """What a test imports is forgotten after it."""
    known, path = dict(sys.modules), list(sys.path)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - set(known):
        del sys.modules[name]


def fault_of(loader: FunctionLoader, reference: str) -> Fault:
    with pytest.raises(InvalidInputError) as caught:
        loader.load(reference, AT)
    (fault,) = caught.value.faults
    assert fault.at == AT
    return fault


def test_a_function_of_a_file_is_loaded(write) -> None:
    root = write({"checks/polite.py": "def check(output): return 'please' in output\n"})

    check = FunctionLoader(root=root).load("checks/polite.py:check", AT)

    assert check("yes, please")


def test_a_file_is_run_once_for_all_its_functions(write) -> None:
    root = write({"checks.py": "made = []\ndef a(): return made\ndef b(): return made\n"})
    loader = FunctionLoader(root=root)

    a, b = loader.load("checks.py:a", AT), loader.load("checks.py:b", AT)

    assert a() is b()


def test_two_files_whose_names_look_alike_are_told_apart(write) -> None:
    root = write({"a/b.py": "def f(): return 1\n", "a_b.py": "def f(): return 2\n"})
    loader = FunctionLoader(root=root)

    first, second = loader.load("a/b.py:f", AT), loader.load("a_b.py:f", AT)

    assert (first(), second()) == (1, 2)


def test_a_function_of_a_package_is_loaded_from_the_projects_folder(write) -> None:
    root = write({"shop_checks/__init__.py": "", "shop_checks/tone.py": "def check(): return 3\n"})

    check = FunctionLoader(root=root).load("shop_checks.tone:check", AT)

    assert check() == 3
    assert FunctionLoader(root=root).load("shop_checks.tone:check", AT) is check
    assert sys.path.count(str(root)) == 1


def test_a_package_of_the_environment_is_found_too(tmp_path) -> None:
    assert FunctionLoader(root=tmp_path).load("os.path:basename", AT)("a/b") == "b"


@pytest.mark.parametrize("reference", ["checks.py:check", "os.path:basename", "polite"])
def test_nothing_is_loaded_when_the_run_is_untrusted(write, reference: str) -> None:
    root = write({"checks.py": "raise SystemExit(0)\n"})

    fault = fault_of(FunctionLoader(root=root, trusted=False), reference)

    assert fault.code == "untrusted"
    assert reference in fault.message


@pytest.mark.parametrize(
    "reference",
    [
        "gone.py:check",
        "../outside.py:check",
        "/etc/passwd.py:check",
        "a\0b.py:check",
        "x" * 5000 + ".py:check",
        "circle.py:check",
        "folder.py:check",
    ],
)
def test_a_file_that_is_not_there_or_not_ours_is_no_traceback(write, reference: str) -> None:
    root = write({"project/llmops.yaml": "", "outside.py": "def check(): return 1\n"}) / "project"
    (root / "circle.py").symlink_to("circle.py")
    (root / "folder.py").mkdir()

    fault = fault_of(FunctionLoader(root=root), reference)

    assert fault.code == "missing-file"


def test_a_link_out_of_the_project_is_not_followed(write) -> None:
    root = write({"project/llmops.yaml": "", "outside.py": "def check(): return 1\n"}) / "project"
    (root / "inside.py").symlink_to(root.parent / "outside.py")

    assert fault_of(FunctionLoader(root=root), "inside.py:check").code == "missing-file"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("1 / 0\n", "ZeroDivisionError"),
        ("def broken(:\n", "SyntaxError"),
        ("import nowhere_to_be_found\n", "ModuleNotFoundError"),
        ("import sys\nsys.exit(0)\n", "SystemExit"),
        ("import sys\ndel sys.modules[__name__]\n1 / 0\n", "ZeroDivisionError"),
        ("x = '" + "y" * 1000 + "'\nraise ValueError(x)\n", "ValueError"),
    ],
)
@pytest.mark.parametrize("reference", ["broken_checks.py:check", "broken_checks:check"])
def test_a_module_that_breaks_or_exits_is_a_placed_complaint(
    write, source: str, words: str, reference: str
) -> None:
    root = write({"broken_checks.py": source})

    fault = fault_of(FunctionLoader(root=root), reference)

    assert fault.code == "broken-module"
    assert words in fault.message
    assert len(fault.message) <= 300
    assert not [name for name in sys.modules if "broken_checks" in name]


def test_a_file_that_was_mended_is_read_again(write) -> None:
    root = write({"checks.py": "1 / 0\n"})
    loader = FunctionLoader(root=root)
    fault_of(loader, "checks.py:check")

    Path(root, "checks.py").write_text("def check(): return 4  # mended\n", encoding="utf-8")

    assert loader.load("checks.py:check", AT)() == 4


def test_a_misspelt_function_is_suggested(write) -> None:
    root = write({"checks.py": "def polite(): pass\nnumber = 3\n"})
    loader = FunctionLoader(root=root)

    assert fault_of(loader, "checks.py:polit").hint == "did you mean 'polite'?"
    assert fault_of(loader, "checks.py:xyz").hint == "define 'xyz' there"
    assert fault_of(loader, "checks.py:number").code == "missing-function"


@pytest.mark.parametrize("reference", [":check", "..up:check", "no.such.module:check"])
def test_a_module_that_cannot_be_named_is_no_traceback(tmp_path, reference: str) -> None:
    assert fault_of(FunctionLoader(root=tmp_path), reference).code == "broken-module"


@pytest.fixture
def install(write: WriteFiles, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package that offers a function under the name `polite`."""

    def install_package(function: str) -> Path:
        root = write(
            {
                "site/shop-1.dist-info/METADATA": "Name: shop\nVersion: 1\n",
                "site/shop-1.dist-info/entry_points.txt": f"[{GROUP}]\npolite = {function}\n",
            }
        )
        monkeypatch.syspath_prepend(root / "site")
        return root

    return install_package


def test_an_installed_package_offers_functions_by_name(install) -> None:
    root = install("os.path:basename")

    assert FunctionLoader(root=root).load("polite", AT)("a/b") == "b"


def test_a_name_that_nobody_offers_is_told_with_the_nearest(install) -> None:
    loader = FunctionLoader(root=install("os.path:basename"))

    assert fault_of(loader, "polit").hint == "did you mean 'polite'?"
    assert "file.py:function" in str(fault_of(loader, "xyz").hint)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("no.such.module:f", "broken-module"),
        ("os:no_such_function", "broken-module"),
        ("os:sep", "missing-function"),
    ],
)
def test_what_a_package_offers_may_be_broken(install, value, code) -> None:
    root = install(value)

    assert fault_of(FunctionLoader(root=root), "polite").code == code
