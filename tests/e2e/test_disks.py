"""Goal: whatever the disk under state_dir does, answers go on, and nothing moves that is not recorded."""
import json

from world import hostnames, wait_until

NAMES = hostnames("sales", "risk")


def with_node(site, lines):
    """The ordinary configuration with further keys of node."""
    return site.config().replace("node:\n", f"node:\n  {lines}\n", 1)


def files(daemon):
    return sorted(path.name for path in (daemon.folder / "state").glob("journal*.jsonl"))


def test_a_journal_that_has_grown_goes_on_in_a_new_file(site, make):
    """Goal: a start reads the last file and knows all; audit sees one chain over all of them."""
    daemon = make(site, with_node(site, "journal_file_size: 64KiB")).start()
    daemon.run("failover", "prod", "--reason", "test", "--request-id", "the-one")
    operation = daemon.group()["operation"]["operation"]
    while len(files(daemon)) < 3:
        reply = daemon.call("hold", group="prod", reason="x" * 250)
        assert "result" in reply, reply
        daemon.call("release", group="prod")
    assert files(daemon)[0] == "journal-000000000001.jsonl" and files(daemon)[-1] == "journal.jsonl"
    daemon.run("hold", "prod", "--reason", "the last word")
    daemon.kill("judge")
    wait_until(daemon.is_serving, "the next judge serves")
    group = daemon.group()
    assert group["active"] == "usw2" and group["hold"]["reason"] == "the last word"
    assert next(c for c in group["clusters"] if c["name"] == "use1")["fenced"]
    assert daemon.addresses(NAMES) == {site.usw2.ip}
    assert operation in daemon.run("operation", "list")
    assert "done before" in daemon.run("failover", "prod", "--reason", "test", "--request-id", "the-one")
    found = daemon.json("audit", "verify")
    assert found["files"] >= 3 and found["first_seq"] == 1 and found["last_seq"] == found["entries"]
    shown = [json.loads(line) for line in daemon.cli("audit", "show", "--json").stdout.splitlines()]
    kinds = [entry["kind"] for entry in shown]
    assert kinds[0] == "init" and kinds.count("rotated") == found["files"] - 1
    assert not any(kind.startswith("kept") for kind in kinds)
    daemon.stop()
