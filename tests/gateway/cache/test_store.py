"""The store: found by what was asked, told apart by who asked, bounded by bytes."""

from hypothesis import given
from hypothesis import strategies as st

from devgate.directory import Instance
from devgate.gateway.cache.store import OVERHEAD, VARIANTS, Entry, Owner, Store, varies_with
from devgate.gateway.upstream.response import Framing, ResponseHead
from devgate.policy.freshness import Freshness

ANYBODY = Owner("r", "a", b"h", b"")
FRESH = Freshness(0.0, 0.0, 60.0, 0.0, revalidate=False)
INSTANCE = Instance("a", 0)


def entry(
    uri: bytes = b"/",
    body: bytes = b"",
    owner: Owner = ANYBODY,
    vary: tuple[tuple[bytes, bytes], ...] = (),
) -> Entry:
    head = ResponseHead("1.1", 200, b"OK", [(b"ETag", b'"1"')], Framing.LENGTH, len(body), True)
    return Entry(uri, owner, vary, head, (), body, FRESH, INSTANCE, 0)


def test_it_is_found_by_its_uri_and_its_owner():
    store = Store(10**6)
    kept = entry(b"/a?b")
    store.keep(kept)
    assert store.find(b"/a?b", ANYBODY, []) is kept
    assert kept.header(b"etag") == b'"1"'
    assert store.find(b"/a?c", ANYBODY, []) is None
    assert store.find(b"/a?b", ANYBODY._replace(host=b"other"), []) is None
    assert store.find(b"/a?b", ANYBODY._replace(identity=b"x"), []) is None


def test_it_is_told_apart_by_what_it_varies_with():
    store = Store(10**6)
    german = [(b"Accept-Language", b"de,  en")]
    answer = [(b"Vary", b"Accept-Language, X-None")]
    kept = entry(vary=varies_with(german, answer))
    store.keep(kept)
    assert kept.vary == ((b"accept-language", b"de,en"), (b"x-none", b""))
    assert store.find(b"/", ANYBODY, [(b"accept-language", b"de"), (b"ACCEPT-LANGUAGE", b"en")]) is kept
    assert store.find(b"/", ANYBODY, [(b"accept-language", b"fr")]) is None
    assert store.find(b"/", ANYBODY, []) is None
    assert store.holds(b"/", ANYBODY)


def test_a_newer_one_takes_the_place_of_the_same():
    store = Store(10**6)
    old, new = entry(body=b"old"), entry(body=b"new")
    store.keep(old)
    store.keep(new)
    assert len(store) == 1
    assert store.find(b"/", ANYBODY, []) is new


def test_what_was_not_used_for_longest_goes_first():
    store = Store(4 * OVERHEAD)
    one, two, three = entry(b"/1"), entry(b"/2"), entry(b"/3")
    for kept in (one, two, three):
        store.keep(kept)
    assert store.find(b"/1", ANYBODY, []) is one
    store.keep(entry(b"/4", b"x" * OVERHEAD))
    assert store.find(b"/2", ANYBODY, []) is None
    assert store.find(b"/1", ANYBODY, []) is one
    store.keep(entry(b"/huge", b"x" * 5 * OVERHEAD))
    assert store.find(b"/1", ANYBODY, []) is one
    store.resize(0)
    assert (len(store), store.size) == (0, 0)


def test_one_uri_has_a_limit_of_its_own():
    store = Store(10**9)
    for number in range(3 * VARIANTS):
        store.keep(entry(vary=((b"x", b"%d" % number),)))
    assert len(store) == VARIANTS
    assert store.find(b"/", ANYBODY, [(b"x", b"0")]) is None


def test_forgetting():
    store = Store(10**6)
    other = ANYBODY._replace(route="s")
    for uri in (b"/a/1", b"/a/2", b"/b"):
        store.keep(entry(uri))
        store.keep(entry(uri, owner=other))
    assert store.forget(b"/b") == 2
    assert store.forget(b"/b") == 0
    store.retain(lambda owner: owner.route == "r")
    assert len(store) == 2
    assert store.purge(b"/a/1") == 1
    assert store.purge() == 1
    assert store.size == 0


def test_what_is_confirmed_belongs_to_the_run_that_confirmed_it():
    store = Store(10**6)
    kept = entry()
    store.keep(kept)
    INSTANCE_2 = Instance("a", 1)
    INSTANCE_2.epoch = 7
    head = ResponseHead("1.1", 200, b"OK", [(b"ETag", b'"2"' + b"x" * 100)], Framing.LENGTH, 0, True)
    store.renew(kept, head, FRESH, INSTANCE_2)
    assert not kept.outdated
    INSTANCE_2.epoch = 8
    assert kept.outdated
    store.drop(kept)
    store.renew(kept, head, FRESH, INSTANCE_2)  # nobody minds
    assert store.size == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3000), st.booleans())))
def test_it_never_holds_more_than_it_may(steps: list[tuple[int, int, bool]]):
    store = Store(8000)
    for number, size, forget in steps:
        if forget:
            store.forget(b"/%d" % number)
        else:
            store.keep(entry(b"/%d" % number, b"x" * size))
        assert store.size == sum(kept.size for kept in store._order) <= 8000
