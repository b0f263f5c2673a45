"""Goal: the controller's host is lost for good, with all that was on it: names go on being answered, and another
host takes over as docs/lost-host.md says, with serials that NSD, Knot and BIND follow."""
import shutil


import test_peers_transfer as peers
from dns_peers import unpack
from fakes import Network
from namespaces import Pair
from test_soak import FOLLOW_S, Story, serial
from world import ZONE, hostnames, wait_until

NEW = "198.18.53.9"
NAMES = hostnames("sales", "risk")


def story_at(folder, network, address):
    folder.mkdir()
    return Story(folder, network, address)


def say_where(net, secondaries, address, monkeypatch):
    """What an administrator does to each secondary: another primary, and a restart."""
    monkeypatch.setattr(peers, "PRIMARY", address)
    for one in secondaries:
        one.close()
        one.start(net)


def lose_and_replace(folder, net, secondaries, monkeypatch):
    network = Network()
    lost, new = story_at(folder / "lost", network, peers.PRIMARY), None
    try:
        lost.daemon.start()
        wait_until(lambda: not lost.lagging(), "the first transfer", FOLLOW_S)
        lost.flip(0)
        wait_until(lambda: not lost.lagging(), "the secondaries follow the flip", FOLLOW_S)
        last = serial(peers.PRIMARY)
        lost.daemon.kill("supervisor")
        lost.daemon.process.wait()
        shutil.rmtree(lost.daemon.folder / "state")
        # Nothing is lost for those who ask: the secondaries have it all.
        for address in peers.ADDRESSES.values():
            assert serial(address) == last

        new = story_at(folder / "new", network, NEW)
        said = new.daemon.run("init", "--active", "usw2")
        assert str(last) in said or "serial" in said
        new.daemon.start("usw2", judged=False)
        say_where(net, secondaries, NEW, monkeypatch)
        wait_until(lambda: not new.lagging(), "the secondaries follow the new host", FOLLOW_S)
        assert (serial(NEW) - last) % 2**32 < 2**31, "a serial that secondaries take"
        assert new.daemon.addresses(NAMES) == {new.site.usw2.ip}
        assert not [a for a in new.daemon.journal(kind="alarm") if a["detail"] == "diverged"]
        new.flip(1)
        wait_until(lambda: not new.lagging(), "the secondaries follow a flip of the new host", FOLLOW_S)
    finally:
        for story in (lost, new):
            if story and story.daemon.process:
                story.daemon.stop()
                print(story.daemon.log.read_text()[-6000:])
        network.close()


def test_another_host_takes_over_with_newer_serials(tmp_path, monkeypatch):
    """Goal: as above."""
    for package in peers.ADDRESSES:
        unpack(package)
    pair = Pair([peers.PRIMARY, NEW], list(peers.ADDRESSES.values()))
    secondaries = []
    try:
        for kind in (peers.Nsd, peers.Knot, peers.Bind):
            secondaries.append(kind(tmp_path, pair.b))
        pair.a.run(lose_and_replace, tmp_path, pair.b, secondaries, monkeypatch)
    finally:
        for one in secondaries:
            one.close()
        pair.close()
