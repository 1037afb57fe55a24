"""A person at a terminal: waits for each question and presses the next key."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from llmops.cli.app import program_for

pty = pytest.importorskip("pty")
fcntl = pytest.importorskip("fcntl")
termios = pytest.importorskip("termios")

QUESTIONS = (b"q quit", b"press y")
GONE = "\x04"


@dataclass
class Person:
    """Presses a key for each question that is asked, and leaves when there is none left."""

    master: int
    keys: list[str]
    seen: bytearray = field(default_factory=bytearray)
    pressed: int = 0

    def sit(self) -> None:
        while True:
            try:
                said = os.read(self.master, 4096)
            except OSError:  # Linux: nobody holds the other end any more
                return
            if not said:
                return
            self.seen += said
            asked = sum(self.seen.count(question) for question in QUESTIONS)
            while self.pressed < asked:
                key = self.keys.pop(0) if self.keys else GONE
                self.pressed += 1
                with suppress(OSError):
                    os.write(self.master, key.encode())

    @property
    def text(self) -> str:
        return self.seen.decode("utf-8", errors="replace").replace("\r\n", "\n")


@dataclass(frozen=True)
class Told:
    code: int
    text: str


def sit_in_front(monkeypatch: pytest.MonkeyPatch, keys: Sequence[str], *arguments: str) -> Told:
    """Run the program in this process, at a terminal."""
    master, slave = pty.openpty()
    person = Person(master, list(keys))
    thread = threading.Thread(target=person.sit)
    monkeypatch.setenv("NO_COLOR", "1")
    code = 0
    with (
        os.fdopen(os.dup(slave), encoding="utf-8") as typed,
        os.fdopen(slave, "w", encoding="utf-8") as shown,
        monkeypatch.context() as patched,
    ):
        patched.setattr(sys, "stdin", typed)
        patched.setattr(sys, "stdout", shown)
        thread.start()
        try:
            program_for(arguments)(list(arguments))
        except SystemExit as end:
            code = int(end.code or 0)
    thread.join()
    os.close(master)
    assert not person.keys, f"nobody asked for {person.keys}"
    return Told(code, person.text)


def sit_at_program(folder: Path, keys: Sequence[str], *arguments: str) -> Told:
    """Run the program as one of its own, whose terminal can interrupt it."""
    master, slave = pty.openpty()
    person = Person(master, list(keys))
    thread = threading.Thread(target=person.sit)
    environment: Mapping[str, str] = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"}
    program = subprocess.Popen(
        [sys.executable, "-m", "llmops", *arguments],
        cwd=folder,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no thread runs yet
    )
    os.close(slave)
    thread.start()
    code = program.wait()
    thread.join()
    os.close(master)
    return Told(code, person.text)
