"""What is made has a name derived from what it is made of."""

import pytest

from lab.cache import Cache, default_root, fingerprint, key


def test_a_key_depends_on_every_input_and_on_their_order():
    assert len({key("a", "b"), key("b", "a"), key("a"), key("ab"), key("a", "b", "")}) == 5


def test_equal_inputs_have_equal_keys():
    assert key("a", "b") == key("a", "b")


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    (root / "sub").mkdir(parents=True)
    (root / "Dockerfile").write_text("FROM scratch\n")
    (root / "sub" / "page").write_text("hello\n")
    return root


def test_a_changed_file_changes_the_fingerprint(tree):
    before = fingerprint(tree)
    (tree / "sub" / "page").write_text("hello!\n")
    assert fingerprint(tree) != before


def test_a_renamed_file_changes_the_fingerprint(tree):
    before = fingerprint(tree)
    (tree / "sub" / "page").rename(tree / "page")
    assert fingerprint(tree) != before


def test_a_file_made_executable_changes_the_fingerprint(tree):
    before = fingerprint(tree)
    (tree / "sub" / "page").chmod(0o755)
    assert fingerprint(tree) != before


def test_compiled_python_and_times_do_not_change_the_fingerprint(tree):
    before = fingerprint(tree)
    (tree / "__pycache__").mkdir()
    (tree / "__pycache__" / "page.pyc").write_bytes(b"\0")
    (tree / "Dockerfile").touch()
    assert fingerprint(tree) == before


def test_a_missing_path_counts_as_empty(tree):
    assert fingerprint(tree, tree / "absent") != fingerprint(tree)
    assert fingerprint(tree / "absent") == fingerprint(tree / "absent too")


def test_the_same_content_under_two_checkouts_has_one_fingerprint(tree, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    tree_before = fingerprint(tree)
    tree.rename(elsewhere)
    assert fingerprint(elsewhere) == tree_before


def test_the_cache_is_where_the_user_says(tmp_path):
    home = tmp_path
    assert default_root({"OPENELB_CACHE": "/big"}, home).as_posix() == "/big"
    assert default_root({"XDG_CACHE_HOME": "/xdg"}, home).as_posix() == "/xdg/openelb"
    assert default_root({}, home) == home / ".cache" / "openelb"


def test_what_is_not_finished_does_not_exist(tmp_path):
    cache, target = Cache(tmp_path), tmp_path / "images" / "nginx.tar"

    def make():
        with cache.making(target) as partial:
            partial.write_text("half")
            raise ConnectionError

    with pytest.raises(ConnectionError):
        make()
    assert not target.exists()


def test_what_a_crashed_run_left_is_replaced(tmp_path):
    cache, target = Cache(tmp_path), tmp_path / "node"
    (tmp_path / "node.partial").mkdir()
    (tmp_path / "node.partial" / "half").touch()
    with cache.making(target) as partial:
        partial.mkdir()
        (partial / "whole").touch()
    assert [each.name for each in target.iterdir()] == ["whole"]
    assert not (tmp_path / "node.partial").exists()
