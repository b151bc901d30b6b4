"""What a virtual machine is given as a processor, and how the end of its command is known."""

from lab.vm import ended, processor

INTEL = "flags\t\t: fpu vme vmx sse2\n"
GUEST = "flags\t\t: fpu vme sse2 hypervisor\n"


def test_a_machine_that_can_virtualize_does():
    assert "kvm" in processor(INTEL, kvm=True)


def test_a_machine_that_cannot_emulates_with_a_clock_that_counts_instructions():
    assert processor(INTEL, kvm=False) == processor(GUEST, kvm=True)
    assert "-icount" in processor(GUEST, kvm=True)


def test_the_status_of_the_command_is_the_last_that_the_console_tells(capsys):
    lines = ["booting\n", "The command ended with status 2.\n", "[ 9.1] reboot: Power down\n"]
    assert ended(lines) == 2
    assert capsys.readouterr().out == "".join(lines)


def test_a_machine_that_ends_without_a_word_has_failed():
    assert ended(["kernel panic\n"]) == 1
