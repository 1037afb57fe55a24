import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_project import GOOD, PROMPT, SUITE, Done, Run

from made_history import Made, make_repository

REFS = (
    "--output=f", "-h", "--help", "-", "--", "--exec=touch x", "--upload-pack=touch x",
    "HEAD..main", "HEAD...main", "main..", "^HEAD", "HEAD^@", "HEAD^!", "HEAD^{tree}",
    "HEAD^{blob}", "HEAD:prompts", "HEAD:prompts/say.yaml", ":prompts/say.yaml", ":/First", ":/x",
    "@{-1}", "@{upstream}", "HEAD@{yesterday}", "@{999}", "$(touch x)", "`touch x`", "; touch x",
    "| touch x", "> x", "main\ntouch x", "\nmain", "main\0x", "a" * 10_000, "../" * 300,
    "\udc80\udcff", "main\udc80", "\x07\x08\x1b", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07",
    "\u202emain", "ext::sh -c 'touch x'", "file:///etc/passwd", "../..", "/etc/passwd",
    "refs/heads/*", "ma?n", "[m]ain", "main main", " main", "main ", "*", "~", "%s%n", "{}", "{0}",
    "refs/heads/main.lock", "main@{push}", "stash", "version:", "label:", "git:", "git:--output=f",
    "version:--help", "label:../x", "version:1.0.0..main", "@", "", "0" * 40, "f" * 64, "main^{/x}",
    "main~99999999999999999999", "refs/../../x", "C:\\x", "git@host:x.git", "--end-of-options",
)  # fmt: skip
SOME = REFS[::4]
CALLS = (
    ("show", "say@{}"),
    ("show", "say@git:{}"),
    ("render", "say@{}", "-i", "word=red"),
    ("blame", "say@{}"),
    ("label", "say", "staging", "--", "{}"),
    ("diff", "say@{}", "say"),
    ("diff", "say", "say@{}"),
    ("restore", "say@{}"),
    ("export", "--", "bundle", "say@{}"),
    ("test", "--since={}"),
    ("suites", "--since={}"),
    ("lint", "--base={}"),
    ("bump", "say", "--base={}"),
    ("bisect", "say", "--suite=say", "--case=one", "--good={}"),
    ("bisect", "say", "--suite=say", "--case=one", "--bad={}"),
)
NAMED = (
    ("log", "--", "{}"),
    ("log", "--", "say@{}"),
    ("show", "--", "{}@main"),
    ("blame", "--", "{}@main"),
    ("label", "--", "say", "{}", "HEAD"),
    ("label", "--", "{}", "staging", "HEAD"),
    ("label", "--remove", "--", "say", "{}"),
)
"""The same words where the name of a prompt or a label stands, which may be nearly anything."""
CALLS_IN_FULL = {("show", "say@{}"), ("lint", "--base={}")}
RESOLVING = ["rev-parse", "--verify", "--quiet", "--end-of-options"]
WRITTEN = {"prompts/labels.yaml"}
pytestmark = pytest.mark.usefixtures("nobody")


class Watch:
    """What this process starts, told by the interpreter itself."""

    def __init__(self) -> None:
        self.watching = False
        self.started: list[list[str]] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, details: tuple[object, ...]) -> None:
        if self.watching and event == "subprocess.Popen":
            words = details[1]
            assert isinstance(words, list | tuple)
            self.started.append([str(word) for word in words])
        elif self.watching and event in {"os.system", "os.exec", "os.posix_spawn", "os.fork"}:
            self.started.append([event])


WATCH = Watch()


@pytest.fixture
def watch() -> Iterator[Watch]:
    WATCH.started.clear()
    WATCH.watching = True
    yield WATCH
    WATCH.watching = False


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    repository = make_repository(tmp_path / "work")
    repository.commit("First", GOOD)
    second = PROMPT.replace("1.0.0", "1.1.0").replace("Say", "Please say")
    repository.commit("Second", {"prompts/say.yaml": second})
    monkeypatch.chdir(repository.root)
    return repository


def content(folder: Path) -> dict[str, bytes]:
    """Every file around the work tree, but for what a run keeps."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".llmops" not in path.parts
    }


def is_commit(made: Made, ref: str) -> bool:
    if "\0" in ref:
        return False
    words = ["git", *RESOLVING, f"{ref.removeprefix('git:')}^{{commit}}"]
    done = subprocess.run(words, cwd=made.top, capture_output=True, text=True, check=False)
    return done.returncode == 0 and not done.stdout.startswith("^")


def longest_plain(ref: str) -> str:
    """The longest part of a ref's beginning that any message can show as it is."""
    plain = "".join(one if one.isascii() and one.isprintable() else "\n" for one in ref[:60])
    return max(plain.split("\n"), key=len)


def check_told(done: Done, ref: str) -> None:
    told = "".join(done.err.split())
    for form in ("version:", "label:", "git:"):
        ref = ref.removeprefix(form)
    assert "".join(longest_plain(ref).split()) in told.replace("\\\\", "\\"), (ref, done.err)
    assert "hint:" in done.err, (ref, done.err)


def check_harmless(done: Done, ref: str) -> None:
    for text in (done.out, done.err):
        bad = {one for one in text if not one.isprintable()} - {"\n"}
        assert not bad, (ref, bad, text)


def check_started(watch: Watch, ref: str) -> None:
    for words in watch.started:
        assert words[0] == "git", words
        holding = [i for i, word in enumerate(words) if len(ref) > 3 and ref in word]
        for place in [i for i in holding if words[i] != "--end-of-options"]:
            assert words[place - 4 : place] == RESOLVING, words
            assert place == len(words) - 1, words


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_a_hostile_ref_ends_as_a_complaint_that_names_it(
    call: tuple[str, ...], made: Made, run: Run, watch: Watch
) -> None:
    around = made.top.parent
    before = content(around)

    for ref in REFS if call in CALLS_IN_FULL else SOME:
        watch.started.clear()
        done = run(*(word.replace("{}", ref) for word in call))
        check_harmless(done, ref)
        check_started(watch, ref)
        watch.watching = False
        if not is_commit(made, ref):
            assert done.code == 2, (call, ref, done)
            check_told(done, ref)
        assert done.code in {0, 2, 5}, (call, ref, done)
        watch.watching = True
        after = content(around)
        assert after.keys() - before.keys() <= {f"work/{name}" for name in WRITTEN}, (call, ref)
        assert {name: after[name] for name in before} == before, (call, ref)
        (made.root / "prompts/labels.yaml").unlink(missing_ok=True)


@pytest.mark.parametrize("call", NAMED, ids=" ".join)
def test_a_hostile_name_of_a_prompt_or_a_label_does_nothing_either(
    call: tuple[str, ...], made: Made, run: Run, watch: Watch
) -> None:
    around = made.top.parent
    before = content(around)

    for ref in (*SOME, "say\0", "../../say", "/say", "x" * 5000):
        done = run(*(word.replace("{}", ref) for word in call))
        check_harmless(done, ref)
        assert done.code in ({0, 2} if call[0] == "label" else {2}), (call, ref, done)
        assert {words[0] for words in watch.started} <= {"git"}
        (made.root / "prompts/labels.yaml").unlink(missing_ok=True)

    assert content(around) == before


def test_a_hostile_ref_in_a_suite_is_placed_there(made: Made, run: Run, watch: Watch) -> None:
    before = content(made.top.parent)
    del before["work/suites/say.yaml"]

    for ref in (ref for ref in SOME if "\udc80" not in ref):
        named = json.dumps(f"say@{ref}")
        made.write({"suites/say.yaml": SUITE.replace("prompt: say", f"prompt: {named}")})
        watch.started.clear()
        done = run("test")
        check_harmless(done, ref)
        check_started(watch, ref)
        watch.watching = False
        if not is_commit(made, ref):
            assert (done.code, done.err[:20]) == (2, "suites/say.yaml:1:9:"), (ref, done)
            check_told(done, ref)
        watch.watching = True

    after = content(made.top.parent)
    del after["work/suites/say.yaml"]
    assert after == before


def test_a_hostile_target_of_a_label_is_placed_in_its_file(
    made: Made, run: Run, watch: Watch
) -> None:
    for ref in (ref for ref in SOME if ref and "\udc80" not in ref):
        made.write({"prompts/labels.yaml": f"say:\n  staging: {json.dumps(ref)}\n"})
        watch.started.clear()
        done, listed = run("show", "say@staging"), run("label")
        check_harmless(done, ref)
        check_harmless(listed, ref)
        check_started(watch, ref)
        watch.watching = False
        if ref.startswith(("git:", "version:", "label:")) or not is_commit(made, ref):
            assert (done.code, listed.code) == (2, 2), (ref, done, listed)
            assert done.err.startswith("prompts/labels.yaml:2:12:"), (ref, done.err)
        watch.watching = True


def test_in_a_process_of_its_own_nothing_happens_either(made: Made) -> None:
    before = content(made.top.parent)

    for ref in ("--output=f", "$(touch x)", "main\ntouch x", "\x1b[31m", "\udc80", "a" * 10_000):
        done = subprocess.run(
            [sys.executable, "-m", "llmops", "show", f"say@{ref}"],
            cwd=made.root,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 2, (ref, done)
        assert b"Traceback" not in done.stderr
        assert b"\x1b" not in done.stderr

    assert content(made.top.parent) == before
