"""Functions that the tests hand to the scorer `python`."""

from llmops.domain.score import Score


def is_short(output):
    return len(output) < 40


def share_of_vowels(output):
    return sum(one in "aeiou" for one in output) / len(output)


def has_words(output, *, least):
    return len(output.split()) >= least


def same_tone(output, context):
    return context.inputs["tone"] in output


def by_name(output, *, context):
    return context.completion.model == output


def knows_row(output, context):
    return context.row is not None and context.row["label"] == output


def count_calls(output):
    return len(output) == 1 and output[0]["name"] == "refund"


def says_score(output):
    return Score.failing("too blunt", 0.25)


def breaks(output):
    return 1 / len(output[:0])


def leaves(output):
    raise SystemExit(0)


def says_nothing(output):
    return None


def says_too_much(output):
    return 7


def says_nan(output):
    return float("nan")


def is_at_most(output, most=3):
    return len(output) <= most


def by_place(output, told, /):
    return told.text == output


def by_place_and_name(output, context, /):
    return context.text == output


async def later(output):
    return True


def gives_coroutine(output):
    return later(output)


class Numpyish:
    """Looks like a numpy scalar, as far as the scorer can tell."""

    __module__ = "numpy"

    def __init__(self, value):
        self._value = value

    def item(self):
        return self._value


def numpy_bool(output):
    return Numpyish(True)


def takes_nothing():
    return True
