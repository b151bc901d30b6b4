from openelb.model.findings import LONGEST_MESSAGE, Condition, Finding, Reason


def test_a_condition_tells_the_reason_and_the_sentence():
    told = Condition.of("Ready", Finding(Reason.NO_SPEAKER, "no speaker is alive"), status=False)
    assert told == Condition("Ready", False, "NoSpeaker", "no speaker is alive")


def test_when_a_condition_last_changed_is_no_part_of_what_it_says():
    assert Condition("Ready", True, "Ready", "", since="2026-01-01T00:00:00Z") == Condition("Ready", True, "Ready", "")


def test_a_message_that_the_api_server_would_refuse_is_cut_short():
    told = Condition.of("Ready", Finding(Reason.ADDRESS_INVALID, "x" * 40_000), status=False)
    assert len(told.message) == LONGEST_MESSAGE
    assert told.message.endswith("…")


def test_a_message_of_the_greatest_length_stays_whole():
    sentence = "x" * LONGEST_MESSAGE
    assert Condition.of("Ready", Finding(Reason.ADDRESS_INVALID, sentence), status=False).message == sentence
