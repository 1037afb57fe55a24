import asyncio
import threading

import pytest

from llmops.domain.node import Text
from llmops.errors import InvalidInputError, ProviderError
from llmops.loading.functions import FunctionLoader
from llmops.location import Location
from llmops.providers.python import PythonTarget

AT = Location("suites/s.yaml", 3, 9)

APPLICATION = """
import asyncio
import math
import threading
from functools import partial


def shout(text, mark="!"):
    return text.upper() + mark


async def whisper(text):
    await asyncio.sleep(0)
    return {"output": text.lower(), "cost": 0.5}


def later(text):
    return whisper(text)


def fail(text):
    return helper(text)


def helper(text):
    raise ValueError("no such word: " + text)


async def fail_later(text):
    raise LookupError(text)


def leave(text):
    raise SystemExit(3)


def stop(text):
    raise StopIteration(text)


def hang(text):
    threading.Event().wait()


async def hang_later(text):
    await asyncio.Event().wait()


def outside(text):
    return math.sqrt(-1)


def nothing(text):
    return None


def whatever(**inputs):
    return inputs


def where(text):
    return threading.current_thread().name
"""


@pytest.fixture
def target(write):
    root = write({"app.py": APPLICATION})

    def make(name, **rest):
        load = FunctionLoader(root=root).load
        return PythonTarget(Text(f"app.py:{name}", AT), str(root), load, **rest)

    return make


def call(target, **inputs):
    async def run():
        try:
            return await target.call(inputs or {"text": "Hello"})
        finally:
            await target.close()

    return asyncio.run(run())


def error_of(target, **inputs):
    with pytest.raises(ProviderError) as caught:
        call(target, **inputs)
    return caught.value


def test_a_function_is_called_with_the_inputs_by_name(target):
    completion = call(target("shout"), text="hello", mark="?")

    assert completion.text == "HELLO?"
    assert completion.latency > 0


@pytest.mark.parametrize("name", ["whisper", "later"])
def test_an_async_function_is_awaited(target, name):
    completion = call(target(name))

    assert completion.text == "hello"
    assert completion.cost == 0.5


def test_an_ordinary_function_runs_in_a_thread_of_its_own(target):
    assert call(target("where")).text == "llmops-target"


def test_a_mapping_is_an_output(target):
    assert call(target("whatever"), a=1, b=["x"]).output == {"a": 1, "b": ["x"]}


@pytest.mark.parametrize(
    ("name", "message", "line"),
    [
        ("fail", "app.py:fail raised ValueError: no such word: Hello", 26),
        ("fail_later", "app.py:fail_later raised LookupError: Hello", 30),
        ("outside", "app.py:outside raised ValueError: math domain error", 50),
    ],
)
def test_an_exception_is_placed_where_the_users_code_raised_it(target, name, message, line):
    error = error_of(target(name))

    assert error.kind == "server"
    assert error.message == message
    assert error.faults[0].at == Location("app.py", line)


@pytest.mark.parametrize(
    ("name", "words"), [("leave", "SystemExit: 3"), ("stop", "StopIteration: Hello")]
)
def test_leaving_the_program_is_only_an_error_of_the_trial(target, name, words):
    error = error_of(target(name))

    assert words in error.message
    assert error.faults[0].at == AT


@pytest.mark.parametrize("name", ["hang", "hang_later"])
def test_a_function_that_never_returns_is_left_behind(target, name):
    error = error_of(target(name, timeout=0.05))

    assert error.kind == "timeout"
    assert error.message == f"app.py:{name} did not return within 0.05 s"


def test_a_cancelled_call_does_not_mind_the_late_answer(write):
    root = write({})
    gate = threading.Event()
    done = threading.Event()

    def wait(text):
        gate.wait()
        done.set()
        return text

    target = PythonTarget(Text("x:wait", AT), str(root), lambda _reference, _at: wait, timeout=0.05)

    async def run():
        with pytest.raises(ProviderError):
            await target.call({"text": "x"})
        gate.set()
        await asyncio.to_thread(done.wait)
        await asyncio.sleep(0.01)

    asyncio.run(run())

    assert done.is_set()


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"wrong": 1}, "missing a required argument: 'text'"),
        ({"text": "x", "wrong": 1}, "got an unexpected keyword argument 'wrong'"),
    ],
)
def test_inputs_that_do_not_fit_are_named_before_the_call(target, inputs, words):
    error = error_of(target("shout"), **inputs)

    assert error.kind == "bad_request"
    assert words in error.message
    assert error.faults[0].at == AT
    assert error.hint == "it takes (text, mark='!')"


def test_a_function_without_a_signature_is_called_all_the_same(write):
    target = PythonTarget(Text("builtins:dict", AT), str(write({})), lambda _r, _at: dict)

    assert call(target, a=1).output == {"a": 1}


def test_nothing_returned_is_a_bad_response(target):
    assert error_of(target("nothing")).kind == "bad_response"


def test_a_function_that_does_not_exist_is_found_before_any_call(target):
    with pytest.raises(InvalidInputError, match=r"suites/s\.yaml:3:9"):
        target("shuot")
