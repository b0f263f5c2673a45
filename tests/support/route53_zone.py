"""Hosted zones by Route 53's rules: what a change batch may do, in which order records are listed, and what is
answered when name servers have a change.  No input or output."""
import ipaddress
import random
import re

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

ELEMENTS_MAX, CHARACTERS_MAX, VALUE_MAX, VALUES_MAX = 1000, 32000, 4000, 400
COMMENT_MAX, SET_ID_MAX, WEIGHT_MAX, TTL_MAX = 256, 128, 255, 2147483647
TYPES = ("SOA A TXT NS CNAME MX NAPTR PTR SRV SPF AAAA CAA DS TLSA SSHFP SVCB HTTPS").split()
ADDRESS_TYPES = ("A", "AAAA", "CNAME")  # what a client needs one of
CLOUDFRONT = "Z2FDTNDATAQYW2"
POLICIES = ("weight", "failover", "region", "geo", "multivalue")


class InvalidInput(Exception):
    """A request that does not fit the API's schema."""


def name_in(text):
    """A name as stored (lower case, last dot, `\\ooo` undone) from one as a client may write it."""
    text = re.sub(r"\\([0-3][0-7]{2})", lambda m: chr(int(m.group(1), 8)), text).lower()
    text = text if text.endswith(".") else text + "."
    if len(text) > 255 or any(not 0 < len(label) < 64 for label in text[:-1].split(".")):
        raise InvalidInput(f"DomainLabelTooLong or empty label in '{text}'")
    return text


def name_out(name):
    """As the API writes it."""
    return "".join(c if re.match(r"[a-z0-9._-]", c) else f"\\{ord(c):03o}" for c in name)


def order(name):
    """Labels from the last to the first, as lists are sorted."""
    return tuple(reversed(name.rstrip(".").split(".")))


class RecordSet:
    """One resource record set; plain values that compare whole."""
    fields = ("name", "type", "set_id", "weight", "region", "geo", "failover", "multivalue", "ttl", "values", "alias",
              "health_check")

    def __init__(self, name, type, values=(), ttl=None, set_id=None, weight=None, failover=None, alias=None,
                 health_check=None, region=None, geo=None, multivalue=None):
        """values: texts; alias: (zone id, name, evaluates health); geo: XML text kept as it is."""
        self.name, self.type, self.set_id = name_in(name), type, set_id
        self.weight, self.failover, self.region, self.geo, self.multivalue = weight, failover, region, geo, multivalue
        self.values, self.ttl, self.health_check = tuple(values), ttl, health_check
        self.alias = (alias[0], name_in(alias[1]), alias[2]) if alias else None

    @property
    def key(self):
        return self.name, self.type, self.set_id

    def facts(self):
        """What a DELETE must repeat; the order of values is no fact."""
        return [sorted(self.values) if f == "values" else getattr(self, f) for f in self.fields]

    def policies(self):
        return [p for p in POLICIES if getattr(self, p) is not None]

    def label(self):
        more = f", set identifier='{self.set_id}'" if self.set_id else ""
        return f"[name='{name_out(self.name)}', type='{self.type}'{more}]"

    def check_schema(self):
        if self.type not in TYPES:
            raise InvalidInput(f"Value '{self.type}' at 'type' failed to satisfy enum value set")
        if self.alias and (self.values or self.ttl is not None):
            raise InvalidInput("Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], "
                               "or TrafficPolicyInstanceId], but found more than one")
        if not self.alias and (not self.values or self.ttl is None):
            raise InvalidInput("Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], "
                               "or TrafficPolicyInstanceId], but found none")
        if self.ttl is not None and not 0 <= self.ttl <= TTL_MAX:
            raise InvalidInput(f"TTL {self.ttl} is not within 0 .. {TTL_MAX}")
        if self.weight is not None and not 0 <= self.weight <= WEIGHT_MAX:
            raise InvalidInput(f"Weight {self.weight} is not within 0 .. {WEIGHT_MAX}")
        if self.failover not in (None, "PRIMARY", "SECONDARY"):
            raise InvalidInput(f"Failover '{self.failover}'")
        if self.set_id is not None and not 1 <= len(self.set_id) <= SET_ID_MAX:
            raise InvalidInput(f"SetIdentifier has {len(self.set_id)} characters, allowed are 1 .. {SET_ID_MAX}")
        if any(len(value) > VALUE_MAX for value in self.values):
            raise InvalidInput(f"a Value has more than {VALUE_MAX} characters")
        if len(self.policies()) > 1:
            raise InvalidInput(f"Invalid request: Expected at most one of {self.policies()}")
        if bool(self.policies()) != (self.set_id is not None):
            raise InvalidInput("Invalid request: Missing field 'SetIdentifier' or a routing policy in Change with "
                               f"{self.label()}")
        if self.failover and self.alias and not self.alias[2]:
            raise InvalidInput(f"EvaluateTargetHealth must be true for failover alias {self.label()}")


def value_problem(kind, value):
    """Why a value cannot be one of that type, or None."""
    try:
        if kind == "A":
            ipaddress.IPv4Address(value)
        elif kind == "AAAA":
            ipaddress.IPv6Address(value)
        else:
            dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text("TXT" if kind == "SPF" else kind), value,
                                origin=dns.name.root, relativize=False)
        if kind in ("TXT", "SPF") and not value.startswith('"'):
            return "Value should be enclosed in quotation marks"
    except (ValueError, dns.exception.DNSException) as error:
        return f"{error}"
    return None


class Zone:
    """records: what the API has; served: what the name servers have."""

    def __init__(self, zone_id, name, private=False, name_servers=None, accelerated=None, comment=""):
        self.id, self.name, self.private, self.comment = zone_id, name_in(name), private, comment
        self.name_servers = name_servers or [f"ns-{n}.awsdns-{n}.example" for n in (1, 2, 3, 4)]
        self.accelerated = accelerated
        self.records, self.served = {}, {}
        self.served_at = {}  # name: its served sets by key
        self.put(RecordSet(self.name, "NS", [f"{ns}." for ns in self.name_servers], 172800))
        self.put(RecordSet(self.name, "SOA", [f"{self.name_servers[0]}. awsdns-hostmaster.example.com. 1 7200 900 "
                                              "1209600 86400"], 900))

    def put(self, *records):
        """Puts records there without asking, served at once."""
        for record in records:
            self.records[record.key] = record
            self.serve({record.key: record})

    def take(self, *keys):
        for key in keys:
            self.records.pop(key, None)
            self.serve({key: None})

    def serve(self, differences):
        """The name servers get these; None = no such set."""
        for key, record in differences.items():
            here = self.served_at.setdefault(key[0], {})
            here.pop(key, None)
            self.served.pop(key, None)
            if record:
                here[key] = self.served[key] = record
            elif not here:
                del self.served_at[key[0]]

    def listed(self):
        return sorted(self.records.values(), key=lambda r: (order(r.name), r.type, r.set_id or ""))

    def after(self, changes, checks, zones):
        """The Draft after a batch of (action, RecordSet): its records, and what is wrong with it.
        checks: ids of health checks; zones: {id: Zone} for alias targets."""
        draft = Draft(self, checks, zones)
        for action, record in changes:
            draft.apply(action, record)
        draft.finish()
        return draft


class Draft:
    """A zone in the middle of a batch."""

    def __init__(self, zone, checks, zones):
        self.zone, self.checks, self.zones = zone, checks, zones
        self.records, self.problems, self.touched = dict(zone.records), [], []
        self.at = {}
        for record in self.records.values():
            self.at.setdefault(record.name, {})[record.key] = record

    def no(self, text):
        self.problems.append(text)

    def apply(self, action, record):
        there = self.records.get(record.key)
        if not (record.name == self.zone.name or record.name.endswith("." + self.zone.name)):
            self.no(f"RRSet with DNS name {name_out(record.name)} is not permitted in zone {self.zone.name}")
        elif action == "DELETE":
            self.delete(record, there)
        elif action == "CREATE" and there:
            self.no(f"Tried to create resource record set {record.label()} but it already exists")
        else:
            self.store(record, there)

    def delete(self, record, there):
        if not there:
            self.no(f"Tried to delete resource record set {record.label()} but it was not found")
        elif there.facts() != record.facts():
            self.no(f"Tried to delete resource record set {record.label()} but the values provided do not match the "
                    "current values")
        elif record.name == self.zone.name and record.type in ("NS", "SOA"):
            self.no(f"A HostedZone must contain at least one {record.type} record for the zone itself.")
        else:
            del self.records[record.key]
            del self.at[record.name][record.key]
            self.touched.append(record)

    def store(self, record, there):
        before = len(self.problems)
        self.check_values(record)
        self.check_neighbours(record)
        if record.alias:
            self.check_alias(record)
        if len(self.problems) > before:
            return
        if there:
            del self.at[record.name][record.key]
        self.records[record.key] = record
        self.at.setdefault(record.name, {})[record.key] = record
        self.touched.append(record)

    def check_values(self, record):
        for value in record.values:
            problem = value_problem(record.type, value)
            if problem:
                self.no(f"Invalid Resource Record: 'FATAL problem: {problem} encountered with '{value}''")
        if len(set(record.values)) != len(record.values):
            self.no(f"Duplicate Resource Record in {record.label()}")
        if len(record.values) > VALUES_MAX:
            self.no(f"{record.label()} has {len(record.values)} values, at most {VALUES_MAX}")
        if len(record.values) > 1 and (record.type == "CNAME" or record.weight is not None):
            self.no(f"RRSet {record.label()} may have one resource record only")

    def check_neighbours(self, record):
        where = f"with DNS name {name_out(record.name)}"
        if record.type == "CNAME" and record.name == self.zone.name:
            self.no(f"RRSet of type CNAME {where} is not permitted at apex in zone {self.zone.name}")
        for other in self.at.get(record.name, {}).values():
            if other.key == record.key:
                continue
            if "CNAME" in (other.type, record.type) and other.type != record.type:
                self.no(f"RRSet of type {record.type} {where} is not permitted as it conflicts with other records with "
                        f"the same DNS name in zone {self.zone.name}")
            elif other.type != record.type:
                continue
            elif other.policies() != record.policies():
                self.no(f"RRSet {where}, type {record.type}, SetIdentifier {record.set_id} cannot be created as other "
                        f"RRSets exist with the same name and type.")
            elif record.failover and other.failover == record.failover:
                self.no(f"RRSet {where}, type {record.type}, SetIdentifier {record.set_id}, failover {record.failover} "
                        f"cannot be created as an RRSet with the same failover exists: {other.set_id}")
        if record.health_check and record.health_check not in self.checks:
            self.no(f"NoSuchHealthCheck {record.health_check}")
        if record.failover == "PRIMARY" and not record.health_check and not record.alias:
            self.no("A non-alias primary ResourceRecordSet must have an associated health check.")

    def check_alias(self, record):
        zone_id, target, evaluates = record.alias
        if record.type in ("NS", "SOA"):
            self.no(f"{record.label()} cannot be an alias")
        if zone_id == CLOUDFRONT and evaluates:
            self.no(f"EvaluateTargetHealth cannot be set to true for CloudFront in {record.label()}")
        zone = self.zones.get(zone_id)
        if zone is None:
            return
        said = f"Tried to create an alias that targets {name_out(target)}, type {record.type} in zone {zone_id}, but"
        if not (target == zone.name or target.endswith("." + zone.name)):
            self.no(f"{said} the alias target name does not lie within the target zone")
        elif zone is not self.zone:
            self.no(f"{said} an alias to a record must be in the zone of the record")
        elif not any(r.name == target and r.type == record.type for r in self.at.get(target, {}).values()):
            self.no(f"{said} that target was not found")

    def finish(self):
        """What is a rule of the whole batch."""
        for name, kind in {(r.name, r.type) for r in self.touched if r.weight is not None}:
            ttls = {r.ttl for r in self.at[name].values() if r.type == kind and r.ttl is not None}
            if len(ttls) > 1:
                self.no(f"RRSets with DNS name {name_out(name)}, type {kind} have different TTLs: {sorted(ttls)}")


def batch_problem(changes):
    """What the limits of one request say, or None."""
    elements = characters = 0
    for action, record in changes:
        times = 2 if action == "UPSERT" else 1
        elements += times * max(1, len(record.values))
        characters += times * sum(map(len, record.values))
    if elements > ELEMENTS_MAX:
        return f"Number of records limit of {ELEMENTS_MAX} exceeded."
    if characters > CHARACTERS_MAX:
        return f"Value length limit of {CHARACTERS_MAX} characters exceeded ({characters})."
    return None


class Resolution:
    """What name servers answer from served records.  healthy(check id): the state of a health check."""

    def __init__(self, zones, healthy):
        """zones: list of Zone, all of one view."""
        self.zones, self.healthy = zones, healthy

    def zone_of(self, name):
        fit = [z for z in self.zones if name == z.name or name.endswith("." + z.name)]
        return max(fit, key=lambda z: len(z.name), default=None)

    def answer(self, name, kind):
        """(zone or None, whether the name exists, [RecordSet that answer, in order of a CNAME chain])."""
        zone = self.zone_of(name)
        if zone is None:
            return None, False, []
        at = zone.served_at
        found, asked = [], name
        for _ in range(9):
            here = at.get(asked) or self.wildcard(at, zone, asked)
            one = self.pick(here, kind, at) or self.pick(here, "CNAME", at)
            if not one:
                break
            found.append((asked, one))
            if one.type == kind or not one.values:
                break
            asked = name_in(one.values[0])
        exists = bool(at.get(name) or self.wildcard(at, zone, name)) or any(n.endswith("." + name) for n in at)
        return zone, exists, found

    @staticmethod
    def wildcard(at, zone, name):
        while name != zone.name and "." in name:
            name = name.split(".", 1)[1]
            if "*." + name in at:
                return at["*." + name]
            if name in at:
                return {}
        return {}

    def pick(self, here, kind, at, depth=0):
        """The set of that type that is answered with, aliases followed inside the zone."""
        sets = [r for r in here.values() if r.type == kind]
        if not sets or depth > 4:
            return None
        chosen = self.choose(sets, at, depth)
        if chosen.alias and chosen.alias[1] in at:
            return self.pick(at[chosen.alias[1]], kind, at, depth + 1)
        return chosen

    def is_well(self, record, at, depth):
        if record.health_check and not self.healthy(record.health_check):
            return False
        if record.alias and record.alias[2] and record.alias[1] in at:
            sets = [r for r in at[record.alias[1]].values() if r.type == record.type]
            return depth > 4 or any(self.is_well(r, at, depth + 1) for r in sets)
        return True

    def choose(self, sets, at, depth):
        well = [r for r in sets if self.is_well(r, at, depth)]
        if sets[0].failover:
            by = {r.failover: r for r in sets}
            primary, secondary = by.get("PRIMARY"), by.get("SECONDARY")
            if primary and (primary in well or secondary not in well):
                return primary
            return secondary or primary
        if sets[0].weight is not None:
            # Weight 0 is asked when no other is well; all unhealthy means all healthy.
            able = [r for r in well if r.weight > 0] or well or [r for r in sets if r.weight > 0] or sets
            return random.choices(able, [r.weight or 1 for r in able])[0]
        return random.choice(well or sets)
