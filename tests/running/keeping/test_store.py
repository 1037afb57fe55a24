import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import HEADER, trial
from msgspec.structs import replace

from llmops.domain.completion import Completion
from llmops.domain.run import Exchange, RunFooter
from llmops.errors import Fault, InvalidInputError, LlmopsError, UnavailableError
from llmops.running.keeping.run_names import find_run, new_id, run_ids
from llmops.running.keeping.store import RunWriter, read_run

FOOTER = RunFooter(finished="2026-11-21T03:45:13+00:00", duration=1.5)
ENDLESS = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from made_runs import HEADER, trial
from llmops.running.keeping.store import RunWriter

writer = RunWriter(Path(sys.argv[1]))
writer.header(HEADER)
number = 0
while True:
    writer.trial(number, trial(f"case {number}", text="long " * 5000))
    number += 1
    print(number, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "20261121-034512-7c1e.jsonl"


def write_run(path: Path, *trials, footer: RunFooter | None = FOOTER) -> bytes:
    writer = RunWriter(path)
    writer.header(HEADER)
    for index, one in enumerate(trials):
        writer.trial(index, one)
    if footer is not None:
        writer.footer(footer)
    writer.close()
    return path.read_bytes()


def fault_of(action) -> Fault:
    with pytest.raises(LlmopsError) as caught:
        action()
    (fault,) = caught.value.faults
    return fault


def test_a_run_comes_back_as_it_was_written(path) -> None:
    trials = [trial("red"), trial("blue", "failed")]
    write_run(path, *trials)

    run = read_run(path)

    assert (run.header, run.footer, run.stopped_by) == (HEADER, FOOTER, None)
    assert list(run.trials()) == trials
    assert list(run.indexed_trials()) == list(enumerate(trials))
    assert (run.totals().passed, run.totals().failed, run.totals().planned) == (1, 1, 3)
    assert run.verdict().status == "failed"


def test_a_writer_knows_the_run_as_its_file_holds_it(path) -> None:
    writer = RunWriter(path)
    writer.header(HEADER)
    writer.trial(1, trial("blue", "failed"))
    writer.trial(0, trial("ré\ud800d"))
    writer.footer(FOOTER)

    kept, read = writer.kept(), read_run(path)

    assert (kept.header, kept.footer, dict(kept.places)) == (HEADER, FOOTER, dict(read.places))
    assert list(kept.trials()) == list(read.trials())
    writer.close()


def test_a_run_that_was_gone_on_with_is_known_from_its_file(path) -> None:
    write_run(path, trial("red"), footer=None)
    writer = RunWriter(path, resume=True)
    writer.trial(1, trial("blue"))
    writer.footer(FOOTER)

    assert [one.case for one in writer.kept().trials()] == ["red", "blue"]
    writer.close()


def test_a_run_is_for_its_owner_alone(path) -> None:
    write_run(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_trials_come_in_the_order_of_the_plan_and_the_last_word_counts(path) -> None:
    writer = RunWriter(path)
    writer.header(HEADER)
    writer.trial(2, trial("third"))
    writer.trial(0, trial("first", "error"))
    writer.trial(0, trial("first", "passed"))
    writer.close()

    run = read_run(path)

    assert [(one.case, one.status) for one in run.trials()] == [
        ("first", "passed"),
        ("third", "passed"),
    ]


def test_a_run_without_a_footer_was_killed(path) -> None:
    write_run(path, trial(), footer=None)

    run = read_run(path)

    assert run.stopped_by == "killed"
    assert run.verdict().exit_code == 130


def test_a_run_that_was_gone_on_with_and_killed_was_killed(path) -> None:
    write_run(path, trial("red"), footer=replace(FOOTER, stopped_by="sigint"))
    writer = RunWriter(path, resume=True)
    writer.trial(1, trial("blue"))
    writer.close()

    assert read_run(path).stopped_by == "killed"


@given(st.text(st.characters(exclude_categories=[])), st.text())
def test_any_text_survives(tmp_path_factory, text: str, name: str) -> None:
    path = tmp_path_factory.mktemp("runs") / "r.jsonl"
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    write_run(path, trial(name, text=text))

    (back,) = read_run(path).trials()

    assert back.completion == Completion(text=text)
    assert back.case == name


def test_half_characters_and_nul_survive_in_a_file_that_is_utf_8(path) -> None:
    text = "a\0b\ud800c\udfff\u2028\r\n\x85𝄞"
    data = write_run(path, trial(text=text))

    (back,) = read_run(path).trials()

    assert back.completion is not None
    assert back.completion.text == text
    assert len(data.decode("utf-8").split("\n")) == 4


def test_what_is_no_number_is_never_written(path) -> None:
    bad = Exchange(completion=Completion(text="", cost=float("nan")))
    writer = RunWriter(path)
    writer.header(HEADER)

    with pytest.raises(UnavailableError, match="not JSON compliant"):
        writer.trial(0, replace(trial(), exchanges=(bad,)))
    writer.close()

    assert b"NaN" not in path.read_bytes()
    assert list(read_run(path).trials()) == []


def test_what_json_has_no_form_for_is_no_traceback(path) -> None:
    writer = RunWriter(path)

    with pytest.raises(UnavailableError, match="cannot be kept"):
        writer.trial(0, replace(trial(), inputs={"a": object()}))
    writer.close()


def test_a_cut_off_last_line_is_passed_over_wherever_it_is_cut(path) -> None:
    whole = write_run(path, trial("red"), trial("blue"), footer=None)
    start = whole.rstrip(b"\n").rfind(b"\n") + 1

    for end in range(start, len(whole)):
        path.write_bytes(whole[:end])
        run = read_run(path)
        assert [one.case for one in run.trials()] == ["red"]


def test_going_on_cuts_off_what_a_kill_left(path) -> None:
    whole = write_run(path, trial("red"), trial("blue", text="x" * 200_000), footer=None)
    path.write_bytes(whole[:-70_000])

    writer = RunWriter(path, resume=True)
    writer.trial(1, trial("blue"))
    writer.footer(FOOTER)
    writer.close()

    run = read_run(path)
    assert [one.case for one in run.trials()] == ["red", "blue"]
    assert run.footer == FOOTER


def test_going_on_with_a_run_that_was_killed_before_its_first_line(path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"schema": "llm')

    RunWriter(path, resume=True).close()

    assert path.read_bytes() == b""
    assert fault_of(lambda: read_run(path)).message.endswith("it has no header")


def test_a_process_killed_at_any_moment_leaves_whole_trials(path) -> None:
    arguments = [sys.executable, "-c", ENDLESS, str(path), str(Path(__file__).parents[1])]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while process.stdout.readline().strip() != "50":
        assert process.poll() is None

    process.send_signal(signal.SIGKILL)
    said = process.stdout.read()
    process.wait(20)
    process.stdout.close()

    shown = int((said.split() or ["50"])[-1])
    RunWriter(path, resume=True).close()
    kept = [one.case for one in read_run(path).trials()]
    assert kept == [f"case {number}" for number in range(len(kept))]
    assert len(kept) in {shown, shown + 1}


def test_a_full_disk_is_no_traceback_and_leaves_no_half_line(path) -> None:
    script = (
        "import resource, sys\nresource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        "try:\n    exec(sys.argv.pop(3))\nexcept Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    arguments = [sys.executable, "-c", script, str(path), str(Path(__file__).parents[1]), ENDLESS]

    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=True)

    data = path.read_bytes()
    assert done.stdout.splitlines()[-2].startswith("UnavailableError the run cannot be kept in")
    assert "File too large" in done.stdout
    assert data.endswith(b"\n")
    assert len(list(read_run(path).trials())) == 2


def test_two_processes_do_not_go_on_with_one_run(path) -> None:
    write_run(path, trial(), footer=None)
    first = RunWriter(path, resume=True)

    fault = fault_of(lambda: RunWriter(path, resume=True))
    first.close()

    assert fault.code == "busy-run"
    RunWriter(path, resume=True).close()


def test_a_new_run_never_writes_into_an_old_one(path) -> None:
    before = write_run(path, trial())

    with pytest.raises(UnavailableError, match="File exists"):
        RunWriter(path)

    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_no_traceback(tmp_path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    fault = fault_of(lambda: RunWriter(tmp_path / "file" / "runs" / "r.jsonl"))

    assert "cannot be kept" in fault.message
    assert fault.hint is not None


def replaced(path: Path, number: int, line: bytes) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    lines[number - 1] = line + b"\n"
    path.write_bytes(b"".join(lines))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"nonsense", "the line is not JSON"),
        (b"", "the line is not JSON"),
        (b"\xff\xfe", "the line is not JSON"),
        (b"[" * 100_000, "the line is not JSON"),
        (b"[1]", "it is not a mapping"),
        (b'{"trial": {}}', "the line has no 'n'"),
        (b'{"n": "1", "trial": {}}', "'1' is no place in a plan"),
        (b'{"n": -1, "trial": {}}', "'-1' is no place in a plan"),
        (b'{"n": true, "trial": {}}', "'True' is no place in a plan"),
        (b'{"footer": {}}', "the line has no 'finished'"),
        (b'{"footer": []}', ""),
        (b'{"footer": {"finished": "", "duration": 1, "stopped_by": "x"}}', "'x'"),
        (b'{"schema": "llmops.run/1", "header": {"id": "r"}}', "the line has no 'started'"),
        (b'{"schema": "llmops.run/1", "header": null}', ""),
        (b'{"schema": "llmops.run/2", "header": {}}', "another llmops wrote it"),
        (b'{"header": {}}', "another llmops wrote it"),
    ],
)
def test_a_broken_line_in_the_middle_is_shown_where_it_stands(path, line, words) -> None:
    write_run(path, trial("red"), trial("blue"))
    replaced(path, 2, line)

    fault = fault_of(lambda: read_run(path))

    assert fault.code == "broken-run"
    assert str(fault.at) == f"{path.as_posix()}:2:1"
    assert words in fault.message


@pytest.mark.parametrize(
    "change",
    [
        lambda whole: whole.pop("arm"),
        lambda whole: whole.update(status="splendid"),
        lambda whole: whole.update(at="nowhere"),
        lambda whole: whole.update(exchanges=[7]),
        lambda whole: whole.update(exchanges=[{"completion": {"text": None}}]),
        lambda whole: whole.update(tags=7),
    ],
)
def test_a_broken_trial_is_shown_where_it_stands(path, change) -> None:
    data = write_run(path, trial("red"), trial("blue"))
    value = json.loads(data.splitlines()[2])
    change(value["trial"])
    replaced(path, 3, json.dumps(value).encode())

    run = read_run(path)
    fault = fault_of(lambda: list(run.trials()))

    assert fault.code == "broken-run"
    assert str(fault.at) == f"{path.as_posix()}:3:1"


def test_a_line_of_a_sort_nobody_knows_is_passed_over(path) -> None:
    write_run(path, trial("red"), trial("blue"))
    replaced(path, 2, b'{"note": "from a later llmops"}')

    assert [one.case for one in read_run(path).trials()] == ["blue"]


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"{}\n", b'{"footer": {"finished": "", "duration": 1}}\n']
)
def test_a_file_that_is_no_run_is_a_complaint(path, data) -> None:
    path.parent.mkdir()
    path.write_bytes(data)

    assert fault_of(lambda: read_run(path)).code == "broken-run"


def test_a_run_that_is_not_there_is_no_traceback(path) -> None:
    assert fault_of(lambda: read_run(path)).code == "unavailable"


def test_a_run_that_vanishes_while_it_is_read_is_no_traceback(path) -> None:
    write_run(path, trial())
    run = read_run(path)
    path.unlink()

    assert fault_of(lambda: list(run.trials())).code == "unavailable"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("20261120-100000-aaaa", "20261121-100000-abcd", "20261121-110000-7c1e"):
        (tmp_path / f"{name}.jsonl").touch()
    (tmp_path / "notes.txt").touch()
    return tmp_path


def test_runs_are_listed_oldest_first(folder) -> None:
    assert run_ids(folder)[0] == "20261120-100000-aaaa"
    assert len(run_ids(folder)) == 3
    assert run_ids(folder / "gone") == []


@pytest.mark.parametrize("wanted", [None, "last", "7c1e", "20261121-110000-7c1e", "20261121-11"])
def test_a_run_is_found_by_beginning_end_or_as_the_newest(folder, wanted) -> None:
    assert find_run(folder, wanted).stem == "20261121-110000-7c1e"


def test_ids_sort_as_their_runs_began() -> None:
    first = datetime(2026, 11, 21, 23, 59, 59, 999_998, tzinfo=UTC)
    moments = [first + timedelta(microseconds=number) for number in range(4)]

    ids = [new_id(moment, 15 - number) for number, moment in enumerate(moments)]

    assert ids == sorted(ids)
    assert ids[0] == "20261121-235959-f423ef"
    assert ids[-1] == "20261122-000000-00001c"


def test_a_run_is_found_by_its_file(folder, tmp_path) -> None:
    file = folder / "20261120-100000-aaaa.jsonl"

    assert find_run(tmp_path / "elsewhere", str(file)) == file


def test_an_id_in_full_is_no_riddle_though_others_begin_with_it(folder) -> None:
    (folder / "20261121-110000-7c1e-2.jsonl").touch()

    assert find_run(folder, "20261121-110000-7c1e").stem == "20261121-110000-7c1e"


def test_a_word_that_could_be_two_runs_names_both(folder) -> None:
    fault = fault_of(lambda: find_run(folder, "20261121"))

    assert fault.code == "ambiguous-run"
    assert "20261121-100000-abcd or 20261121-110000-7c1e" in fault.message


@pytest.mark.parametrize("wanted", ["xyz", "", "gone.jsonl", "../secret", "a\0b.jsonl"])
def test_a_run_that_nobody_kept_is_told_so(folder, wanted) -> None:
    assert fault_of(lambda: find_run(folder, wanted)).code == "unknown-run"


def test_a_misspelt_id_is_suggested(folder) -> None:
    fault = fault_of(lambda: find_run(folder, "20261121-110000-7cle"))

    assert fault.hint == "did you mean '20261121-110000-7c1e'?"


def test_before_the_first_run_there_is_none(tmp_path) -> None:
    fault = fault_of(lambda: find_run(tmp_path, None))

    assert (fault.code, fault.hint) == ("unknown-run", "run 'llmops test' first")
    with pytest.raises(InvalidInputError):
        find_run(tmp_path, "7c1e")


def test_a_full_pipe_is_no_place_for_a_run(tmp_path) -> None:
    os.mkfifo(tmp_path / "r.jsonl")

    with pytest.raises(UnavailableError):
        RunWriter(tmp_path / "r.jsonl")
