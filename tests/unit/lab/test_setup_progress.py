"""Long work says what it does, how far it is, how long it took, and what to do when it fails."""

import io
import itertools
import sys

import pytest

from lab.progress import ProgramError, Progress, Step, StepError, label, seconds


@pytest.fixture
def out():
    return io.StringIO()


@pytest.fixture
def progress(tmp_path, out):
    return Progress(tmp_path / "setup.log", out=out, clock=itertools.count(step=61).__next__)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (23.4, "23 s"), (119, "119 s"), (120, "2 min 00 s"), (245, "4 min 05 s")],
)
def test_times_are_for_people(value, text):
    assert seconds(value) == text


def test_steps_are_numbered_among_all_of_them():
    assert label(3, 12, "building kubelet") == "[ 3/12] building kubelet"
    assert label(3, 5, "building kubelet") == "[3/5] building kubelet"


def test_a_step_of_its_own_has_no_number():
    assert label(1, 0, "building kubelet") == "building kubelet"


def test_every_step_is_shown_with_the_time_it_took(progress, out):
    progress.run([Step("first", lambda output: None), Step("second", lambda output: None)])
    assert out.getvalue() == "[1/2] first … 61 s\n[2/2] second … 61 s\n"


def test_what_programs_print_is_in_the_log_and_not_on_the_terminal(progress, out, tmp_path):
    progress.run([Step("first", lambda output: output.run([sys.executable, "-c", "print('details')"]))])
    assert "details" in (tmp_path / "setup.log").read_text()
    assert "details" not in out.getvalue()


def test_a_program_returns_what_it_wrote_on_both_channels(progress):
    program = "import sys; print('a'); print('b', file=sys.stderr, flush=True)"
    with progress.step("asking") as output:
        written = output.run([sys.executable, "-u", "-c", program])
    assert sorted(written.split()) == ["a", "b"]


def test_a_failed_step_says_which_one_why_and_what_to_do(progress, tmp_path):
    program = "import sys; [print('line', n) for n in range(50)]; sys.exit(3)"
    step = Step("building kubelet", lambda output: output.run([sys.executable, "-c", program]), "Check the network.")
    with pytest.raises(StepError) as failed:
        progress.run([step])
    message = str(failed.value)
    assert message.startswith(f"building kubelet failed: {sys.executable} ended with status 3.\n")
    assert "line 49" in message
    assert "line 30" in message
    assert "line 29" not in message
    assert str(tmp_path / "setup.log") in message
    assert message.endswith("Check the network.")


def test_no_step_is_taken_after_one_that_failed(progress):
    taken = []

    def fail(output):
        raise ProgramError("no")

    with pytest.raises(StepError):
        progress.run([Step("first", fail), Step("second", taken.append)])
    assert taken == []


def test_a_program_that_is_not_there_fails_the_step_by_name(progress):
    with pytest.raises(StepError, match="no-such-program could not be started"), progress.step("asking") as output:
        output.run(["no-such-program"])


def test_a_disk_that_is_full_fails_the_step_with_a_sentence(progress):
    def fail(output):
        raise OSError(28, "No space left on device")

    with pytest.raises(StepError, match=r"writing failed: .*No space left on device"):
        progress.run([Step("writing", fail)])
