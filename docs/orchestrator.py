#!/usr/bin/env python3
"""orchestrator.py SOCKET GROUP CLUSTER RUN-ID [PROMOTE-COMMAND [ARGUMENT]...]

Promotes the database, then moves the group's names.  Run again with the same RUN-ID it goes on."""
import json, socket, subprocess, sys

if len(sys.argv) < 5:
    print(__doc__, file=sys.stderr)
    sys.exit(64)
path, group, cluster, run_id, *promote = sys.argv[1:]
if promote and subprocess.run(promote).returncode != 0:  # must be safe to repeat, as all of this is
    sys.exit("the promotion failed: no name was moved")
link = socket.socket(socket.AF_UNIX)
link.connect(path)
lines = link.makefile("rw", encoding="utf-8")

def call(method, **params):
    print(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}), file=lines, flush=True)
    answer = json.loads(lines.readline() or sys.exit("the daemon left: run this again"))
    if "error" in answer:
        print(answer["error"]["message"], file=sys.stderr)
        sys.exit(-32000 - answer["error"]["code"] if answer["error"]["code"] > -32100 else 64)
    return answer["result"]

started = call("switch", group=group, to=cluster, promoted=bool(promote), request_id=run_id)
answer = {"over": not started["operation"], "reached": True, "operation": {"state": "done", "detail": started["text"]}}
while not answer["over"]:
    answer = call("operation.wait", operation=started["operation"], level="converged", timeout="30s")
print(answer["operation"]["state"], answer["operation"].get("detail") or "", sep=": ")
sys.exit(0 if answer["reached"] else answer["operation"]["exit"])
