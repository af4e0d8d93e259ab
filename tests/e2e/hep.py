# SPDX-License-Identifier: Apache-2.0
"""A tiny HEP3 encoder, SIP messages to put into it, and two senders."""
import socket
import struct
import time


def hep3(payload, at=None, src=('192.0.2.1', 5060), dst=('192.0.2.2', 5060),
         agent=77):
    """One HEP3 packet: SIP over UDP and IPv4. `at` in seconds since 1970."""
    at = time.time() if at is None else at
    seconds = int(at)
    chunks = b''
    for kind, value in (
            (1, b'\x02'), (2, b'\x11'),
            (3, socket.inet_aton(src[0])), (4, socket.inet_aton(dst[0])),
            (7, struct.pack('>H', src[1])), (8, struct.pack('>H', dst[1])),
            (9, struct.pack('>I', seconds)),
            (10, struct.pack('>I', int((at - seconds) * 1e6))),
            (11, b'\x01'), (12, struct.pack('>I', agent)), (15, payload)):
        chunks += struct.pack('>HHH', 0, kind, 6 + len(value)) + value
    return b'HEP3' + struct.pack('>H', 6 + len(chunks)) + chunks


def options(call_id, size=0, user='alice'):
    """A request that is right by RFC 3261; padded to about size bytes."""
    body = 'x' * max(0, size - 420)
    return (
        f'OPTIONS sip:bob@example.com SIP/2.0\r\n'
        f'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{call_id}\r\n'
        f'Max-Forwards: 70\r\n'
        f'From: <sip:{user}@example.com>;tag=t{call_id}\r\n'
        f'To: <sip:bob@example.com>\r\n'
        f'Call-ID: {call_id}\r\n'
        f'CSeq: 1 OPTIONS\r\n'
        f'Contact: <sip:{user}@192.0.2.1:5060>\r\n'
        f'User-Agent: e2e\r\n'
        f'Content-Type: text/plain\r\n'
        f'Content-Length: {len(body)}\r\n\r\n{body}').encode()


class Udp:
    """Sends datagrams to a listener."""

    def __init__(self, port):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
        self.sock.connect(('127.0.0.1', port))

    def send(self, packet):
        """True when the kernel took it."""
        try:
            self.sock.send(packet)
        except OSError:
            return False
        return True

    def close(self):
        self.sock.close()


class Tcp:
    """Sends packets over one connection."""

    def __init__(self, port):
        self.sock = socket.create_connection(('127.0.0.1', port), 5)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, packet):
        try:
            self.sock.sendall(packet)
        except OSError:
            return False
        return True

    def close(self):
        self.sock.close()
