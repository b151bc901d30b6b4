"""Which of two reports about the same object counts."""

import sys

from openelb.kube.reader import Seen
from openelb.kube.shelf import Shelf
from openelb.kube.views import KeyedView
from openelb.model.cluster import ServiceKey

KEY = ServiceKey("default", "web")


def at(version: int, value: str | None, *, uid: str = "u1", name: str = "web") -> Seen[str]:
    return Seen(ServiceKey("default", name), uid, version, value, "" if value else f"wrong at {version}")


class Shelved:
    """A shelf with what a reader sees of it, and how often it called."""

    def __init__(self, *listed: Seen[str]) -> None:
        self.calls = 0
        self.view = KeyedView[str, str](lambda key: key.name)
        self.shelf = Shelf[str](self.view, self._count)
        self.shelf.listing()
        self.shelf.listed(list(listed))
        self.calls = 0

    def _count(self) -> None:
        self.calls += 1

    @property
    def unread(self) -> dict[str, str]:
        return {str(one): one.problem for one in self.shelf.unread("Service")}

    @property
    def seen(self) -> dict[str, str]:
        return dict(self.view.sheet.read())


def test_what_a_list_does_not_have_is_gone() -> None:
    shelved = Shelved(at(1, "a"), at(2, "b", name="api"))
    shelved.shelf.listed([at(2, "b", name="api")])
    assert shelved.seen == {"api": "b"}


def test_an_event_that_is_not_later_changes_nothing() -> None:
    shelved = Shelved(at(5, "present"))
    shelved.shelf.put(at(4, "past"))
    shelved.shelf.put(at(5, "again"))
    assert shelved.seen == {"web": "present"}
    assert shelved.calls == 0


def test_the_answer_to_a_write_is_seen_at_once_and_older_events_do_not_undo_it() -> None:
    shelved = Shelved(at(5, "before"))
    shelved.shelf.absorb(at(9, "written"))
    shelved.shelf.put(at(7, "in between"))
    assert shelved.seen == {"web": "written"}
    assert shelved.calls == 1


def test_an_answer_does_not_bring_back_what_was_deleted() -> None:
    shelved = Shelved(at(5, "before"))
    shelved.shelf.drop(at(8, "before"))
    shelved.shelf.absorb(at(7, "written"))
    assert shelved.seen == {}


def test_an_answer_about_a_namesake_is_ignored() -> None:
    shelved = Shelved(at(5, "second", uid="u2"))
    shelved.shelf.absorb(at(9, "written", uid="u1"))
    assert shelved.seen == {"web": "second"}


def test_an_answer_that_is_later_than_a_list_under_way_stands() -> None:
    shelved = Shelved(at(5, "before"))
    shelved.shelf.listing()
    shelved.shelf.absorb(at(9, "written"))
    shelved.shelf.listed([at(5, "before")])
    assert shelved.seen == {"web": "written"}


def test_a_list_is_believed_even_when_the_server_went_back_in_time() -> None:
    shelved = Shelved(at(50, "before the restore"))
    shelved.shelf.absorb(at(51, "written"))
    shelved.shelf.listing()
    shelved.shelf.listed([at(20, "restored")])
    assert shelved.seen == {"web": "restored"}


def test_an_object_whose_last_finalizer_we_took_off_is_hidden_until_its_deletion_arrives() -> None:
    shelved = Shelved(at(5, "being deleted"))
    shelved.shelf.absorb(at(5, None))
    assert shelved.seen == {}
    shelved.shelf.put(at(5, "being deleted"))
    assert shelved.seen == {}
    shelved.shelf.drop(at(6, "being deleted"))
    shelved.shelf.put(at(7, "made anew", uid="u2"))
    assert shelved.seen == {"web": "made anew"}


def test_the_deletion_of_a_former_object_does_not_touch_its_namesake() -> None:
    shelved = Shelved(at(9, "second", uid="u2"))
    shelved.shelf.drop(at(7, "first", uid="u1"))
    assert shelved.seen == {"web": "second"}


def test_an_object_that_cannot_be_read_stays_as_it_was_known() -> None:
    shelved = Shelved(at(5, "known"))
    shelved.shelf.put(at(6, None))
    shelved.shelf.listed([at(6, None)])
    assert shelved.seen == {"web": "known"}
    shelved.shelf.put(at(7, "readable again"))
    assert shelved.seen == {"web": "readable again"}


def test_what_was_known_of_a_former_object_is_not_said_of_its_namesake() -> None:
    shelved = Shelved(at(5, "first", uid="u1"))
    shelved.shelf.put(at(6, None, uid="u2"))
    assert shelved.seen == {}


def test_of_two_equal_copies_the_one_that_is_held_is_kept() -> None:
    held = at(5, "held")
    shelved = Shelved(held)
    assert shelved.shelf.known(at(5, "held")) is held
    for other in (
        *(at(6, "held"), at(5, "held", uid="u2"), at(5, "held", name="api")),
        *(at(5, "restored"), at(5, None)),
    ):
        assert shelved.shelf.known(other) is other


def test_what_a_restored_server_lists_at_a_version_it_had_given_before_is_believed() -> None:
    shelved = Shelved(at(50, "before the restore"))
    shelved.shelf.listing()
    shelved.shelf.listed([shelved.shelf.known(at(50, "restored, and changed since"))])
    assert shelved.seen == {"web": "restored, and changed since"}


def test_nothing_is_kept_of_an_object_that_was_written_and_is_gone() -> None:
    key = ServiceKey("default", "gone")
    unheld = sys.getrefcount(key)
    shelved = Shelved(Seen(key, "u1", 5, "before"))
    shelved.shelf.absorb(Seen(key, "u1", 9, "written"))
    shelved.shelf.drop(Seen(key, "u1", 10, "written"))
    assert shelved.seen == {}
    assert sys.getrefcount(key) == unheld


def test_what_could_not_be_read_is_taken_when_it_can_be() -> None:
    shelved = Shelved(at(5, None))
    shelved.shelf.listed([shelved.shelf.known(at(5, "readable"))])
    assert shelved.seen == {"web": "readable"}


def test_an_object_that_cannot_be_read_is_known_as_that_until_it_can_be() -> None:
    shelved = Shelved(at(5, "known"), at(5, None, name="api"))
    assert shelved.unread == {"Service default/api": "wrong at 5"}
    shelved.shelf.put(at(6, None))
    assert shelved.unread == {"Service default/api": "wrong at 5", "Service default/web": "wrong at 6"}
    shelved.shelf.put(at(7, None))
    assert shelved.unread["Service default/web"] == "wrong at 7"
    shelved.shelf.put(at(8, "readable again"))
    shelved.shelf.listed([at(8, "readable again"), at(9, "readable", name="api")])
    assert shelved.unread == {}


def test_what_is_gone_is_no_object_that_cannot_be_read() -> None:
    shelved = Shelved(at(5, None), at(5, None, name="api"))
    shelved.shelf.drop(at(6, None))
    assert shelved.unread == {"Service default/api": "wrong at 5"}
    shelved.shelf.listed([])
    assert shelved.unread == {}


def test_the_answer_to_a_write_tells_whether_an_object_can_be_read_when_it_is_the_later_one() -> None:
    shelved = Shelved(at(5, "known"))
    shelved.shelf.put(at(8, None))
    shelved.shelf.absorb(at(7, "written before"))
    assert (shelved.seen, shelved.unread) == ({"web": "written before"}, {"Service default/web": "wrong at 8"})
    shelved.shelf.absorb(at(9, "written"))
    assert (shelved.seen, shelved.unread) == ({"web": "written"}, {})
