"""Refuse every connection that leaves this machine, in each Python process that has this folder on PYTHONPATH.

Python imports a module of this name when it starts. `make notebooks` runs the lessons so: what asks the network for
anything fails there. Sockets that C code opens past Python are not seen.
"""

import ipaddress
import socket

MESSAGE = "the lessons must work without a network"


def is_local(host) -> bool:
    """Tell whether a host name or address is this machine."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def refuse_outside(host) -> None:
    """Raise OSError unless ``host`` is this machine."""
    if not is_local(host):
        raise OSError(f"{MESSAGE}, but something asked for {host}")


def guard_method(name: str) -> None:
    """Let a method of sockets refuse an address outside; the address is its last argument."""
    original = getattr(socket.socket, name)

    def guarded(self, *args):
        if self.family in (socket.AF_INET, socket.AF_INET6) and isinstance(args[-1], tuple):
            refuse_outside(args[-1][0])
        return original(self, *args)

    setattr(socket.socket, name, guarded)


def guard_lookup(name: str) -> None:
    """Let a function of `socket` refuse to look up a name outside; the name is its first argument."""
    original = getattr(socket, name)

    def guarded(host, *args, **kwargs):
        refuse_outside(host)
        return original(host, *args, **kwargs)

    setattr(socket, name, guarded)


for method in ("connect", "connect_ex", "sendto"):
    guard_method(method)
for lookup in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
    guard_lookup(lookup)
