"""An ARC cluster of five regional endpoints on loopback: one state for all, signatures verified, one transaction a
change, safety rules, and endpoints that are down, hang, or are unavailable for a time."""
import json
import threading

from aws_account import Account, Refused
from http_fake import Answer, HttpFake

REGIONS = ("us-east-1", "ap-northeast-1", "us-west-2", "eu-west-1", "ap-southeast-2")
SERVICE = "route53-recovery-cluster"
KIND = "application/x-amz-json-1.0"
TARGET = "ToggleCustomerAPI."


class Endpoint(HttpFake):
    """mood: None (well), "unavailable", "hang", "reset-after" (of a change that was carried out), "broken" (500)."""

    def __init__(self, cluster, region, ip):
        self.cluster, self.region, self.mood, self.asked = cluster, region, None, []
        super().__init__(ip)

    def now(self):
        return self.cluster.account.now()

    def handle(self, request):
        action = (request.header("X-Amz-Target") or "").removeprefix(TARGET)
        self.asked.append(action)
        if self.mood == "hang":
            return Answer(act="hang")
        try:
            if request.method != "POST" or request.target != "/v1/" or request.header("Content-Type") != KIND:
                raise Refused(400, "UnknownOperationException", f"{request.method} {request.target}")
            self.cluster.account.verify(request.method, request.target, request.headers, request.body, self.region,
                                        (SERVICE,))
            if self.mood == "unavailable":
                raise Refused(503, "EndpointTemporarilyUnavailableException", "Try another cluster endpoint.")
            if self.mood == "broken":
                raise Refused(500, "InternalServerException", "Something went wrong.")
            answer = self.cluster.carry_out(action, json.loads(request.body))
            if self.mood == "reset-after" and action.startswith("Update"):
                return Answer(act="reset")
            return Answer(body=json.dumps(answer), kind=KIND)
        except Refused as refused:
            self.cluster.refused.append(refused.code)
            body = {"__type": f"com.amazonaws.toggle#{refused.code}", "message": refused.message}
            return Answer(refused.status, json.dumps(body), KIND)


class ArcCluster:
    """states: by ARN.  rule: a function of the states after a transaction; what it returns is why it is refused, or
    None.  transactions: the states after each."""

    def __init__(self, arns, ip="127.0.0.1", account=None):
        self.account, self.lock = account or Account(), threading.Lock()
        self.states = dict.fromkeys(arns, "Off")
        self.rule, self.transactions, self.refused = None, [], []
        self.endpoints = [Endpoint(self, region, ip) for region in REGIONS]

    def urls(self):
        return {endpoint.region: endpoint.url + "/v1" for endpoint in self.endpoints}

    def asked(self, action):
        return sum(endpoint.asked.count(action) for endpoint in self.endpoints)

    def close(self):
        for endpoint in self.endpoints:
            endpoint.stop()

    def on(self):
        return [arn for arn, state in self.states.items() if state == "On"]

    def turn(self, arn):
        """Somebody else turns this one On, alone."""
        with self.lock:
            self.states = {one: "On" if one == arn else "Off" for one in self.states}

    def carry_out(self, action, body):
        with self.lock:
            if action == "GetRoutingControlState":
                arn = body.get("RoutingControlArn")
                if set(body) != {"RoutingControlArn"} or arn not in self.states:
                    raise Refused(400, "ResourceNotFoundException", f"no routing control {arn}")
                return {"RoutingControlArn": arn, "RoutingControlName": arn[-1], "RoutingControlState": self.states[arn]}
            if action != "UpdateRoutingControlStates":
                raise Refused(400, "UnknownOperationException", action)
            after = dict(self.states)
            if set(body) != {"UpdateRoutingControlStateEntries"}:
                raise Refused(400, "ValidationException", f"members {sorted(body)}")
            for entry in body["UpdateRoutingControlStateEntries"]:
                if entry["RoutingControlArn"] not in after or entry["RoutingControlState"] not in ("On", "Off"):
                    raise Refused(400, "ValidationException", f"entry {entry}")
                after[entry["RoutingControlArn"]] = entry["RoutingControlState"]
            why = self.rule(after) if self.rule else None
            if why:
                raise Refused(400, "ConflictException", why)
            self.states = after
            self.transactions.append(after)
            return {}
