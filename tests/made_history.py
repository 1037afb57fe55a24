import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from llmops.workflows.opening.project import Surroundings

WHO = (
    "-c",
    "user.name=Ada",
    "-c",
    "user.email=ada@example.org",
    "-c",
    "protocol.file.allow=always",
)


@dataclass(frozen=True)
class Made:
    """A repository made by a test, and the project inside of it."""

    top: Path
    inside: str = ""

    @property
    def root(self) -> Path:
        return self.top / self.inside

    def git(self, *arguments: str, given: str | None = None) -> str:
        done = subprocess.run(
            ["git", *WHO, *arguments],
            cwd=self.top,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.removesuffix("\n")

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(
        self,
        message: str,
        files: Mapping[str, str | bytes] | None = None,
        gone: Iterable[str] = (),
    ) -> str:
        self.write(files or {})
        for name in gone:
            (self.root / name).unlink()
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--message={message}")
        return self.git("rev-parse", "HEAD")

    def move(self, old: str, new: str, message: str = "Move") -> str:
        (self.root / new).parent.mkdir(parents=True, exist_ok=True)
        (self.root / old).rename(self.root / new)
        return self.commit(message)

    @property
    def world(self) -> Surroundings:
        return Surroundings(folder=self.root, environment={})


def make_repository(top: Path, *options: str, inside: str = "") -> Made:
    top.mkdir(parents=True, exist_ok=True)
    made = Made(top, inside)
    made.root.mkdir(parents=True, exist_ok=True)
    made.git("init", "--quiet", "--initial-branch=main", *options)
    (top / ".gitignore").write_text(".llmops/\n", encoding="utf-8")
    return made
