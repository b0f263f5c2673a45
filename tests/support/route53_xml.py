"""Route 53's XML: requests read as strictly as its schema says, answers written."""
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

from route53_zone import InvalidInput, RecordSet, name_out

NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
SET_ORDER = ("Name Type SetIdentifier Weight Region GeoLocation Failover MultiValueAnswer TTL ResourceRecords AliasTarget "
             "HealthCheckId TrafficPolicyInstanceId CidrRoutingConfig GeoProximityLocation").split()
HEALTH_CHECK_ORDER = ("IPAddress Port Type ResourcePath FullyQualifiedDomainName SearchString RequestInterval "
                      "FailureThreshold MeasureLatency Inverted Disabled HealthThreshold ChildHealthChecks EnableSNI "
                      "Regions AlarmIdentifier InsufficientDataHealthStatus RoutingControlArn").split()


def parsed(body, root):
    """The root element of a body that must be of that name."""
    try:
        tree = ET.fromstring(body)
    except ET.ParseError as error:
        raise InvalidInput(f"Invalid XML ; javax.xml.stream.XMLStreamException: {error}") from None
    if tree.tag != f"{{{NAMESPACE}}}{root}":
        raise InvalidInput(f"Invalid XML ; cvc-elt.1: Cannot find the declaration of element '{tree.tag}'.")
    return tree


def children(element, names, must=()):
    """{name: child} of an element whose children are of these names, in this order, each at most once."""
    found, last = {}, -1
    for child in element:
        name = child.tag.removeprefix(f"{{{NAMESPACE}}}")
        if name not in names or names.index(name) <= last:
            raise InvalidInput("Invalid XML ; cvc-complex-type.2.4.a: Invalid content was found starting with element "
                               f"'{name}'. One of '{names[last + 1:]}' is expected.")
        last = names.index(name)
        found[name] = child
    missing = [name for name in must if name not in found]
    if missing:
        raise InvalidInput(f"Invalid XML ; cvc-complex-type.2.4.b: element '{element.tag}' lacks '{missing[0]}'.")
    return found


def text(element):
    if element is None:
        return None
    if len(element):
        raise InvalidInput(f"Invalid XML ; cvc-type.3.1.2: '{element.tag}' must have no element children.")
    return element.text or ""


def number(element):
    said = text(element)
    if said is None:
        return None
    if not said.removeprefix("-").isdecimal() or not said.isascii():
        raise InvalidInput(f"Invalid XML ; cvc-datatype-valid.1.2.1: '{said}' is not a valid value for 'integer'.")
    return int(said)


def boolean(element):
    said = text(element)
    if said not in (None, "true", "false"):
        raise InvalidInput(f"Invalid XML ; cvc-datatype-valid.1.2.1: '{said}' is not a valid value for 'boolean'.")
    return None if said is None else said == "true"


def read_record(element):
    parts = children(element, SET_ORDER, ("Name", "Type"))
    strange = {"TrafficPolicyInstanceId", "CidrRoutingConfig", "GeoProximityLocation"} & set(parts)
    if strange:
        raise InvalidInput(f"this Route 53 does not know {sorted(strange)}")
    values = None
    if "ResourceRecords" in parts:
        values = []
        for one in parts["ResourceRecords"]:
            if one.tag != f"{{{NAMESPACE}}}ResourceRecord":
                raise InvalidInput(f"Invalid XML ; cvc-complex-type.2.4.a: '{one.tag}' in ResourceRecords")
            values.append(text(children(one, ["Value"], ["Value"])["Value"]))
    alias = None
    if "AliasTarget" in parts:
        names = ["HostedZoneId", "DNSName", "EvaluateTargetHealth"]
        target = children(parts["AliasTarget"], names, names)
        alias = (text(target[names[0]]), text(target[names[1]]), boolean(target[names[2]]))
    geo = parts.get("GeoLocation")
    record = RecordSet(text(parts["Name"]), text(parts["Type"]), values or (), number(parts.get("TTL")),
                       text(parts.get("SetIdentifier")), number(parts.get("Weight")), text(parts.get("Failover")), alias,
                       text(parts.get("HealthCheckId")), text(parts.get("Region")),
                       None if geo is None else tuple((c.tag.split("}")[1], c.text) for c in geo),
                       boolean(parts.get("MultiValueAnswer")))
    record.check_schema()
    return record


def read_changes(body):
    """(comment, [(action, RecordSet)]) of a ChangeResourceRecordSetsRequest."""
    batch = children(parsed(body, "ChangeResourceRecordSetsRequest"), ["ChangeBatch"], ["ChangeBatch"])["ChangeBatch"]
    parts = children(batch, ["Comment", "Changes"], ["Changes"])
    comment = text(parts.get("Comment")) or ""
    changes = []
    for one in parts["Changes"]:
        if one.tag != f"{{{NAMESPACE}}}Change":
            raise InvalidInput(f"Invalid XML ; cvc-complex-type.2.4.a: '{one.tag}' in Changes")
        change = children(one, ["Action", "ResourceRecordSet"], ["Action", "ResourceRecordSet"])
        action = text(change["Action"])
        if action not in ("CREATE", "DELETE", "UPSERT"):
            raise InvalidInput(f"Value '{action}' at 'action' failed to satisfy enum value set")
        changes.append((action, read_record(change["ResourceRecordSet"])))
    if not changes:
        raise InvalidInput("Invalid XML ; Changes is empty")
    return comment, changes


def tag(name, content):
    return "" if content is None else f"<{name}>{content}</{name}>"


def said(name, value):
    """One element with a text; none for None."""
    if isinstance(value, bool):
        value = str(value).lower()
    return tag(name, None if value is None else escape(str(value)))


def record(one):
    values = "".join(tag("ResourceRecord", said("Value", v)) for v in one.values) if not one.alias else None
    alias = None
    if one.alias:
        alias = (said("HostedZoneId", one.alias[0]) + said("DNSName", name_out(one.alias[1])) +
                 said("EvaluateTargetHealth", one.alias[2]))
    geo = "".join(said(name, value) for name, value in one.geo) if one.geo else None
    return tag("ResourceRecordSet", said("Name", name_out(one.name)) + said("Type", one.type) +
               said("SetIdentifier", one.set_id) + said("Weight", one.weight) + said("Region", one.region) +
               tag("GeoLocation", geo) + said("Failover", one.failover) +
               said("MultiValueAnswer", one.multivalue) + said("TTL", one.ttl) + tag("ResourceRecords", values) +
               tag("AliasTarget", alias) + said("HealthCheckId", one.health_check))


def zone(one):
    features = tag("Features", said("AcceleratedRecoveryStatus", one.accelerated)) if one.accelerated else ""
    return tag("HostedZone", said("Id", f"/hostedzone/{one.id}") + said("Name", name_out(one.name)) +
               said("CallerReference", f"made-{one.id}") +
               tag("Config", said("Comment", one.comment or None) + said("PrivateZone", one.private)) +
               said("ResourceRecordSetCount", len(one.records)) + features)


def health_check(check_id, config, reference):
    """config: {element: text, or list of texts}, written in the order of the schema."""
    inner = ""
    for name in HEALTH_CHECK_ORDER:
        value = config.get(name)
        if isinstance(value, list):
            member = "ChildHealthCheck" if name == "ChildHealthChecks" else "Region"
            inner += tag(name, "".join(said(member, v) for v in value))
        else:
            inner += said(name, value)
    return tag("HealthCheck", said("Id", check_id) + said("CallerReference", reference) +
               tag("HealthCheckConfig", inner) + said("HealthCheckVersion", 1))


def read_health_check(body):
    parts = children(parsed(body, "CreateHealthCheckRequest"), ["CallerReference", "HealthCheckConfig"],
                     ["CallerReference", "HealthCheckConfig"])
    config = {}
    for name, element in children(parts["HealthCheckConfig"], HEALTH_CHECK_ORDER, ["Type"]).items():
        config[name] = [c.text for c in element] if name in ("ChildHealthChecks", "Regions") else text(element)
    return text(parts["CallerReference"]), config


def document(name, inner):
    return f'{DECLARATION}<{name} xmlns="{NAMESPACE}">{inner}</{name}>'


def error(code, message, request_id, status):
    kind = "Sender" if status < 500 else "Receiver"
    return document("ErrorResponse", tag("Error", said("Type", kind) + said("Code", code) + said("Message", message)) +
                    said("RequestId", request_id))


def old_invalid_batch(messages, request_id):
    """The form of InvalidChangeBatch that the API's model still describes."""
    return document("InvalidChangeBatch", tag("Messages", "".join(said("Message", m) for m in messages)) +
                    said("RequestId", request_id))
