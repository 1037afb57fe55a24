"""A project in a repository of its own, for the tests of claimed versions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from small_project import PROMPT

SAY = "prompts/say.yaml"
Git = Callable[..., str]


@dataclass(frozen=True)
class Versioned:
    """The project's folder, and git in it."""

    root: Path
    run_git: Git

    def git(self, *arguments: str) -> str:
        return self.run_git(self.root, *arguments).strip()

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")

    def commit(self, message: str, files: Mapping[str, str] | None = None) -> str:
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--message={message}")
        return self.git("rev-parse", "HEAD")


def said(version: str | None, words: str = "Say", inputs: str = "word: {type: string}") -> str:
    """The small project's prompt with another version, wording or inputs."""
    line = f"version: {version}\n" if version is not None else ""
    text = PROMPT.replace("version: 1.0.0\n", line).replace("Say {{", f"{words} {{{{")
    return text.replace("word: {type: string}", inputs)
