"""Scenes in which pyxs talks to the server; `pyxs.rs` runs each of them.

    pyxs.py SCENE DOM0-SOCKET GUEST-SOCKET

The guest is domain 5 and owns /local/domain/5. Every function whose name does not begin with an
underscore is a scene; it ends without an exception if all was well.
"""

import errno
import sys
import threading

from pyxs import Client
from pyxs.exceptions import PyXSError

_, _SCENE, _DOM0, _GUEST = sys.argv


def _dom0():
    return Client(unix_socket_path=_DOM0)


def _guest():
    return Client(unix_socket_path=_GUEST)


def _fails(number, call, *arguments):
    """The call has to fail with this errno."""
    try:
        result = call(*arguments)
    except PyXSError as error:
        assert error.args[0] == number, (error.args, errno.errorcode[number])
    else:
        raise AssertionError("%r instead of %s" % (result, errno.errorcode[number]))


def _next(monitor):
    """The path and token of the next event; the caller of the script has the patience."""
    return tuple(next(monitor.wait()))


def _nothing(monitor, client):
    """No event is under way: a reply comes after all events that came before it."""
    client.get_domain_path(0)
    assert monitor.events.empty(), monitor.events.get()


def nodes_come_and_go():
    with _dom0() as c:
        c[b"/a/b/c"] = b"deep"
        assert c[b"/a/b/c"] == b"deep" and c[b"/a/b"] == b""
        c.mkdir(b"/a/d")
        c.mkdir(b"/a/d")
        assert c.list(b"/a") == [b"b", b"d"]
        assert c.list(b"/a/d") == []
        assert c.exists(b"/a/d") and not c.exists(b"/a/q")
        assert c.read(b"/a/q", b"default") == b"default"
        assert list(c.walk(b"/a")) == [
            (b"/a", b"", [b"b", b"d"]),
            (b"/a/b", b"", [b"c"]),
            (b"/a/b/c", b"deep", []),
            (b"/a/d", b"", []),
        ]
        c.delete(b"/a/b")
        c.delete(b"/a/b")  # a node that is gone may go again, below one that is there
        assert c.list(b"/a") == [b"d"]
        assert c.get_domain_path(7) == b"/local/domain/7"
        c[b"relative"] = b"below the domain"
        assert c[b"/local/domain/0/relative"] == b"below the domain"


def values_of_any_text():
    with _dom0() as c:
        # The client itself sends nothing but printable ASCII.
        every = bytes(range(0x20, 0x7F))
        c[b"/v"] = every
        assert c[b"/v"] == every
        c[b"/v"] = b"x" * (4096 - len(b"/v\0"))
        assert len(c[b"/v"]) == 4093
        c[b"/v"] = b""
        assert c[b"/v"] == b""


def errors_have_their_names():
    with _dom0() as c:
        _fails(errno.ENOENT, c.read, b"/q")
        _fails(errno.ENOENT, c.list, b"/q")
        _fails(errno.ENOENT, c.delete, b"/q/q")
        _fails(errno.ENOENT, c.get_perms, b"/q")
        _fails(errno.ENOENT, c.set_perms, b"/q", [b"n0"])
        _fails(errno.EINVAL, c.delete, b"/local/domain/0/" + b"x" * 2049)
        _fails(errno.EINVAL, c.get_domain_path, "x")
        _fails(errno.ENOENT, c.monitor().unwatch, b"/q", b"token")
        c.tx_id = 77
        _fails(errno.ENOENT, c.read, b"/")
        _fails(errno.ENOENT, c.commit)
        assert c.tx_id == 0
        for number in range(1000):
            c.mkdir(b"/many/child-%d" % number)
        _fails(errno.E2BIG, c.list, b"/many")
        with c.monitor() as m:
            m.watch(b"/a", b"token")
            _fails(errno.EEXIST, m.watch, b"/a", b"token")


def permissions_hold():
    with _dom0() as c, _guest() as guest:
        c[b"/s"] = b"secret"
        assert c.get_perms(b"/s") == [b"n0"]
        _fails(errno.EACCES, guest.read, b"/s")
        _fails(errno.EACCES, guest.write, b"/s", b"mine")
        c.set_perms(b"/s", [b"n0", b"r5"])
        assert c.get_perms(b"/s") == [b"n0", b"r5"]
        assert guest[b"/s"] == b"secret"
        _fails(errno.EACCES, guest.write, b"/s", b"mine")
        _fails(errno.EACCES, guest.set_perms, b"/s", [b"b5"])
        c.set_perms(b"/s", [b"n0", b"b5"])
        guest[b"/s"] = b"mine"
        assert c[b"/s"] == b"mine"
        guest[b"own"] = b"1"
        assert c.get_perms(b"/local/domain/5/own") == [b"n5"]
        guest.set_perms(b"own", [b"n5", b"r7"])
        _fails(errno.EPERM, guest.set_perms, b"own", [b"n7"])
        _fails(errno.EACCES, guest.introduce_domain, 9, 1, 1)
        with guest.monitor() as m:
            m.watch(b"/hidden", b"t")
            assert _next(m) == (b"/hidden", b"t")
            c[b"/hidden/x"] = b"1"
            _nothing(m, guest)


def a_transaction_commits_as_a_whole():
    with _dom0() as c, _dom0() as other:
        assert c.transaction() > 0
        _fails(errno.EALREADY, c.transaction)  # the client's own rule
        c[b"/t/a"] = b"1"
        c[b"/t/b"] = b"2"
        assert c[b"/t/a"] == b"1"
        assert not other.exists(b"/t")
        assert c.commit() is True
        assert other.list(b"/t") == [b"a", b"b"]


def a_rollback_leaves_nothing():
    with _dom0() as c:
        c.transaction()
        c[b"/t/a"] = b"1"
        c.rollback()
        assert not c.exists(b"/t")


def the_later_commit_is_told_to_try_again():
    with _dom0() as c, _dom0() as other:
        c[b"/count"] = b"0"
        attempts = 0
        while True:
            attempts += 1
            c.transaction()
            count = int(c[b"/count"])
            if attempts <= 3:
                other[b"/count"] = b"%d" % (count + 10)
            c[b"/count"] = b"%d" % (count + 1)
            if c.commit():
                break
            assert attempts <= 3
        assert (attempts, c[b"/count"]) == (4, b"31")
        # One that touched other nodes does not mind; a new child changes the node above it.
        c.mkdir(b"/mine")
        c.transaction()
        c[b"/mine/x"] = b"1"
        other[b"/theirs"] = b"1"
        assert c.commit() is True
        c.transaction()
        c[b"/new"] = b"1"
        other[b"/newer"] = b"1"
        assert c.commit() is False


def several_transactions_on_one_connection():
    with _dom0() as c:
        first, second = Client(router=c.router), Client(router=c.router)
        assert first.transaction() != second.transaction()
        first[b"/p/x"] = b"first"
        second[b"/p/x"] = b"second"
        assert (first[b"/p/x"], second[b"/p/x"]) == (b"first", b"second")
        assert not c.exists(b"/p")
        assert second.commit() is True
        assert first.commit() is False
        assert c[b"/p/x"] == b"second"


def counters_lose_no_count():
    def count():
        with _dom0() as c:
            for _ in range(25):
                while True:
                    c.transaction()
                    c[b"/count"] = b"%d" % (int(c[b"/count"]) + 1)
                    if c.commit():
                        break

    with _dom0() as c:
        c[b"/count"] = b"0"
        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert c[b"/count"] == b"100"


def a_watch_fires_at_once_and_for_changes():
    with _dom0() as c, _dom0() as other, c.monitor() as m:
        m.watch(b"/w", b"token")
        assert _next(m) == (b"/w", b"token")  # though there is no such node
        other[b"/w/x/y"] = b"1"
        assert _next(m) == (b"/w/x/y", b"token")
        other.set_perms(b"/w/x", [b"n0", b"r5"])
        assert _next(m) == (b"/w/x", b"token")
        other[b"/elsewhere"] = b"1"
        _nothing(m, c)
        m.unwatch(b"/w", b"token")
        other[b"/w/x/y"] = b"2"
        _nothing(m, c)


def a_relative_watch_is_told_relatively():
    with _dom0() as c, _guest() as guest, guest.monitor() as m:
        m.watch(b"device", b"mine")
        assert _next(m) == (b"device", b"mine")
        c[b"/local/domain/5/device/vif/0/state"] = b"4"
        c.set_perms(b"/local/domain/5/device/vif/0/state", [b"n5"])
        assert _next(m) == (b"device/vif/0/state", b"mine")


def events_wait_for_the_commit():
    with _dom0() as c, _dom0() as other, other.monitor() as m:
        m.watch(b"/w", b"t")
        assert _next(m) == (b"/w", b"t")
        c.transaction()
        c[b"/w/b"] = b"1"
        c[b"/w/a"] = b"1"
        c[b"/w/b"] = b"2"
        _nothing(m, other)
        assert c.commit() is True
        assert [_next(m), _next(m)] == [(b"/w/b", b"t"), (b"/w/a", b"t")]
        _nothing(m, other)
        c.transaction()
        c[b"/w/never"] = b"1"
        c.rollback()
        _nothing(m, other)


def removals_are_told():
    with _dom0() as c, _dom0() as other, other.monitor() as m:
        c[b"/w/dir/x"] = b"1"
        m.watch(b"/w", b"above")
        m.watch(b"/w/dir/x", b"exact")
        assert {_next(m), _next(m)} == {(b"/w", b"above"), (b"/w/dir/x", b"exact")}
        c.delete(b"/w/dir")
        assert {_next(m), _next(m)} == {(b"/w/dir", b"above"), (b"/w/dir/x", b"exact")}
        _nothing(m, other)


def special_watches_tell_of_domains():
    with _dom0() as c, c.monitor() as m:
        m.watch(b"@introduceDomain", b"in")
        m.watch(b"@releaseDomain", b"out")
        # Both say so at once, as every watch does.
        assert {_next(m), _next(m)} == {(b"@introduceDomain", b"in"), (b"@releaseDomain", b"out")}
        assert not c.is_domain_introduced(9)
        c.introduce_domain(9, 1, 1)
        assert _next(m) == (b"@introduceDomain", b"in")
        assert c.is_domain_introduced(9)
        Client.SU = True  # otherwise the client does not ask outside a dom0
        c.release_domain(9)
        assert _next(m) == (b"@releaseDomain", b"out")
        assert not c.is_domain_introduced(9)
        _fails(errno.ENOENT, c.release_domain, 9)


def several_clients_hear_the_same():
    clients = [_dom0() for _ in range(10)]
    monitors = []
    for number, client in enumerate(clients):
        client.connect()
        monitors.append(client.monitor())
        monitors[-1].watch(b"/shared", b"token-%d" % number)
        assert _next(monitors[-1]) == (b"/shared", b"token-%d" % number)
    for number, client in enumerate(clients):
        path = b"/shared/%d" % number
        client[path] = b"1"
        for listener, monitor in enumerate(monitors):
            assert _next(monitor) == (path, b"token-%d" % listener)
    assert len(clients[0].list(b"/shared")) == 10
    for client in clients:
        client.close()


globals()[_SCENE]()
