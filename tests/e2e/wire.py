# SPDX-License-Identifier: Apache-2.0
"""What clients speak around SIP and JSON: WebSocket (RFC 6455), events that a
server sends."""
import base64
import os
import socket
import struct
import time
import urllib.parse


def upgrade(sock, host):
    """A connection becomes a WebSocket for SIP (RFC 7118)."""
    key = base64.b64encode(os.urandom(16)).decode()
    sock.sendall(
        f'GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n'
        f'Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n'
        f'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n'
        f'Origin: https://{host}\r\n\r\n'.encode())
    got = b''
    while b'\r\n\r\n' not in got:
        got += sock.recv(1)
    assert b' 101 ' in got, got


def frame(data):
    """A text frame as clients send it, masked; up to 65,535 bytes."""
    mask = os.urandom(4)
    head = bytes([0x81]) + (
        bytes([0x80 | len(data)]) if len(data) < 126 else
        struct.pack('>BH', 0x80 | 126, len(data))) + mask
    return head + bytes(c ^ mask[i % 4] for i, c in enumerate(data))


class Follow:
    """Reads the console's events with a deadline."""

    def __init__(self, port, cookie, q=''):
        self.sock = socket.create_connection(('127.0.0.1', port))
        self.sock.sendall(
            f'GET /api/v1/follow?{urllib.parse.urlencode({"q": q})} HTTP/1.1'
            f'\r\nHost: localhost\r\nCookie: earshot_session={cookie}'
            '\r\n\r\n'.encode())
        self.text = ''

    def until(self, word, seconds=10):
        """Whether the word came in time."""
        end = time.time() + seconds
        while word not in self.text and time.time() < end:
            self.sock.settimeout(max(0.01, end - time.time()))
            try:
                got = self.sock.recv(65536)
            except socket.timeout:
                break
            if not got:
                break
            self.text += got.decode('utf-8', 'replace')
        return word in self.text
