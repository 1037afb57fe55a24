import pytest

SENTENCES = {
    "en": "We have issued the refund, and you will hear from your bank within a few days.",
    "de": "Wir haben die Rückerstattung veranlasst; Ihre Bank meldet sich in den nächsten Tagen.",
    "fr": "Nous avons effectué le remboursement, votre banque vous contactera sous peu.",
    "es": "Hemos realizado el reembolso y su banco se pondrá en contacto con usted pronto.",
    "ja": "返金の手続きを行いました。数日以内に銀行から連絡があります。",
    "ru": "Мы оформили возврат, и ваш банк свяжется с вами в ближайшие дни.",
}


@pytest.mark.parametrize("spoken", SENTENCES)
def test_a_language_is_told_from_the_others(status, spoken: str) -> None:
    told = {code: status(f"language: {code}", SENTENCES[spoken]) for code in SENTENCES}

    assert told == {code: "passed" if code == spoken else "failed" for code in SENTENCES}


def test_one_of_several_languages_will_do(judge) -> None:
    score = judge("language: [fr, de]", SENTENCES["de"]).score

    assert score.status == "passed"
    assert score.value > 0.9
    assert score.reason.startswith("the output is in 'de' (")


@pytest.mark.parametrize(
    "output", ["", "   ", "OK", "12 345", "a b c d", "mango,5,500|apple,4,150", "\ud800"]
)
def test_what_is_too_short_or_no_prose_is_unscored(status, output: str) -> None:
    assert status("language: en", output) == "unscored"


def test_a_long_text_is_judged_by_its_beginning(status) -> None:
    article = " ".join(f"{SENTENCES['de']} Vorgang {index} ist erledigt." for index in range(40))

    assert status("language: de", article + SENTENCES["en"] * 100_000) == "passed"


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("EN", "write 'en'"),
        ("de-AT", "write 'de'"),
        ("pt_BR", "write 'pt'"),
        ("nb", "write 'no'"),
        ("english", "known are af, am, an"),
        ("eng", "did you mean 'en'?"),
        ("zxx", "known are"),
        ("[]", "see 'llmops scorers language'"),
        ("[en, xx]", "known are"),
    ],
)
def test_an_unknown_language_is_refused(refusals, code: str, hint: str) -> None:
    fault = refusals(f"language: {code}")[0]

    assert fault.hint.startswith(hint)
    assert str(fault.at) == "suite.yaml:1:13"
