"""What a faulty Route 53 does instead of what it should."""
import dataclasses
import threading
from typing import Callable, Optional

BOMB = ('<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a0 "ha">' +
        "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)) + "]>\n<x>&a9;</x>")
EXTERNAL = '<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n<x>&a;</x>'


@dataclasses.dataclass
class Fault:
    """What happens to calls of one action ("" = all).

    kind: error            an error (status, code, message) instead of the call
          error-after      the call is done, its answer is an error
          reset, hang      the connection is reset, or never answered, and the call not done
          reset-after      the call is done, the connection reset
          hang-after       the call is done, nothing answered
          truncated        the call is done; its answer ends in the middle of the body that was announced
          cut-xml          ... is whole for HTTP, its XML ends in the middle
          huge             ... is followed by size_bytes of spaces and elements
          bomb, external   ... is a document whose entities grow without end, or are of a file
          html, empty      ... is a page of a proxy; has no body
          slow             the call is done, its answer comes after wait_s
          before, after    act(emulator) is called before the call, or when it is done and not yet answered
    after: so many calls are let through first; times: how often (0 = until it is taken away)."""
    kind: str
    action: str = ""
    times: int = 1
    after: int = 0
    status: int = 400
    code: str = "Throttling"
    message: str = "Rate exceeded"
    size_bytes: int = 64 << 20
    wait_s: float = 1.0
    zone: str = ""  # calls about this zone alone
    act: Optional[Callable] = None
    done: int = 0


def throttled(**more):
    return Fault("error", **more)


def prior_not_complete(**more):
    return Fault("error", action="ChangeResourceRecordSets", code="PriorRequestNotComplete",
                 message="The request was rejected because Route 53 was still processing a prior request.", **more)


def server_error(status=500, **more):
    return Fault("error", status=status, code="InternalFailure" if status == 500 else "ServiceUnavailable",
                 message="We encountered an internal error. Please try again.", **more)


def expired_token(**more):
    return Fault("error", status=403, code="ExpiredToken",
                 message="The security token included in the request is expired", **more)


class Faults:
    """Those that are to come, in the order in which they were added."""

    def __init__(self):
        self.lock, self.list = threading.Lock(), []

    def add(self, fault):
        with self.lock:
            self.list.append(fault)
        return fault

    def clear(self):
        with self.lock:
            self.list.clear()

    def take(self, action, zone):
        """The fault of this call, or None."""
        with self.lock:
            for fault in self.list:
                if fault.action not in ("", action) or fault.zone not in ("", zone):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.done += 1
                if fault.times and fault.done >= fault.times:
                    self.list.remove(fault)
                return fault
        return None
