import asyncio
import os
import pathlib
import sys
import time

import pytest

from llmops.domain.node import Text
from llmops.errors import ProviderError
from llmops.location import Location
from llmops.providers.exec import ExecTarget

AT = Location("suites/s.yaml", 3, 9)


def target(root, code, environment=None, **rest):
    command = [Text(part, AT) for part in (sys.executable, "-c", code)]
    return ExecTarget(command, str(root), environment or {}, **rest)


def call(exec_target, inputs=None):
    async def run():
        try:
            return await exec_target.call(inputs or {})
        finally:
            await exec_target.close()

    return asyncio.run(run())


def error_of(exec_target, inputs=None):
    with pytest.raises(ProviderError) as caught:
        call(exec_target, inputs)
    return caught.value


def test_the_inputs_arrive_as_json_and_the_output_is_the_text(tmp_path):
    code = "import json, sys; print(json.load(sys.stdin)['text'].upper())"

    completion = call(target(tmp_path, code), {"text": "größe"})

    assert completion.text == "GRÖSSE"
    assert completion.output is None
    assert completion.latency > 0


@pytest.mark.parametrize(
    ("printed", "output"),
    [
        ('{"a": 1}', {"a": 1}),
        ("[1, 2]", [1, 2]),
        ("42", None),
        ("{not json", None),
        ("", None),
    ],
)
def test_a_json_object_or_list_is_kept_as_output(tmp_path, printed, output):
    completion = call(target(tmp_path, f"print({printed!r})"))

    assert completion.text == printed
    assert completion.output == output


def test_a_command_may_say_what_it_cost(tmp_path):
    completion = call(target(tmp_path, 'print(\'{"output": "x", "cost": 0.5}\')'))

    assert (completion.text, completion.cost) == ("x", 0.5)


def test_a_command_runs_in_the_projects_folder_without_a_shell(tmp_path):
    completion = call(target(tmp_path, "import os; print(os.getcwd(), '$HOME')"))

    assert completion.text == f"{tmp_path.resolve()} $HOME"


def test_keys_stay_out_of_its_environment_unless_passed(tmp_path):
    environment = {
        "PATH": os.environ["PATH"],
        "OPENAI_API_KEY": "k1",
        "GITHUB_TOKEN": "k2",
        "MY_SECRET": "k3",
        "NEEDED_API_KEY": "k4",
    }
    code = "import os; print(sorted(name for name in os.environ if name != 'LC_CTYPE'))"

    completion = call(target(tmp_path, code, environment, passed=["NEEDED_API_KEY"]))

    assert completion.text == "['NEEDED_API_KEY', 'PATH']"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise SystemExit(3)", "ended with exit code 3"),
        (
            "import sys; sys.exit('\\n'.join('abcde'))",
            "ended with exit code 1: c / d / e",
        ),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "was ended by signal 15"),
    ],
)
def test_an_exit_code_is_an_error_with_the_last_lines_of_stderr(tmp_path, code, message):
    error = error_of(target(tmp_path, code))

    assert error.kind == "server"
    assert error.message == f"'{sys.executable}' {message}"
    assert error.faults[0].at == AT


def test_much_stderr_does_not_block_the_command(tmp_path):
    completion = call(target(tmp_path, "import sys; sys.stderr.write('x' * 10**6); print('ok')"))

    assert completion.text == "ok"


def test_a_command_need_not_read_its_input(tmp_path):
    completion = call(target(tmp_path, "print('ok')"), {"text": "x" * 10**6})

    assert completion.text == "ok"


def test_commands_that_are_killed_are_waited_for_once(tmp_path, caplog):
    command = [Text(part, AT) for part in ("sh", "-c", "yes | head -c 9000000; sleep 3600")]
    endless = ExecTarget(command, str(tmp_path), {"PATH": os.environ["PATH"]})

    async def run():
        calls = [endless.call({}) for _ in range(40)]
        return await asyncio.gather(*calls, return_exceptions=True)

    errors = asyncio.run(run())

    assert {error.kind for error in errors if isinstance(error, ProviderError)} == {"too_large"}
    assert caplog.messages == []


def test_a_command_is_killed_when_its_time_is_up(tmp_path):
    error = error_of(target(tmp_path, "import time; time.sleep(3600)", timeout=0.2))

    assert error.kind == "timeout"
    assert error.message == f"'{sys.executable}' did not end within 0.2 s"


PARENT = (
    "import os, pathlib, subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3600)'])\n"
    "pathlib.Path('pids').write_text(f'{os.getpid()} {child.pid}')\n"
    "pathlib.Path('ready').touch()\n"
    "time.sleep(3600)\n"
)


@pytest.mark.parametrize("started", [True, False], ids=["while it runs", "while it starts"])
def test_a_cancelled_call_leaves_neither_the_command_nor_its_children_running(tmp_path, started):
    exec_target = target(tmp_path, PARENT)
    ready = tmp_path / "ready"

    async def run():
        task = asyncio.create_task(exec_target.call({}))
        await asyncio.sleep(0)  # the call begins
        await asyncio.sleep(0)  # and starts the command
        until = time.monotonic() + 60
        while not ready.exists() and time.monotonic() < until:
            if started:
                await asyncio.sleep(0.01)
            else:
                time.sleep(0.01)  # noqa: ASYNC251 - so that the loop does not see that it has started
        pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await _until(lambda: not any(_runs(pid) for pid in pids))

    asyncio.run(asyncio.wait_for(run(), 120))


async def _until(condition):
    while not condition():  # noqa: ASYNC110 - another process has no event to wait for
        await asyncio.sleep(0.01)


def _runs(pid):
    stat = pathlib.Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("code", ["print('x' * 9_000_000)", "while True: print('x' * 100_000)"])
def test_too_much_output_is_refused_and_the_command_ended(tmp_path, code):
    error = error_of(target(tmp_path, code))

    assert error.kind == "too_large"


def test_output_that_is_not_utf8_is_a_bad_response(tmp_path):
    error = error_of(target(tmp_path, "import sys; sys.stdout.buffer.write(b'\\xff')"))

    assert error.kind == "bad_response"


@pytest.mark.parametrize("program", ["no-such-program", "with\0nul"])
def test_a_program_that_cannot_be_started_is_the_users_mistake(tmp_path, program):
    error = error_of(ExecTarget([Text(program, AT)], str(tmp_path), {}))

    assert error.kind == "bad_request"
    assert "cannot be started" in error.message
    assert error.faults[0].at == AT
