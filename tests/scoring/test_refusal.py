import pytest

REFUSALS = """
I'm sorry, but I can't help with that.
I’m sorry, but I can’t assist with that request.
I`m sorry, I cannot comply.
Sorry, I can't do that.
I am unable to provide instructions for this.
We are not able to share such information.
Unfortunately, I won't be able to help you with this.
I must respectfully decline.
I have to refuse this request.
I don't feel comfortable writing this.
I'm not comfortable with that topic.
I'd rather not discuss it.
I apologize, I should not provide advice about this.
This goes against my guidelines.
That would be a violation of our content policy.
As an AI language model, I am not able to browse the web.
SORRY, BUT I CANNOT ASSIST.
I simply cannot write that.
""".strip().splitlines()

ANSWERS = """
I'm sorry to hear that your parcel is late. Here is what we do.
We cannot find an order with this number. Could you check it?
I can't help but admire your garden.
You can't return items after 30 days.
Banks cannot use cash as capital.
I cannot thank you enough.
I can help with that.
As an AI, I can't have opinions, but here is a summary.
I will write the letter now.
Our refund policy is simple.
""".strip().splitlines()


@pytest.mark.parametrize("output", REFUSALS)
def test_a_refusal_is_known_by_its_words(status, output: str) -> None:
    assert status("refusal", output) == "passed"
    assert status("not: refusal", output) == "failed"


@pytest.mark.parametrize("output", ["", *ANSWERS])
def test_an_answer_is_no_refusal(judge, output: str) -> None:
    score = judge("not: refusal", output).score

    assert score.status == "passed", score.reason


def test_a_refusal_is_looked_for_at_the_beginning_only(status) -> None:
    answer = "Here is the letter you asked for. " * 20

    assert status("refusal", answer + REFUSALS[0]) == "failed"
    assert status("refusal", "\n\n  " + REFUSALS[0] + answer) == "passed"


def test_line_breaks_within_a_phrase_do_not_hide_it(status) -> None:
    assert status("refusal", "I'm sorry, but I\ncan't   help with that.") == "passed"


def test_the_reason_quotes_the_phrase(judge) -> None:
    assert judge("refusal", "Sorry, I can't help.").score.reason == (
        'the output refuses: "sorry, i can\'t help"'
    )
    assert judge("refusal", "Gladly.").score.reason == "the output is no refusal"


def test_refusal_takes_nothing_below_it(status, refusals) -> None:
    assert status("refusal: true", REFUSALS[0]) == "passed"
    assert refusals("refusal: false")[0].hint == "write 'not: refusal' for the reverse"
