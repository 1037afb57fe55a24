"""The talk of a review: an item shown, a key read, what it means done, and the end said."""

import os
import sys
from collections.abc import Sequence
from typing import Final

from llmops.cli.telling.run import relative
from llmops.cli.terminal.keyboard import ReadKey, keys
from llmops.reporting.review import print_sample
from llmops.reporting.terminal import Screen, make_screen
from llmops.reporting.wording import plural, short_id
from llmops.workflows.review import Item, Review

_INTERRUPTED: Final = 130
_NOTHING: Final = 5
_SHOWN: Final = 20
_KEYS: Final = (
    ("a", "accept: it becomes the baseline"),
    ("l", "accept it and all that changed like it"),
    ("r", "reject: the baseline stays as it is"),
    ("s", "skip: decide another time"),
    ("d", "show every line of it"),
    ("q", "quit; what was accepted is kept"),
    ("?", "this list"),
)


def review_one_by_one(review: Review) -> int:
    """Walk through a review with the person at the terminal.

    Returns:
        The exit code: 130 when the person went away in the middle, 5 when nothing could be shown
        for want of a verdict, else 0.
    """
    screen = make_screen(sys.stdout, os.environ)
    _print_opening(review, screen)
    if not review.items:
        return _NOTHING if review.without_verdict else 0
    code = 0
    try:
        with keys(sys.stdin) as read_key:
            _walk(review, read_key, screen)
    except (KeyboardInterrupt, EOFError):
        screen.line()
        code = _INTERRUPTED
    _print_ending(review, screen)
    return code


def _walk(review: Review, read_key: ReadKey, screen: Screen) -> None:
    total = len(review.items)
    while left := review.open_items():
        item = left[0]
        _print_item(item, total - len(left) + 1, total, screen)
        if not _decide(review, item, read_key, screen):
            return


def _decide(review: Review, item: Item, read_key: ReadKey, screen: Screen) -> bool:
    """Ask until something is decided; False to quit."""
    alike = review.like(item)
    while True:
        key = _ask(len(alike), read_key, screen)
        if key == "q":
            return False
        if key == "d":
            _print_samples(item, screen, whole=True)
        elif key == "r":
            review.reject(item)
            return True
        elif key == "s":
            review.skip(item)
            return True
        elif key in {"a", "l"}:
            chosen = [item] if key == "a" else alike
            if _is_meant(item, len(chosen), read_key, screen):
                review.accept(chosen)
                return True
        else:
            _print_keys(screen)


def _ask(alike: int, read_key: ReadKey, screen: Screen) -> str:
    like = f" · l accept {alike:,} like it" if alike > 1 else ""
    screen.line((f"   a accept{like} · r reject · s skip · d all lines · q quit · ?", "bold"))
    return read_key()


def _is_meant(item: Item, count: int, read_key: ReadKey, screen: Screen) -> bool:
    """What failed is accepted only when the person says so twice."""
    if item.after.status == "passed":
        return True
    what = "it" if count == 1 else plural(count, "result")
    screen.line((f"   it failed: press y to accept {what} all the same", "bold yellow"))
    return read_key() == "y"


def _print_opening(review: Review, screen: Screen) -> None:
    new = sum(item.before is None for item in review.items)
    changed = len(review.items) - new
    words = f"run {short_id(review.run)} · {changed:,} changed · {new:,} new"
    screen.line((words, "bold"))
    titles = [f"{one.title}  {one.status}" for one in review.without_verdict]
    _print_some("no verdict, not to be approved:", titles, screen)
    _print_some(
        "no suite asks for it any more; 'llmops approve --prune' deletes it:",
        review.unreferenced,
        screen,
    )
    if not review.items:
        rest = "nothing else" if review.without_verdict else "nothing"
        screen.line(f"{rest} differs from what was approved")


def _print_item(item: Item, number: int, total: int, screen: Screen) -> None:
    screen.line()
    screen.line((f" [{number:,}/{total:,}] ", "cyan"), (item.after.title, "bold"))
    _print_samples(item, screen, whole=False)


def _print_samples(item: Item, screen: Screen, *, whole: bool) -> None:
    several = len(item.after.samples) > 1 or len(item.samples) > 1
    for sample in item.samples:
        if several:
            screen.line((f"   sample {sample.number + 1}", "cyan"))
        print_sample(sample.before, sample.after, sample.diff, screen, whole=whole)


def _print_keys(screen: Screen) -> None:
    for key, meaning in _KEYS:
        screen.line(f"   {key}  {meaning}")


def _print_ending(review: Review, screen: Screen) -> None:
    screen.line()
    _print_some("accepted:", [relative(path) for path in review.accepted], screen)
    _print_some("rejected:", [item.after.title for item in review.rejected], screen)
    left = len(review.items) - len(review.accepted) - len(review.rejected)
    words = f"{len(review.accepted):,} accepted · {len(review.rejected):,} rejected · {left:,} open"
    screen.line((words, "bold"))
    if review.accepted:
        screen.line("commit the files to approve of them for everybody")


def _print_some(heading: str, things: Sequence[str], screen: Screen) -> None:
    for thing in things[:_SHOWN]:
        screen.line(f"{heading} {thing}")
    if len(things) > _SHOWN:
        screen.line(f"{heading} {len(things) - _SHOWN:,} more")
