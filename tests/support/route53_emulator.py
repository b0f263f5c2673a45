#!/usr/bin/env python3
"""A strict Route 53 with faults to order: its API with every signature checked, and its name servers.

For tests: Route53(...) in a thread.  As a program:

  route53_emulator.py --port 8053 --zone Z1=example.test [--zone Z2=example.test,private] [--dns-port 5353]
                      [--cert FILE --key FILE] [--rate 5 --burst 20] [--insync 2] [--access-key ID --secret KEY]

While the program runs, POST /_emulator/fault with a JSON object of a Fault's members orders one, and
GET /_emulator/log shows the requests so far; neither is signed.
"""
import argparse
import collections
import dataclasses
import datetime
import hashlib
import json
import re
import ssl
import threading
import time
import urllib.parse
import urllib.request

import route53_xml as xml
from aws_account import Account, Refused
from http_fake import Answer, HttpFake
from route53_dns import NameServers
from route53_faults import BOMB, EXTERNAL, Fault, Faults
from route53_zone import (ADDRESS_TYPES, COMMENT_MAX, InvalidInput, Resolution, Zone, batch_problem, name_in,
                          name_out, order)

PAGE_MAX = 300
BODY_MAX = 8 << 20

ROUTES = [(method, re.compile("/2013-04-01/" + path), action) for method, path, action in (
    ("POST", r"hostedzone/([^/]+)/rrset/?", "ChangeResourceRecordSets"),
    ("GET", r"hostedzone/([^/]+)/rrset", "ListResourceRecordSets"),
    ("GET", r"hostedzone/([^/]+)", "GetHostedZone"),
    ("GET", r"hostedzone", "ListHostedZones"),
    ("GET", r"hostedzonesbyname", "ListHostedZonesByName"),
    ("GET", r"change/([^/]+)", "GetChange"),
    ("POST", r"healthcheck", "CreateHealthCheck"),
    ("GET", r"healthcheck", "ListHealthChecks"),
    ("GET", r"healthcheck/([^/]+)", "GetHealthCheck"),
    ("GET", r"healthcheck/([^/]+)/status", "GetHealthCheckStatus"),
)]


class Bucket:
    """The account's requests: rate a second, burst at once; rate None = all."""

    def __init__(self, rate, burst):
        self.rate, self.burst, self.tokens, self.at = rate, burst, float(burst), time.monotonic()

    def take(self, now=None):
        if self.rate is None:
            return True
        now = time.monotonic() if now is None else now
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclasses.dataclass
class Logged:
    """A request and what came of it.  changes: (action, RecordSet) of one that was done."""
    at: float
    action: str
    target: str
    zone: str = ""
    key: str = ""
    status: int = 0
    code: str = ""
    fault: str = ""
    change_id: str = ""
    comment: str = ""
    changes: tuple = ()


class Change:
    def __init__(self, change_id, zone, differences, comment, at, insync_s, submitted):
        self.id, self.zone, self.differences, self.comment = change_id, zone, differences, comment
        self.at, self.insync_at, self.submitted, self.is_insync = at, at + insync_s, submitted, False


class Route53(HttpFake):
    """zones: Zone objects.  insync_s: how long changes stay PENDING; advance() lets that time pass at once.
    busy_s: so long after a change the next of its zone is told PriorRequestNotComplete.
    rate, burst: the account's token bucket (rate None = none).
    invalid_form: "error", or "messages" for the older form of InvalidChangeBatch."""

    def __init__(self, zones, ip="127.0.0.1", port=0, context=None, account=None, insync_s=0, busy_s=0, rate=None,
                 burst=20, region="us-east-1", dns=None):
        self.zones = {z.id: z for z in zones}
        self.account = account or Account()
        self.insync_s, self.busy_s, self.region = insync_s, busy_s, region
        self.bucket, self.faults = Bucket(rate, burst), Faults()
        self.invalid_form, self.page_max = "error", PAGE_MAX
        self.lock = threading.RLock()
        self.changes, self.log, self.emptied = collections.OrderedDict(), [], []
        self.checks, self.health = collections.OrderedDict(), {}
        self.passed_s, self.serial = 0, 0
        self.name_servers = NameServers(self, *dns) if dns else None
        super().__init__(ip, port, context)

    def close(self):
        self.stop()
        if self.name_servers:
            self.name_servers.close()

    def __exit__(self, *_):
        self.close()

    def now(self):
        return self.account.now()

    # ---- what a test does to it

    def advance(self, seconds):
        """Lets time pass for changes that are PENDING."""
        with self.lock:
            self.passed_s += seconds
            self.catch_up()

    def settle(self):
        """Every change is INSYNC now."""
        with self.lock:
            for change in self.changes.values():
                change.insync_at = 0
            self.catch_up()

    def record(self, name, kind, set_id=None, zone=None):
        """The set that the API has, or None."""
        with self.lock:
            for one in [self.zones[zone]] if zone else self.zones.values():
                found = one.records.get((name_in(name), kind, set_id))
                if found:
                    return found
        return None

    def put(self, zone, *records):
        """Another writer, or the state before the test: without asking, served at once."""
        with self.lock:
            self.zones[zone].put(*records)

    def take(self, zone, *keys):
        with self.lock:
            self.zones[zone].take(*keys)

    def requests(self, *actions, code=None):
        """Logged requests of these actions (none named: all) that had that code ("" = went well)."""
        with self.lock:
            return [r for r in self.log if (not actions or r.action in actions) and code in (None, r.code)]

    def commits(self):
        """The changes that were done, in order."""
        return [r for r in self.requests("ChangeResourceRecordSets") if r.change_id]

    def over_budget(self, rate, burst):
        """How many requests came that a client with this token bucket could not have sent."""
        bucket, over = Bucket(rate, burst), 0
        bucket.at = 0  # full at the first
        for one in sorted(self.requests(), key=lambda r: r.at):
            over += not bucket.take(one.at)
        return over

    # ---- time and health

    def catch_up(self):
        now = time.monotonic() + self.passed_s
        for change in self.changes.values():
            if not change.is_insync and change.insync_at <= now:
                change.is_insync = True
                change.zone.serve(change.differences)

    def is_healthy(self, check_id, depth=0):
        """By .health (set by a test, or by probe_health), the check's own inversion and children applied."""
        config = self.checks[check_id][1]
        if config.get("Disabled") == "true":
            return True
        if config["Type"] == "CALCULATED":
            children = [c for c in config.get("ChildHealthChecks", []) if depth < 3 and self.is_healthy(c, depth + 1)]
            well = len(children) >= int(config.get("HealthThreshold", 1))
        else:
            well = self.health.get(check_id, True)
        return well != (config.get("Inverted") == "true")

    def probe_health(self):
        """Does what Route 53's checkers do, once, for the HTTP checks that name an address."""
        for check_id, (_, config) in list(self.checks.items()):
            if config["Type"] in ("HTTP", "HTTP_STR_MATCH") and config.get("IPAddress"):
                self.health[check_id] = self.probe(config)

    @staticmethod
    def probe(config):
        url = f"http://{config['IPAddress']}:{config.get('Port', 80)}{config.get('ResourcePath', '/')}"
        host = config.get("FullyQualifiedDomainName", config["IPAddress"])
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers={"Host": host}), timeout=4) as answer:
                page = answer.read(5120).decode("latin-1")
        except OSError:
            return False
        return config["Type"] == "HTTP" or config.get("SearchString", "") in page

    def answer(self, name, kind, private=False):
        """What the name servers say to a question: see Resolution.answer."""
        with self.lock:
            self.catch_up()
            view = [z for z in self.zones.values() if z.private == private]
            return Resolution(view, self.is_healthy).answer(name_in(name), kind)

    def values(self, name, kind="A", private=False):
        """The values answered, sorted; those of the last set of a CNAME chain."""
        found = self.answer(name, kind, private)[2]
        return sorted(found[-1][1].values) if found else []

    # ---- the API

    def handle(self, request):
        if request.path.startswith("/_emulator/"):
            return self.control(request)
        found = next(((a, p.fullmatch(request.path)) for m, p, a in ROUTES
                      if m == request.method and p.fullmatch(request.path)), None)
        action = found[0] if found else ""
        words = [urllib.parse.unquote(w) for w in found[1].groups()] if found else []
        zone = words[0] if "hostedzone/" in request.path and words else ""
        entry = Logged(request.at, action, request.target, zone)
        with self.lock:
            self.log.append(entry)
        fault = self.faults.take(action, zone)
        if fault:
            entry.fault = fault.kind
            if fault.kind == "before":
                fault.act(self)
            elif fault.kind in ("reset", "hang"):
                return Answer(act=fault.kind)
        answer = self.answered(request, action, words, entry, fault)
        entry.status = answer.status
        return spoilt(answer, fault, self) if fault else answer

    def answered(self, request, action, words, entry, fault):
        self.serial += 1
        request_id = f"00000000-0000-0000-0000-{self.serial:012d}"
        try:
            if len(request.body) > BODY_MAX:
                raise Refused(413, "RequestEntityTooLarge", f"more than {BODY_MAX} bytes")
            entry.key = self.account.verify(request.method, request.target, request.headers, request.body, self.region,
                                            ("route53",))
            if not action:
                raise Refused(404, "UnknownOperationException", request.target)
            if not self.bucket_allows():
                raise Refused(400, "Throttling", "Rate exceeded")
            if fault and fault.kind == "error":
                raise Refused(fault.status, fault.code, fault.message)
            query = read_query(request.query)
            with self.lock:
                self.catch_up()
                status, body = getattr(self, action)(*words, query=query, body=request.body, entry=entry)
        except Refused as no:
            entry.code = no.code
            if no.code == "InvalidChangeBatch" and self.invalid_form == "messages":
                status, body = no.status, xml.old_invalid_batch(json.loads(no.message), request_id)
            else:
                text = no.message
                if no.code == "InvalidChangeBatch":
                    text = f"[{', '.join(json.loads(text))}]"
                status, body = no.status, xml.error(no.code, text, request_id, no.status)
        except InvalidInput as no:
            entry.code = "InvalidInput"
            status, body = 400, xml.error("InvalidInput", str(no), request_id, 400)
        return Answer(status, body, headers=[("x-amzn-RequestId", request_id)])

    def bucket_allows(self):
        with self.lock:
            return self.bucket.take()

    def zone_of(self, zone_id):
        if zone_id not in self.zones:
            raise Refused(404, "NoSuchHostedZone", f"No hosted zone found with ID: {zone_id}")
        return self.zones[zone_id]

    def ListHostedZones(self, query, **_):
        return self.zone_list(sorted(self.zones.values(), key=lambda z: z.id), query)

    def zone_list(self, zones, query):
        marker, most = query.get("marker", ""), limit(query, 100)
        zones = [z for z in zones if z.id >= marker]
        more = xml.said("NextMarker", zones[most].id) if len(zones) > most else ""
        return 200, xml.document("ListHostedZonesResponse",
                                 xml.tag("HostedZones", "".join(map(xml.zone, zones[:most]))) +
                                 xml.said("Marker", marker) + xml.said("IsTruncated", bool(more)) + more +
                                 xml.said("MaxItems", most))

    def ListHostedZonesByName(self, query, **_):
        first, most = query.get("dnsname"), limit(query, 100)
        start = (order(name_in(first)), query.get("hostedzoneid", "")) if first else ((), "")
        zones = sorted(self.zones.values(), key=lambda z: (order(z.name), z.id))
        zones = [z for z in zones if (order(z.name), z.id) >= start]
        more = ""
        if len(zones) > most:
            more = xml.said("NextDNSName", name_out(zones[most].name)) + xml.said("NextHostedZoneId", zones[most].id)
        return 200, xml.document("ListHostedZonesByNameResponse",
                                 xml.tag("HostedZones", "".join(map(xml.zone, zones[:most]))) +
                                 xml.said("DNSName", first) + xml.said("HostedZoneId", query.get("hostedzoneid")) +
                                 xml.said("IsTruncated", bool(more)) + more + xml.said("MaxItems", most))

    def GetHostedZone(self, zone_id, **_):
        zone = self.zone_of(zone_id)
        if zone.private:
            more = xml.tag("VPCs", xml.tag("VPC", xml.said("VPCRegion", "us-east-1") + xml.said("VPCId", "vpc-1")))
        else:
            names = "".join(xml.said("NameServer", n) for n in zone.name_servers)
            more = xml.tag("DelegationSet", xml.tag("NameServers", names))
        return 200, xml.document("GetHostedZoneResponse", xml.zone(zone) + more)

    def ListResourceRecordSets(self, zone_id, query, **_):
        zone, most = self.zone_of(zone_id), min(limit(query, self.page_max), self.page_max)
        if "type" in query and "name" not in query or "identifier" in query and "type" not in query:
            raise InvalidInput("The input is not valid: type needs name, identifier needs type")
        start = ((), "", "")
        if "name" in query:
            start = (order(name_in(query["name"])), query.get("type", ""), query.get("identifier", ""))
        sets = [r for r in zone.listed() if (order(r.name), r.type, r.set_id or "") >= start]
        more = ""
        if len(sets) > most:
            after = sets[most]
            more = (xml.said("NextRecordName", name_out(after.name)) + xml.said("NextRecordType", after.type) +
                    xml.said("NextRecordIdentifier", after.set_id))
        return 200, xml.document("ListResourceRecordSetsResponse",
                                 xml.tag("ResourceRecordSets", "".join(map(xml.record, sets[:most]))) +
                                 xml.said("IsTruncated", bool(more)) + more + xml.said("MaxItems", most))

    def ChangeResourceRecordSets(self, zone_id, query, body, entry):
        zone = self.zone_of(zone_id)
        comment, changes = xml.read_changes(body)
        if len(comment) > COMMENT_MAX:
            raise InvalidInput(f"Comment has {len(comment)} characters, at most {COMMENT_MAX}")
        now = time.monotonic() + self.passed_s
        if any(c.zone is zone and c.at + self.busy_s > now for c in self.changes.values()):
            raise Refused(400, "PriorRequestNotComplete",
                          "The request was rejected because Route 53 was still processing a prior request.")
        missing = [r.health_check for _, r in changes if r.health_check and r.health_check not in self.checks]
        if missing:
            raise Refused(404, "NoSuchHealthCheck", f"A health check with id {missing[0]} does not exist.")
        problem = batch_problem(changes)
        draft = None if problem else zone.after(changes, self.checks, self.zones)
        problems = [problem] if problem else draft.problems
        if problems:
            raise Refused(400, "InvalidChangeBatch", json.dumps(problems))
        change = self.commit(zone, draft, comment)
        entry.change_id, entry.comment, entry.changes = change.id, comment, tuple(changes)
        return 200, xml.document("ChangeResourceRecordSetsResponse", change_info(change))

    def commit(self, zone, draft, comment):
        names = {r.name for r in draft.touched}
        differences = {r.key: draft.records.get(r.key) for r in draft.touched}
        had = {n for n, kind, _ in zone.records if n in names and kind in ADDRESS_TYPES}
        have = {n for n in had if any(k[1] in ADDRESS_TYPES for k in draft.at[n])}
        change_id = "C" + hashlib.sha256(f"{zone.id} {len(self.changes)}".encode()).hexdigest()[:20].upper()
        self.emptied += [(name, change_id) for name in had - have]
        zone.records = draft.records
        change = Change(change_id, zone, differences, comment, time.monotonic() + self.passed_s, self.insync_s,
                        self.now())
        self.changes[change_id] = change
        return change

    def GetChange(self, change_id, **_):
        if change_id not in self.changes:
            raise Refused(404, "NoSuchChange", f"Could not find resource with ID: {change_id}")
        return 200, xml.document("GetChangeResponse", change_info(self.changes[change_id]))

    def CreateHealthCheck(self, body, **_):
        reference, config = xml.read_health_check(body)
        for check_id, (its, old) in self.checks.items():
            if its == reference:
                if old != self.filled(config):
                    raise Refused(409, "HealthCheckAlreadyExists", f"caller reference {reference} is another check's")
                return 201, xml.document("CreateHealthCheckResponse", xml.health_check(check_id, old, its))
        check_id = f"00000000-0000-0000-0000-{len(self.checks) + 1:012x}"
        self.add_check(check_id, config, reference)
        return 201, xml.document("CreateHealthCheckResponse", xml.health_check(check_id, self.checks[check_id][1], reference))

    def add_check(self, check_id, config, reference=None):
        """config: {element of HealthCheckConfig: text}."""
        self.checks[check_id] = (reference or check_id, self.filled(config))

    @staticmethod
    def filled(config):
        defaults = {} if config["Type"] in ("CALCULATED", "RECOVERY_CONTROL", "CLOUDWATCH_METRIC") else {
            "Port": "443" if config["Type"].startswith("HTTPS") else "80", "RequestInterval": "30",
            "FailureThreshold": "3", "MeasureLatency": "false"}
        return defaults | {"Inverted": "false", "Disabled": "false"} | config

    def ListHealthChecks(self, query, **_):
        ids, most, marker = sorted(self.checks), limit(query, 100), query.get("marker", "")
        ids = [i for i in ids if i >= marker]
        more = xml.said("NextMarker", ids[most]) if len(ids) > most else ""
        listed = "".join(xml.health_check(i, self.checks[i][1], self.checks[i][0]) for i in ids[:most])
        return 200, xml.document("ListHealthChecksResponse",
                                 xml.tag("HealthChecks", listed) + xml.said("Marker", marker) +
                                 xml.said("IsTruncated", bool(more)) + more + xml.said("MaxItems", most))

    def check_of(self, check_id):
        if check_id not in self.checks:
            raise Refused(404, "NoSuchHealthCheck", f"A health check with id {check_id} does not exist.")
        return self.checks[check_id]

    def GetHealthCheck(self, check_id, **_):
        reference, config = self.check_of(check_id)
        return 200, xml.document("GetHealthCheckResponse", xml.health_check(check_id, config, reference))

    def GetHealthCheckStatus(self, check_id, **_):
        self.check_of(check_id)
        word = "Success: HTTP Status Code 200, OK" if self.health.get(check_id, True) else "Failure: connect timed out"
        seen = xml.tag("HealthCheckObservation", xml.said("Region", "us-east-1") + xml.said("IPAddress", "192.0.2.1") +
                       xml.tag("StatusReport", xml.said("Status", word) + xml.said("CheckedTime", stamp(self.now()))))
        return 200, xml.document("GetHealthCheckStatusResponse", xml.tag("HealthCheckObservations", seen))

    # ---- the unsigned way in of a stand-alone one

    def control(self, request):
        if request.method == "POST" and request.path == "/_emulator/fault":
            self.faults.add(Fault(**json.loads(request.body)))
            return Answer(200, "{}", "application/json")
        if request.path == "/_emulator/log":
            shown = [{k: v for k, v in vars(r).items() if k != "changes"} for r in self.requests()]
            return Answer(200, json.dumps(shown), "application/json")
        return Answer(404, "{}", "application/json")


def stamp(at):
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def change_info(change):
    return xml.tag("ChangeInfo", xml.said("Id", f"/change/{change.id}") +
                   xml.said("Status", "INSYNC" if change.is_insync else "PENDING") +
                   xml.said("SubmittedAt", stamp(change.submitted)) +
                   xml.said("Comment", change.comment or None))


def read_query(query):
    found = {}
    for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
        if name in found:
            raise InvalidInput(f"query parameter '{name}' is given twice")
        found[name] = value
    # botocore asks with empty parameters for what is not set: none.
    return {name: value for name, value in found.items() if value != ""}


def limit(query, most):
    said = query.get("maxitems", str(most))
    if not said.isdecimal() or int(said) < 1:
        raise InvalidInput(f"maxitems '{said}'")
    return min(int(said), most)


def spoilt(answer, fault, emulator):
    """The answer to a call that was done, as the fault has it."""
    bodies = {"cut-xml": answer.body[:len(answer.body) * 2 // 3], "bomb": BOMB, "external": EXTERNAL, "empty": b"",
              "html": "<html><body><h1>502 Bad Gateway</h1></body></html>"}
    if fault.kind == "after":
        fault.act(emulator)
        return answer
    if fault.kind in bodies:
        return Answer(answer.status, bodies[fault.kind], "text/html" if fault.kind == "html" else "text/xml")
    if fault.kind == "huge":
        end = answer.body.rindex(b"</")
        padding = b"<Padding>x</Padding>\n" * (fault.size_bytes // 21)
        return Answer(answer.status, answer.body[:end] + padding + answer.body[end:])
    if fault.kind == "error-after":
        return Answer(fault.status, xml.error(fault.code, fault.message, "after", fault.status))
    acts = {"reset-after": "reset", "hang-after": "hang", "truncated": "half"}
    answer.act = acts.get(fault.kind)
    answer.wait_s = fault.wait_s if fault.kind == "slow" else 0
    return answer


def read_zone(text):
    """ID=NAME[,private] of the command line."""
    name, _, how = text.partition(",")
    zone_id, _, name = name.rpartition("=")
    return Zone(zone_id or "Z" + hashlib.sha256(name.encode()).hexdigest()[:12].upper(), name, private=how == "private")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ip", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--dns-port", type=int)
    parser.add_argument("--zone", action="append", required=True, type=read_zone)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--rate", type=float)
    parser.add_argument("--burst", type=int, default=20)
    parser.add_argument("--insync", type=float, default=2)
    parser.add_argument("--access-key")
    parser.add_argument("--secret")
    said = parser.parse_args()
    context = None
    if said.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(said.cert, said.key)
    account = Account((said.access_key, said.secret)) if said.access_key else Account()
    with Route53(said.zone, said.ip, said.port, context, account, said.insync, rate=said.rate, burst=said.burst,
                 dns=(said.ip, said.dns_port) if said.dns_port else None) as emulator:
        for zone in said.zone:
            print(f"{zone.id} {zone.name}", flush=True)
        print(f"ready {emulator.url}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
