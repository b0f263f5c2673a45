"""NSD, Knot and BIND as secondaries: they follow every flip, catch up, and are believed."""
import shutil

import pytest

from real_secondaries import KEY_LINE, TRIES, Bind, Knot, Nsd, keyed
from secondaries import NAMES, is_followed, seen, serial_of
from world import ZONE, wait_until

ANYWAY = ("--reason", "test", "--override", "source-down", "--override", "block", "--override", "destination-unknown")
LONG_S = 60
OTHER_KEY = f"other-key:hmac-sha256:{'A' * 43}=\n"


@pytest.fixture
def real(site):
    """real(Kind, n): one of them, ended with the test."""
    made = []

    def one(kind, number):
        made.append(kind(site, number))
        return made[-1]

    yield one
    for server in made:
        server.close()


def all_three(real):
    return [real(kind, n) for n, kind in enumerate((Nsd, Knot, Bind))]


def follow(daemon, *servers):
    wait_until(lambda: is_followed(daemon, *servers), "all follow", LONG_S)
    assert {s.serial() for s in servers} == {serial_of(daemon)}


def test_all_three_follow_every_flip_by_signed_notify(site, make, real):
    servers = all_three(real)
    daemon = make(site, keyed(site, *servers)).start()
    follow(daemon, *servers)
    for to, address in (("usw2", site.usw2.ip), ("use1", site.use1.ip), ("usw2", site.usw2.ip)):
        daemon.run("switch", "prod", "--to", to, "--wait", "converged", *ANYWAY)
        # Six names over UDP and one of them over TCP, at the daemon and at each of the three.
        operation = daemon.group()["operation"]
        assert (operation["verified"], operation["asked"]) == (28, 28)
        follow(daemon, *servers)
        for server in servers:
            assert server.addresses() == {address}
    for server in servers:
        told = seen(daemon, server)["notify"]
        assert told["failures"] == 0, f"{server.package}: {told}"
    shown = daemon.run("status")
    assert shown.count("follows") == 3


def test_a_stopped_one_is_unknown_and_catches_up_when_it_is_back(site, make, real):
    away, here = real(Knot, 0), real(Nsd, 1)
    daemon = make(site, keyed(site, away, here)).start()
    follow(daemon, away, here)
    before = away.serial()
    away.close()
    daemon.run("switch", "prod", "--to", "usw2", *ANYWAY)
    follow(daemon, here)
    unknown = wait_until(lambda: seen(daemon, away)["state"] == "unknown" and seen(daemon, away), "unknown")
    assert unknown["serial"] == before and unknown["behind"] == 0
    assert "unknown" in daemon.run("status")
    away.start()
    follow(daemon, away, here)
    assert away.addresses() == {site.usw2.ip}


def test_one_with_another_key_takes_nothing_and_its_answer_says_why(site, make, real):
    server = real(Nsd, 0)
    daemon = make(site, keyed(site, server, keys=OTHER_KEY)).start(judged=False)
    wait_until(lambda: seen(daemon, server)["notify"]["detail"], "why its answer is not believed", LONG_S)
    assert "not signed with our key" in seen(daemon, server)["notify"]["detail"]
    assert seen(daemon, server)["state"] == "unknown" and server.serial() is None


@pytest.mark.parametrize("kind", (Nsd, Knot, Bind))
def test_each_is_told_with_the_key_that_it_knows(site, make, real, kind):
    server = real(kind, 0)
    daemon = make(site, keyed(site, server, keys=OTHER_KEY + KEY_LINE)).start(judged=False)
    follow(daemon, server)
    wait_until(lambda: not seen(daemon, server)["notify"]["under_way"], "it has answered")
    told = seen(daemon, server)["notify"]
    assert told["failures"] == 0 and told["detail"] is None
    daemon.write(keyed(site, server, keys=OTHER_KEY + KEY_LINE, static="www 30 IN A 192.0.2.80\n"))
    daemon.run("reload")
    follow(daemon, server)
    assert server.ask(f"www.{ZONE}", "A", TRIES).answer


def test_epochs_after_init_are_above_every_secondarys_serial(site, make, real):
    servers = [real(Nsd, 0), real(Knot, 1)]
    daemon = make(site, keyed(site, *servers)).start()
    follow(daemon, *servers)
    for to in ("usw2", "use1"):
        daemon.run("switch", "prod", "--to", to, *ANYWAY)
    follow(daemon, *servers)
    daemon.stop()
    serials = [s.serial() for s in servers]
    shutil.rmtree(site.folder / "state")
    said = daemon.run("init", "--active", "use1", "--json")
    for server, serial in zip(servers, serials):
        assert f"secondary {server.text()} has serial {serial}" in said
    daemon.start()
    assert all(e["epoch"] > max(serials) for e in daemon.journal(kind="adopt"))
    assert not daemon.group()["diverged"]
    follow(daemon, *servers)
    assert all(s.serial() > max(serials) and s.addresses() == {site.use1.ip} for s in servers)


def test_init_with_another_cluster_than_they_answer_moves_them_only_because_somebody_said_so(site, make, real):
    server = real(Nsd, 0)
    daemon = make(site, keyed(site, server)).start()
    follow(daemon, server)
    daemon.stop()
    shutil.rmtree(site.folder / "state")
    daemon.init("--active", "usw2")
    daemon.launch()
    wait_until(daemon.is_serving, "it serves")
    follow(daemon, server)
    assert server.addresses() == {site.usw2.ip} == daemon.addresses(NAMES)


@pytest.mark.parametrize("kind", (Nsd, Knot, Bind))
def test_a_restored_old_backup_does_not_flip_a_real_one_back(site, make, real, kind):
    server = real(kind, 0)
    daemon = make(site, keyed(site, server)).start()
    follow(daemon, server)
    shutil.copytree(site.folder / "state", site.folder / "backup")
    daemon.run("switch", "prod", "--to", "usw2", *ANYWAY)
    follow(daemon, server)
    daemon.stop()
    shutil.rmtree(site.folder / "state")
    shutil.copytree(site.folder / "backup", site.folder / "state")
    daemon.launch()
    wait_until(daemon.is_serving, "it serves again")
    wait_until(lambda: daemon.group()["diverged"], "the group is diverged")
    follow(daemon, server)
    assert server.addresses() == daemon.addresses(NAMES) == {site.usw2.ip}
