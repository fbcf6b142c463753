"""The cache: what is put comes back, what is damaged does not, and no trouble of the cache's becomes a build's."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import time
from pathlib import Path

import pytest

from waot import cache as cache_module
from waot.cache import Cache, cache_root, digest, size_limit

KEY = digest("key")


def entry(root: Path, kind: str = "object", key: str = KEY) -> Path:
    return root / kind / key[:2] / key


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 1000])
def test_what_is_put_comes_back(cache: Cache, data: bytes) -> None:
    assert cache.get("object", KEY) is None
    cache.put("object", KEY, data)
    assert cache.get("object", KEY) == data
    assert cache.get("image", KEY) is None
    assert cache.get("object", digest("other")) is None


def test_a_later_put_replaces(cache: Cache) -> None:
    cache.put("object", KEY, b"old")
    cache.put("object", KEY, b"new")
    assert cache.get("object", KEY) == b"new"


def test_keys_depend_on_parts_their_boundaries_and_their_types() -> None:
    keys = {digest("ab"), digest("a", "b"), digest(b"ab"), digest("ab", ""), digest(), digest(1), digest("1")}
    assert len(keys) == 7
    assert digest("a", b"b", 3, None) == digest("a", b"b", 3, None)


def test_every_single_damaged_byte_makes_a_miss_and_the_entry_goes(cache: Cache, tmp_path: Path) -> None:
    cache.put("object", KEY, b"payload")
    path = entry(tmp_path / "cache")
    good = path.read_bytes()
    for at in range(len(good)):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        assert cache.get("object", KEY) is None, at
        assert not path.exists()
    for damaged in (b"", good[:-1], good + b"x", good[:10]):
        path.write_bytes(damaged)
        assert cache.get("object", KEY) is None
        assert not path.exists()


def test_a_disabled_cache_holds_nothing() -> None:
    cache = Cache.open(enabled=False)
    cache.put("object", KEY, b"x")
    assert cache.get("object", KEY) is None
    assert not cache.enabled
    assert cache.directory("zig").is_dir()
    cache.clear()


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WAOT_CACHE_DIR", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_root() == tmp_path / "own"
    monkeypatch.setenv("WAOT_CACHE_DIR", "")
    assert cache_root() == tmp_path / "xdg" / "waot"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_root() == tmp_path / ".cache" / "waot"
    monkeypatch.setenv("HOME", str(tmp_path / "missing"))
    assert cache_root() is None


def test_without_a_home_nothing_is_kept_and_one_warning_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("WAOT_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "missing"))
    cache = Cache.open()
    cache.put("object", KEY, b"x")
    assert cache.get("object", KEY) is None
    assert cache.directory("zig").is_dir()
    warning = capfd.readouterr().err
    assert warning.count("\n") == 1
    assert "WAOT_CACHE_DIR" in warning
    assert not (tmp_path / "missing").exists()


def test_a_directory_that_cannot_be_made_costs_one_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("WAOT_CACHE_DIR", str(tmp_path / "file" / "cache"))
    cache = Cache.open()
    cache.put("object", KEY, b"x")
    cache.put("object", KEY, b"x")
    assert cache.get("object", KEY) is None
    warning = capfd.readouterr().err
    assert warning.count("\n") == 1
    assert "cannot be used: Not a directory" in warning


def test_a_full_disk_costs_one_warning_and_leaves_nothing(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    cache.put("object", KEY, b"kept")

    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    cache.put("object", digest("a"), b"lost")
    cache.put("object", digest("b"), b"lost")
    warning = capfd.readouterr().err
    assert warning.count("\n") == 1
    assert "No space left on device" in warning
    assert cache.get("object", KEY) == b"kept"
    assert cache.get("object", digest("a")) is None
    assert list((tmp_path / "cache").rglob(".new-*")) == []


def test_the_entries_used_longest_ago_are_pruned(tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit=100_000)
    keys = [digest(number) for number in range(8)]
    for age, key in enumerate(keys):
        cache.put("object", key, bytes(20_000))
        if entry(tmp_path, key=key).exists():
            os.utime(entry(tmp_path, key=key), (1000 + age, 1000 + age))
    for age, key in enumerate(keys):  # whatever was pruned on the way, start from all of them
        if not entry(tmp_path, key=key).exists():
            Cache(tmp_path, limit=1 << 40).put("object", key, bytes(20_000))
            os.utime(entry(tmp_path, key=key), (1000 + age, 1000 + age))
    assert cache.get("object", keys[0]) is not None  # used now
    cache.prune()
    left = [key for key in keys if entry(tmp_path, key=key).exists()]
    assert left == [keys[0], *keys[5:]]


def test_the_limit_is_kept_as_entries_come(tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit=4 << 20)
    for number in range(100):
        cache.put("object", digest(number), bytes(200 << 10))
    assert cache.info().bytes <= (4 << 20) * 17 // 16 + (200 << 10)
    assert cache.info().entries > 10
    assert cache.get("object", digest(99)) is not None


def test_pruning_removes_what_killed_processes_left(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("object", KEY, b"x")
    old, new = (entry(tmp_path).with_name(f".new-{name}") for name in ("old", "new"))
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    long_ago = time.time() - 2 * 3600
    os.utime(old, (long_ago, long_ago))
    cache.prune()
    assert not old.exists()
    assert new.exists()
    assert cache.get("object", KEY) == b"x"


@pytest.mark.parametrize(("text", "limit"), [("", 2 << 30), ("1M", 1 << 20), ("4GiB", 4 << 30)])
def test_the_limit_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, text: str, limit: int) -> None:
    monkeypatch.setenv("WAOT_CACHE_SIZE", text)
    assert size_limit() == (limit, None)


def test_a_limit_that_is_no_size_is_complained_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAOT_CACHE_SIZE", "much")
    limit, complaint = size_limit()
    assert limit == cache_module.DEFAULT_LIMIT
    assert complaint is not None
    assert "WAOT_CACHE_SIZE" in complaint


def test_clearing_removes_what_the_cache_made_and_nothing_else(cache: Cache, tmp_path: Path) -> None:
    root = tmp_path / "cache"
    cache.put("object", KEY, b"x")
    (cache.directory("zig") / "file").write_text("x")
    (root / "mine.txt").write_text("not the cache's")
    (root / "notes").mkdir()
    (root / "notes" / "a.txt").write_text("not the cache's")
    cache.clear()
    assert cache.info().entries == 0
    assert cache.info().tools_bytes == 0
    assert sorted(path.name for path in root.iterdir()) == ["mine.txt", "notes"]
    assert (root / "notes" / "a.txt").exists()
    cache.put("object", KEY, b"x")
    assert cache.get("object", KEY) == b"x"


def test_info_counts_by_kind(cache: Cache) -> None:
    cache.put("object", digest("a"), bytes(10))
    cache.put("object", digest("b"), bytes(10))
    cache.put("image", digest("a"), bytes(10))
    info = cache.info()
    assert info.entries == 3
    assert {kind: entries for kind, (entries, _) in info.kinds.items()} == {"image": 1, "object": 2}
    assert info.bytes == sum(size for _, size in info.kinds.values())


def test_a_copy_for_a_worker_uses_the_same_directory_in_silence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cache = Cache(tmp_path / "cache")
    cache.put("object", KEY, b"x")
    assert pickle.loads(pickle.dumps(cache)).get("object", KEY) == b"x"
    (tmp_path / "file").write_text("")
    pickle.loads(pickle.dumps(Cache(tmp_path / "file"))).put("object", KEY, b"x")
    assert capfd.readouterr().err == ""


def _hammer(root: str, seed: int) -> int:
    """Puts and gets the same few keys as others do, in a cache that prunes; counts wrong answers."""
    cache = Cache(Path(root), limit=1 << 20)
    wrong = 0
    for round_ in range(60):
        number = (round_ * 7 + seed) % 10
        key, data = digest(number), bytes([number]) * 100_000
        cache.put("object", key, data)
        wrong += cache.get("object", key) not in (data, None)
    return wrong


def test_processes_may_share_a_cache(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert pool.starmap(_hammer, [(str(tmp_path), seed) for seed in range(3)]) == [0, 0, 0]
