"""Goal: a reload never moves a name, and a bad file changes nothing."""
import signal

from world import Asker, hostnames, wait_until

NAMES = hostnames("sales", "risk")


def test_names_are_added_under_load(daemon):
    """Goal: not one answer wrong or lost, the new names answer, health is kept."""
    site = daemon.site
    with Asker(daemon, NAMES, {site.use1.ip}) as asker:
        for deployments in (["sales", "risk", "ml"], ["sales", "risk", "ml", "hr"], ["hr", "risk", "sales", "ml"]):
            daemon.write(site.config(site.group(deployments=deployments)))
            daemon.run("reload")
            assert daemon.verdict("use1") != "down"
            asker.goes_on()
    assert not asker.wrong and not asker.lost
    assert daemon.addresses(hostnames("ml", "hr")) == {site.use1.ip}


def test_a_bad_file_changes_nothing_and_status_says_so(daemon):
    """Goal: every mistake is named with its place; the old configuration goes on."""
    site = daemon.site
    daemon.write(site.config().replace("fall: 3", "fal: 3"))
    assert "dnsflip.yaml" in daemon.run("reload", code=1)
    reload = daemon.status()["reload"]
    assert not reload["ok"] and "fal" in reload["text"]
    assert daemon.addresses(NAMES) == {site.use1.ip}
    daemon.write(site.config())
    daemon.run("reload")
    assert daemon.status()["reload"]["ok"]


def test_a_reload_that_would_move_a_name_is_refused_with_the_difference(daemon):
    """Goal: exit 3, the name and both addresses are told, nothing moved."""
    site = daemon.site
    daemon.write(site.config().replace(f"A: [{site.use1.ip}]", f"A: [{site.net}.99]"))
    said = daemon.run("reload", code=3)
    assert NAMES[0] in said and f"{site.net}.99" in said and site.use1.ip in said
    assert daemon.addresses(NAMES) == {site.use1.ip}


def test_a_name_that_would_vanish_is_a_move_too(daemon):
    """Goal: taking a Deployment out of the file is refused, with its names."""
    site = daemon.site
    daemon.write(site.config(site.group(deployments=["sales"])))
    assert NAMES[3] in daemon.run("reload", code=3)
    assert daemon.addresses(NAMES) == {site.use1.ip}


def test_sighup_is_a_reload(daemon):
    """Goal: what service managers send works as the command does."""
    site = daemon.site
    daemon.write(site.config(site.group(deployments=["sales", "risk", "ml"])))
    daemon.process.send_signal(signal.SIGHUP)
    name = hostnames("ml")[0]
    wait_until(lambda: daemon.address(name) == site.use1.ip, "the new name answers")


def test_a_flip_right_after_a_reload_moves_old_and_new_names(daemon):
    """Goal: both pages of a hand-over are alike."""
    site = daemon.site
    daemon.write(site.config(site.group(deployments=["sales", "risk", "ml"])))
    daemon.run("reload")
    daemon.run("failover", "prod", "--reason", "test", "--override", "destination-unknown")
    assert daemon.addresses(hostnames("sales", "risk", "ml")) == {site.usw2.ip}


def test_a_change_that_takes_a_restart_is_refused_by_name(daemon):
    """Goal: a listen address that moves no name is not taken by half: nothing of the file is."""
    site = daemon.site
    daemon.write(site.config(site.group(ttl="20s")).replace(f":{site.dns[1]}\"", ":1\""))
    said = daemon.run("reload", code=1)
    assert f"providers.dns.listen: changes from {site.dns[0]}:{site.dns[1]}" in said and "takes a restart" in said
    assert daemon.ask(NAMES[0]).answer[0].ttl == 30
