"""Goal: neither a restart nor a reload moves a name unasked; what is accepted moves as an operation."""
import hashlib
import json
import os
import re
import signal
import urllib.request

import pytest

from world import Asker, free_port, hostnames, wait_until

NAMES = hostnames("sales", "risk")


def other(site):
    """A target that use1 has only in the edited file; nobody needs to be there."""
    return f"{site.net}.99"


def retargeted(site, *groups, **more):
    groups = groups or [site.group(mode="advise")]
    return site.config(*groups, **more).replace(f"A: [{site.use1.ip}]", f"A: [{other(site)}]")


def digest_in(text):
    return re.search(r"--accept ([0-9a-f]{16})", text)[1]


def pending(daemon):
    reload = daemon.status()["reload"]
    return reload["accept"] if reload and reload["pending"] else None


def restart(daemon, text=None, judged=False):
    assert daemon.stop() == 0
    if text:
        daemon.write(text)
    return daemon.start(judged=judged)


def kept(daemon):
    return daemon.folder / "state/view"


def is_kept(daemon):
    return "dnsflip_view_kept 1" in metrics(daemon)


def metrics(daemon):
    with urllib.request.urlopen(f"http://{daemon.site.http}/metrics", timeout=10) as answer:
        return answer.read().decode()


def wait_kept(daemon):
    wait_until(lambda: is_kept(daemon), "state_dir/view holds what is answered")


# ---- at start


def test_a_start_with_other_targets_answers_as_before_and_says_so(daemon):
    """Goal: an edit while dnsflip is down moves nothing; status, metrics, alarm and log tell."""
    site = daemon.site
    wait_kept(daemon)
    assert kept(daemon).stat().st_mode & 0o777 == 0o600
    restart(daemon, retargeted(site))
    assert daemon.addresses(NAMES) == {site.use1.ip}
    digest = pending(daemon)
    said = daemon.run("status")
    assert f"RETARGET PENDING {digest}" in said and NAMES[0] in said and other(site) in said
    assert "dnsflip_retarget_pending 1" in metrics(daemon)
    assert daemon.journal(kind="alarm", detail="retarget-pending")
    assert digest in daemon.log.read_text()
    # The one that runs is the one before, whole: its targets are probed.
    wait_until(daemon.is_judged, "the cluster that is answered with is judged")


def test_putting_the_file_back_ends_a_pending_retarget(daemon):
    """Goal: what was an accident is undone without a trace in the answers."""
    site = daemon.site
    wait_kept(daemon)
    restart(daemon, retargeted(site))
    assert pending(daemon)
    daemon.write(site.config())
    daemon.run("reload")
    assert not pending(daemon) and daemon.status()["reload"]["ok"]
    assert "dnsflip_retarget_pending 0" in metrics(daemon)
    assert daemon.addresses(NAMES) == {site.use1.ip}


def test_a_pending_retarget_is_accepted_as_an_operation(daemon):
    """Goal: the digest that status prints moves the names, journalled from intent to outcome."""
    site = daemon.site
    wait_kept(daemon)
    restart(daemon, retargeted(site))
    digest = pending(daemon)
    done = daemon.json("reload", "--accept", digest, "--wait", "converged")
    assert done["groups"][0]["result"]["state"] == "done"
    assert daemon.addresses(NAMES) == {other(site)}
    operation = done["groups"][0]["operation"]
    kinds = [e["kind"] for e in daemon.journal(operation=operation)]
    assert kinds.index("intent") < kinds.index("moved") < kinds.index("settled") < kinds.index("outcome")
    listed = daemon.json("operation", "list")["operations"]
    assert [(o["operation"], o["verb"], o["state"]) for o in listed] == [(operation, "reload", "done")]
    assert not pending(daemon)
    wait_kept(daemon)
    restart(daemon)
    assert daemon.addresses(NAMES) == {other(site)} and not pending(daemon)


def test_a_restarted_judge_answers_as_before_too(daemon):
    """Goal: with the pair that outlived it, kill -9 of the judge and an edited file move nothing."""
    site = daemon.site
    wait_kept(daemon)
    daemon.write(retargeted(site))
    with Asker(daemon, NAMES, {site.use1.ip}) as asker:
        daemon.kill("judge")
        wait_until(lambda: pending_or_none(daemon), "the new judge says that a retarget is pending")
        asker.goes_on()
        daemon.run("reload", code=3)
    assert not asker.wrong and not asker.lost


def pending_or_none(daemon):
    done = daemon.cli("status", "--json")
    if done.returncode != 0:
        return None
    reload = json.loads(done.stdout)["reload"]
    return reload and reload["pending"]


def test_static_records_and_names_that_are_new_are_no_move_at_start(daemon):
    """Goal: a start with a file that moves nothing takes it whole."""
    site = daemon.site
    wait_kept(daemon)
    restart(daemon, site.config(site.group(deployments=["sales", "risk", "ml"], ttl="60s"),
                                static="www IN A 192.0.2.80\n"))
    assert daemon.addresses(hostnames("ml")) == {site.use1.ip} and not pending(daemon)
    assert daemon.address("www.dr.example.test") == "192.0.2.80"


def test_after_a_flip_a_start_keeps_the_answers_of_the_new_cluster(daemon):
    """Goal: what counts is what the active cluster answers; the other one's targets may change."""
    site = daemon.site
    wait_kept(daemon)
    daemon.run("switch", "prod", "--to", "usw2")
    restart(daemon, retargeted(site))
    assert not pending(daemon) and daemon.addresses(NAMES) == {site.usw2.ip}


def test_keys_that_take_a_restart_take_effect_though_a_retarget_is_pending(daemon):
    """Goal: a changed HTTP port and a changed target: the port at once, the target when accepted."""
    site = daemon.site
    wait_kept(daemon)
    before, site.http = site.http, f"127.0.0.1:{free_port('127.0.0.1')}"
    assert before != site.http
    restart(daemon, retargeted(site))
    assert "dnsflip_retarget_pending 1" in metrics(daemon)
    daemon.run("reload", "--accept", pending(daemon))
    assert daemon.addresses(NAMES) == {other(site)}


# ---- state_dir/view


@pytest.mark.parametrize("harm", ["gone", "cut", "flipped", "newer"])
def test_without_a_usable_kept_view_an_edited_file_is_refused(daemon, harm):
    """Goal: not knowing is said, with every way out; the file of before starts, so does --accept."""
    site = daemon.site
    wait_kept(daemon)
    daemon.stop()
    whole = kept(daemon).read_bytes()
    if harm == "gone":
        kept(daemon).unlink()
    else:
        kept(daemon).write_bytes({"cut": whole[:-9], "flipped": whole[:-100] + b"\xff" + whole[-99:],
                                  "newer": whole[:8] + b"\x09" + whole[9:]}[harm])
    daemon.write(retargeted(site))
    assert daemon.launch().wait(60) == 1
    said = daemon.log.read_text()
    digest = re.search(r"dnsflip run --accept ([0-9a-f]{16})", said)[1]
    words = {"gone": "does not exist", "cut": "cut off", "flipped": "checksum", "newer": "another version"}
    assert words[harm] in said
    daemon.write(site.config())
    restart_from_dead(daemon)
    assert daemon.addresses(NAMES) == {site.use1.ip}
    daemon.stop()
    kept(daemon).unlink(missing_ok=True)
    daemon.write(retargeted(site))
    daemon.launch("--accept", digest)
    wait_until(daemon.is_serving, "the daemon serves what it was told to take")
    assert daemon.addresses(NAMES) == {other(site)}


def restart_from_dead(daemon):
    daemon.process = None
    daemon.start(judged=False)
    wait_kept(daemon)


def test_a_journal_of_a_dnsflip_that_kept_no_view_is_only_warned_about(daemon):
    """Goal: the first start after an upgrade takes the file, and says what it could not know."""
    site = daemon.site
    daemon.stop()
    kept(daemon).unlink()
    without_serials(daemon.folder / "state/journal.jsonl")
    daemon.run("audit", "verify")
    daemon.write(retargeted(site))
    daemon.start(judged=False)
    assert daemon.addresses(NAMES) == {other(site)}
    assert "no dnsflip that keeps a view ran here before" in daemon.log.read_text()


def without_serials(path):
    """The journal as a dnsflip without kept views would have written it."""
    lines, before = [], None
    for line in path.read_text().splitlines():
        line = line[:line.rindex(',"hash":')]
        if '"kind":"start"' in line:
            line = re.sub(r',"serial":\d+', "", line)
        if before:
            line = re.sub(r'"prev":"[0-9a-f]{64}"', f'"prev":"{before}"', line)
        before = hashlib.sha256((line + "}").encode()).hexdigest()
        lines.append(f'{line},"hash":"{before}"}}\n')
    path.write_text("".join(lines))


# ---- reload --accept


def test_only_what_was_shown_is_accepted(daemon):
    """Goal: another digest, or another file since: exit 6, the difference again, nothing changed."""
    site = daemon.site
    daemon.write(retargeted(site))
    digest = digest_in(daemon.run("reload", code=3))
    said = daemon.run("reload", "--accept", "0123456789abcdef", code=6)
    assert digest_in(said) == digest and NAMES[0] in said
    daemon.write(retargeted(site).replace(other(site), f"{site.net}.98"))
    said = daemon.run("reload", "--accept", digest, code=6)
    assert digest_in(said) != digest and f"{site.net}.98" in said
    assert daemon.addresses(NAMES) == {site.use1.ip}
    assert not daemon.journal(kind="intent")
    daemon.write(site.config())
    assert "nothing to accept" in daemon.run("reload", "--accept", digest, code=6)


def test_a_refused_reload_is_accepted_by_its_digest(daemon):
    """Goal: not one answer lost or wrong on the way; asking again with the same id moves nothing twice."""
    site = daemon.site
    daemon.write(retargeted(site))
    digest = digest_in(daemon.run("reload", code=3))
    with Asker(daemon, NAMES, {site.use1.ip, other(site)}) as asker:
        daemon.run("reload", "--accept", digest, "--request-id", "r1", "--wait", "converged")
        asker.goes_on()
    assert not asker.wrong and not asker.lost
    assert all(seen[-1] == other(site) for seen in asker.changes.values())
    again = daemon.json("reload", "--accept", digest, "--request-id", "r1")
    assert again["repeat"] and again["groups"][0]["group"] == "prod"
    assert len(daemon.journal(kind="intent")) == 1
    assert "another request" in daemon.run("reload", "--request-id", "r1", code=1)


def test_a_name_that_leaves_the_file_leaves_by_its_digest(daemon):
    """Goal: taking a Deployment out is a move that can be accepted."""
    site = daemon.site
    daemon.write(site.config(site.group(deployments=["sales"])))
    digest = digest_in(daemon.run("reload", code=3))
    daemon.run("reload", "--accept", digest, "--wait", "converged")
    assert daemon.addresses(hostnames("risk")) == {"NXDOMAIN"}
    assert daemon.addresses(hostnames("sales")) == {site.use1.ip}


def test_a_group_that_leaves_the_file_leaves_by_its_digest(site, make):
    """Goal: its operation ends done, though nothing is left to ask for."""
    both = [site.group(), site.group("extra", deployments=["ml"])]
    daemon = make(site, site.config(*both)).start()
    daemon.write(site.config(site.group()))
    digest = digest_in(daemon.run("reload", code=3))
    daemon.run("reload", "--accept", digest, "--wait", "accepted")
    wait_until(lambda: daemon.address(hostnames("ml")[0]) == "NXDOMAIN", "the group's names are gone")
    wait_until(lambda: daemon.journal(kind="outcome", group="extra", state="done"), "its outcome")
    assert daemon.addresses(NAMES) == {site.use1.ip}


def test_one_acceptance_moves_all_groups_or_none(site, make):
    """Goal: a held group keeps the others where they are; released, both move at once."""
    both = [site.group(), site.group("extra", deployments=["ml"])]
    daemon = make(site, site.config(*both)).start()
    daemon.run("hold", "extra", "--reason", "test")
    daemon.write(retargeted(site, *both))
    digest = digest_in(daemon.run("reload", code=3))
    assert "holds the group" in daemon.run("reload", "--accept", digest, code=3)
    names = NAMES + hostnames("ml")
    assert daemon.addresses(names) == {site.use1.ip}
    assert not daemon.journal(kind="intent")
    daemon.run("release", "extra")
    daemon.run("reload", "--accept", digest)
    assert daemon.addresses(names) == {other(site)}
    assert len(daemon.journal(kind="intent", verb="reload")) == 2


# ---- groups that a reload adds


def test_a_group_that_a_reload_adds_is_not_served_until_it_is_adopted(daemon):
    """Goal: shown and probed, not answered for; adopt serves it."""
    site = daemon.site
    daemon.write(site.config(site.group(), site.group("extra", deployments=["ml"])))
    daemon.run("reload")
    assert daemon.addresses(hostnames("ml")) == {"SERVFAIL"}
    group = daemon.group("extra")
    assert not group["adopted"] and "unadopted" in group["conditions"]
    daemon.run("adopt", "extra", "--active", "usw2")
    assert daemon.addresses(hostnames("ml")) == {site.usw2.ip}
    assert daemon.addresses(NAMES) == {site.use1.ip}


def test_a_group_is_adopted_by_the_reload_that_adds_it(daemon):
    """Goal: --group serves it from the first pair on; what cannot be adopted refuses the reload."""
    site = daemon.site
    daemon.write(site.config(site.group(), site.group("extra", deployments=["ml"])))
    assert "no group" in daemon.run("reload", "--group", "extre=use1", code=1)
    assert "no cluster" in daemon.run("reload", "--group", "extra=use9", code=1)
    assert "only a switch" in daemon.run("reload", "--group", "prod=usw2", code=6)
    daemon.run("reload", "--group", "extra=usw2")
    assert daemon.addresses(hostnames("ml")) == {site.usw2.ip}
    assert daemon.group("extra")["adopted"]


def test_names_go_over_to_a_new_group_without_a_gap(daemon):
    """Goal: with --group, names that change their group answer all the time."""
    site = daemon.site
    daemon.write(site.config(site.group(deployments=["sales"]), site.group("extra", deployments=["risk"])))
    digest = digest_in(daemon.run("reload", code=3))
    with Asker(daemon, NAMES, {site.use1.ip}) as asker:
        daemon.run("reload", "--accept", digest, "--group", "extra=use1")
        asker.goes_on()
    assert not asker.wrong and not asker.lost
    assert daemon.group("extra")["active"] == "use1"


# ---- kill -9


def test_a_judge_killed_at_any_entry_of_the_move_ends_it(site, make):
    """Goal: stopped right behind the intent, the move, the settling: the next judge finishes it."""
    daemon = make(site).start()
    for n, kind in enumerate(("intent", "moved", "settled")):
        target = f"{site.net}.{90 + n}"
        daemon.write(site.config().replace(f"A: [{site.use1.ip}]", f"A: [{target}]"))
        digest = digest_in(daemon.run("reload", code=3))
        before = len(daemon.journal(kind=kind, verb="reload"))
        judge = daemon.children()["judge"]
        daemon.call("reload", accept=digest)
        wait_until(lambda: len(daemon.journal(kind=kind, verb="reload")) > before, f"the {kind}")
        os.kill(judge, 9)
        wait_until(lambda: daemon.addresses(NAMES) == {target}, f"the names move though killed after {kind}")
        wait_until(lambda: len(daemon.journal(kind="outcome", verb="reload", state="done")) == n + 1,
                   "the operation is done")
        wait_until(daemon.is_serving, "the new judge's pair is served")
        wait_until(lambda: not pending(daemon), "nothing is pending any more")
        wait_kept(daemon)


# ---- the surviving page against the journal


def with_an_older_journal(daemon, older):
    """A judge that comes back and finds the journal as it was, while the face goes on."""
    supervisor = daemon.process
    supervisor.send_signal(signal.SIGSTOP)
    os.kill(daemon.children()["judge"], signal.SIGKILL)
    (daemon.folder / "state/journal.jsonl").write_bytes(older)
    supervisor.send_signal(signal.SIGCONT)
    wait_until(lambda: daemon.cli("status").returncode == 0 and daemon.is_serving(), "the new judge serves")


def test_a_page_that_is_wholly_another_clusters_is_diverged_until_it_is_adopted(daemon):
    """Goal: the names stay where they are; only what is served can be adopted, and epochs go on above it."""
    site = daemon.site
    older = (daemon.folder / "state/journal.jsonl").read_bytes()
    daemon.run("switch", "prod", "--to", "usw2")
    epoch = daemon.group()["epoch"]
    with Asker(daemon, NAMES, {site.usw2.ip}) as asker:
        with_an_older_journal(daemon, older)
        wait_until(lambda: "diverged" in daemon.group()["conditions"], "the group is diverged")
        assert daemon.group()["active"] == "use1"
        daemon.run("switch", "prod", "--to", "use1", code=3)
        assert "answer with usw2" in daemon.run("adopt", "prod", "--active", "use1", code=6)
        daemon.run("adopt", "prod", "--active", "usw2")
        asker.goes_on()
    assert not asker.wrong and not asker.lost
    group = daemon.group()
    assert group["active"] == "usw2" and "diverged" not in group["conditions"]
    assert group["epoch"] > epoch


def test_a_page_as_journalled_goes_on_with_epochs_above_it(daemon):
    """Goal: a journal that lost a flip there and back is no reason to stop, nor to use an epoch twice."""
    site = daemon.site
    older = (daemon.folder / "state/journal.jsonl").read_bytes()
    daemon.run("switch", "prod", "--to", "usw2")
    daemon.run("switch", "prod", "--to", "use1", "--override", "destination-unknown", "--reason", "test")
    epoch = daemon.group()["epoch"]
    with_an_older_journal(daemon, older)
    wait_until(daemon.is_judged, "nothing is in the way")
    daemon.run("switch", "prod", "--to", "usw2")
    assert daemon.group()["epoch"] > epoch
    assert daemon.addresses(NAMES) == {site.usw2.ip}


# ---- the disk under state_dir/view


def test_a_hung_disk_under_the_view_holds_up_nothing(daemon):
    """Goal: a reload, a flip and a stop go on though the view cannot be written; status and metrics tell."""
    site = daemon.site
    wait_kept(daemon)
    os.mkfifo(daemon.folder / "state/view.new")  # opening it waits for a reader
    daemon.write(site.config(site.group(deployments=["sales", "risk", "ml"])))
    daemon.run("reload")
    assert daemon.addresses(hostnames("ml")) == {site.use1.ip}
    daemon.run("failover", "prod", "--reason", "test", "--override", "destination-unknown")
    assert daemon.addresses(NAMES) == {site.usw2.ip}
    assert "dnsflip_view_kept 0" in metrics(daemon) and not daemon.status()["node"]["tilted"]
    assert daemon.stop() == 0


def test_a_view_that_cannot_be_written_is_an_alarm_and_is_tried_again(daemon):
    """Goal: the next one that works ends it."""
    site = daemon.site
    wait_kept(daemon)
    (daemon.folder / "state/view.new").mkdir()
    daemon.write(site.config(site.group(deployments=["sales", "risk", "ml"])))
    daemon.run("reload")
    wait_until(lambda: daemon.journal(kind="alarm", detail="view-not-kept"), "the alarm")
    (daemon.folder / "state/view.new").rmdir()
    daemon.write(site.config())
    daemon.run("reload", "--accept", digest_in(daemon.run("reload", code=3)))
    wait_kept(daemon)


def test_a_view_older_than_the_last_accepted_move_is_not_believed(daemon):
    """Goal: a view from a back-up must not move names back."""
    site = daemon.site
    wait_kept(daemon)
    older = kept(daemon).read_bytes()
    daemon.write(retargeted(site))
    daemon.run("reload", "--accept", digest_in(daemon.run("reload", code=3)))
    daemon.stop()
    kept(daemon).write_bytes(older)
    daemon.start(judged=False)
    assert daemon.addresses(NAMES) == {other(site)}
    daemon.stop()
    kept(daemon).write_bytes(older)
    daemon.write(site.config())
    assert daemon.launch().wait(60) == 1
    assert "older than the last accepted move" in daemon.log.read_text()


def test_a_hold_is_lifted_by_name_for_an_accepted_reload(daemon):
    """Goal: guards of a reload are overridden as those of any move."""
    site = daemon.site
    daemon.run("hold", "prod", "--reason", "test")
    daemon.write(retargeted(site))
    digest = digest_in(daemon.run("reload", code=3))
    daemon.run("reload", "--accept", digest, code=3)
    daemon.run("reload", "--accept", digest, "--override", "operator-hold", code=64)
    daemon.run("reload", "--accept", digest, "--override", "operator-hold", "--reason", "test")
    assert daemon.addresses(NAMES) == {other(site)}
    assert daemon.journal(kind="intent", verb="reload")[0]["overrides"] == ["operator-hold"]


def test_a_pending_retarget_outlives_a_judge_that_could_not_write_the_view(daemon):
    """Goal: what is answered is still known by the view of before."""
    site = daemon.site
    wait_kept(daemon)
    daemon.stop()
    os.mkfifo(daemon.folder / "state/view.new")
    daemon.write(retargeted(site))
    daemon.start(judged=False)
    digest = pending(daemon)
    judge = daemon.kill("judge")
    wait_until(lambda: daemon.children().get("judge", judge) != judge and pending_or_none(daemon), "pending again")
    assert pending(daemon) == digest
    assert daemon.addresses(NAMES) == {site.use1.ip}
