#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds packets and captures byte by byte, for tests and fuzz seeds.

As a module: link layers, IP, tunnels, transports, pcap and pcapng as
functions from bytes to bytes. As a program it writes the golden captures
(mkpcap.py golden DIR), the fuzz seeds (mkpcap.py corpus DIR) or a large file
for measuring (mkpcap.py load FILE MESSAGES [RTP_PER_MESSAGE]).
"""
import gzip
import ipaddress
import os
import struct
import sys
import zlib

T0 = 1_795_348_800_000_000_000  # 2026-11-22 12:00:00 UTC, ns


# --- checksums -------------------------------------------------------------
def sum16(data):
    if len(data) % 2:
        data += b'\0'
    s = sum(struct.unpack('>%dH' % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def crc32c(data):
    crc = 0xffffffff
    for b in data:
        crc ^= b
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


# --- transports: payload to IP payload -------------------------------------
def pseudo(src, dst, proto, n):
    s, d = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    if s.version == 4:
        return s.packed + d.packed + struct.pack('>BBH', 0, proto, n)
    return s.packed + d.packed + struct.pack('>IHBB', n, 0, 0, proto)


def udp(src, sport, dst, dport, payload):
    n = 8 + len(payload)
    head = struct.pack('>HHHH', sport, dport, n, 0)
    c = sum16(pseudo(src, dst, 17, n) + head + payload) or 0xffff
    return struct.pack('>HHHH', sport, dport, n, c) + payload


FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def tcp(src, sport, dst, dport, seq, ack, flags, payload=b'', options=b''):
    head = struct.pack('>HHIIBBHHH', sport, dport, seq & 0xffffffff,
                       ack & 0xffffffff, (20 + len(options)) // 4 << 4, flags,
                       65535, 0, 0) + options
    c = sum16(pseudo(src, dst, 6, len(head) + len(payload)) + head + payload)
    return head[:16] + struct.pack('>H', c) + head[18:] + payload


def sctp_data(tsn, payload, stream=0, ssn=0, flags=3):
    n = 16 + len(payload)
    return struct.pack('>BBHIHHI', 0, flags, n, tsn, stream, ssn, 0) + \
        payload + b'\0' * (-n % 4)


def sctp(sport, dport, chunks, tag=0x1234):
    head = struct.pack('>HHI', sport, dport, tag)
    body = head + b'\0' * 4 + chunks
    return head + struct.pack('<I', crc32c(body)) + chunks


# --- IP ----------------------------------------------------------------------
def ip4(src, dst, proto, payload, ident=1, frag=0, more=False, options=b''):
    ihl = 5 + len(options) // 4
    head = struct.pack('>BBHHHBBH', 0x40 | ihl, 0, ihl * 4 + len(payload),
                       ident, frag // 8 | (0x2000 if more else 0), 64, proto,
                       0) + ipaddress.ip_address(src).packed + \
        ipaddress.ip_address(dst).packed + options
    return head[:10] + struct.pack('>H', sum16(head)) + head[12:] + payload


def ip6(src, dst, proto, payload, ext=()):
    """ext: (type, body without its next-header byte) in order."""
    out, nxt = payload, proto
    for kind, body in reversed(list(ext)):
        out = bytes([nxt]) + body + out
        nxt = kind
    return struct.pack('>IHBB', 6 << 28, len(out), nxt, 64) + \
        ipaddress.ip_address(src).packed + \
        ipaddress.ip_address(dst).packed + out


def ip(src, dst, proto, payload, **kw):
    v6 = ipaddress.ip_address(src).version == 6
    return (ip6 if v6 else ip4)(src, dst, proto, payload, **kw)


def fragments(src, dst, proto, payload, size, ident=7):
    out = []
    for at in range(0, len(payload), size):
        more = at + size < len(payload)
        part = payload[at:at + size]
        if ipaddress.ip_address(src).version == 4:
            out.append(ip4(src, dst, proto, part, ident, at, more))
        else:
            ext = (44, struct.pack('>BHI', 0, at | more, ident))
            out.append(ip6(src, dst, proto, part, [ext]))
    return out


# --- link layers -------------------------------------------------------------
def ethertype(packet):
    return 0x0800 if packet[0] >> 4 == 4 else 0x86dd


def ether(packet, tags=(), kind=None):
    out = b'\2\0\0\0\0\1\2\0\0\0\0\2'
    for tpid, vid in tags:
        out += struct.pack('>HH', tpid, vid)
    out += struct.pack('>H', kind or ethertype(packet)) + packet
    return out + b'\0' * (60 - len(out))


def sll(packet):
    return struct.pack('>HHH8sH', 0, 1, 6, b'\2\0\0\0\0\1\0\0',
                       ethertype(packet)) + packet


def sll2(packet):
    return struct.pack('>HHIHBB8s', ethertype(packet), 0, 2, 1, 0, 6,
                       b'\2\0\0\0\0\1\0\0') + packet


def null(packet, order='<'):
    return struct.pack(order + 'I', 2 if packet[0] >> 4 == 4 else 30) + packet


# --- tunnels: packet to IP payload --------------------------------------------
def gre(packet, key=None, seq=None, proto=None):
    flags = (0x2000 if key is not None else 0) | \
        (0x1000 if seq is not None else 0)
    out = struct.pack('>HH', flags, proto or ethertype(packet))
    for v in (key, seq):
        if v is not None:
            out += struct.pack('>I', v)
    return out + packet


def vxlan(frame, vni=42):
    return struct.pack('>II', 0x08000000, vni << 8) + frame


# --- files -------------------------------------------------------------------
def pcap(packets, link=1, order='<', nano=False, snap=262144):
    """packets: (at_ns, bytes)"""
    out = [struct.pack(order + 'IHHiIII', 0xa1b23c4d if nano else 0xa1b2c3d4,
                       2, 4, 0, 0, snap, link)]
    for at, data in packets:
        frac = at % 10**9 // (1 if nano else 1000)
        cut = data[:snap]
        out.append(struct.pack(order + 'IIII', at // 10**9, frac, len(cut),
                               len(data)) + cut)
    return b''.join(out)


def block(kind, body, order='<'):
    body += b'\0' * (-len(body) % 4)
    n = 12 + len(body)
    return struct.pack(order + 'II', kind, n) + body + \
        struct.pack(order + 'I', n)


def option(code, value, order='<'):
    return struct.pack(order + 'HH', code, len(value)) + value + \
        b'\0' * (-len(value) % 4)


def shb(order='<'):
    return block(0x0a0d0d0a, struct.pack(order + 'IHHq', 0x1a2b3c4d, 1, 0, -1),
                 order)


def idb(link=1, snap=0, tsresol=None, tsoffset=None, order='<'):
    body = struct.pack(order + 'HHI', link, 0, snap)
    if tsresol is not None:
        body += option(9, bytes([tsresol]), order)
    if tsoffset is not None:
        body += option(14, struct.pack(order + 'q', tsoffset), order)
    return block(1, body + option(0, b'', order), order)


def epb(data, ts, face=0, order='<', options=b''):
    pad = data + b'\0' * (-len(data) % 4)
    return block(6, struct.pack(order + 'IIIII', face, ts >> 32,
                                ts & 0xffffffff, len(data), len(data)) + pad +
                 options, order)


def spb(data, order='<'):
    return block(3, struct.pack(order + 'I', len(data)) + data, order)


def opb(data, ts, face=0, order='<'):
    return block(2, struct.pack(order + 'HHIIII', face, 0, ts >> 32,
                                ts & 0xffffffff, len(data), len(data)) + data,
                 order)


# --- SIP, WebSocket, HEP -------------------------------------------------------
A, B = '192.0.2.1', '192.0.2.2'
A6, B6 = '2001:db8::1', '2001:db8::2'


def sip(method='OPTIONS', call='c1', cseq=1, body=b'', extra='', transport='UDP',
        length=True):
    head = (f'{method} sip:bob@example.net SIP/2.0\r\n'
            f'Via: SIP/2.0/{transport} 192.0.2.1:5060;branch=z9hG4bK{call}\r\n'
            f'From: <sip:alice@example.net>;tag=a{call}\r\n'
            f'To: <sip:bob@example.net>\r\n'
            f'Call-ID: {call}@example.net\r\n'
            f'CSeq: {cseq} {method}\r\n'
            'Max-Forwards: 70\r\n' + extra)
    if length:
        head += f'Content-Length: {len(body)}\r\n'
    return head.encode() + b'\r\n' + body


def reply(code=200, reason='OK', method='OPTIONS', call='c1', cseq=1, body=b'',
          transport='UDP'):
    return (f'SIP/2.0 {code} {reason}\r\n'
            f'Via: SIP/2.0/{transport} 192.0.2.1:5060;branch=z9hG4bK{call}\r\n'
            f'From: <sip:alice@example.net>;tag=a{call}\r\n'
            f'To: <sip:bob@example.net>;tag=b{call}\r\n'
            f'Call-ID: {call}@example.net\r\n'
            f'CSeq: {cseq} {method}\r\n'
            f'Content-Length: {len(body)}\r\n\r\n').encode() + body


SDP = (b'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n'
       b't=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\n')


def long_sip(call, size, transport='UDP'):
    body = SDP + b''.join(b'a=x-line:%06d padding padding\r\n' % i
                          for i in range(size // 36))
    return sip('INVITE', call, 1, body, 'Content-Type: application/sdp\r\n',
               transport)


def ws(payload, mask=None, opcode=1, fin=True):
    n = len(payload)
    out = bytes([(0x80 if fin else 0) | opcode])
    bit = 0x80 if mask else 0
    if n < 126:
        out += bytes([bit | n])
    elif n < 65536:
        out += struct.pack('>BH', bit | 126, n)
    else:
        out += struct.pack('>BQ', bit | 127, n)
    if mask:
        out += mask
        payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
    return out + payload


WS_ASK = (b'GET / HTTP/1.1\r\nHost: ws.example.net\r\nUpgrade: websocket\r\n'
          b'Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
          b'Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n')
WS_YES = (b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n'
          b'Connection: Upgrade\r\n'
          b'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n'
          b'Sec-WebSocket-Protocol: sip\r\n\r\n')


def hep3(payload, src=A, sport=5060, dst=B, dport=5060, at=T0):
    def chunk(kind, value):
        return struct.pack('>HHH', 0, kind, 6 + len(value)) + value
    body = chunk(1, b'\2') + chunk(2, b'\x11') + \
        chunk(3, ipaddress.ip_address(src).packed) + \
        chunk(4, ipaddress.ip_address(dst).packed) + \
        chunk(7, struct.pack('>H', sport)) + \
        chunk(8, struct.pack('>H', dport)) + \
        chunk(9, struct.pack('>I', at // 10**9)) + \
        chunk(10, struct.pack('>I', at % 10**9 // 1000)) + \
        chunk(11, b'\1') + chunk(12, struct.pack('>I', 7)) + \
        chunk(15, payload)
    return b'HEP3' + struct.pack('>H', 6 + len(body)) + body


RTP = b'\x80\0\0\1\0\0\0\xa0\x12\x34\x56\x78' + b'\xd5' * 160


class Tcp:
    """One connection; each step gives IP packets' bytes."""

    def __init__(self, a=A, ap=5070, b=B, bp=5060, isn=(1000, 9000)):
        self.ends = [(a, ap), (b, bp)]
        self.seq = list(isn)

    def packet(self, end, flags, payload=b'', seq=None, ack=None):
        (s, sp), (d, dp) = self.ends[end], self.ends[1 - end]
        seq = self.seq[end] if seq is None else seq
        ack = self.seq[1 - end] if ack is None else ack
        return ip(s, d, 6, tcp(s, sp, d, dp, seq, ack, flags, payload))

    def open(self):
        out = [self.packet(0, SYN, ack=0)]
        self.seq[0] += 1
        out.append(self.packet(1, SYN | ACK))
        self.seq[1] += 1
        return out + [self.packet(0, ACK)]

    def send(self, end, payload, size=1400):
        out = []
        for at in range(0, len(payload), size):
            part = payload[at:at + size]
            out.append(self.packet(end, PSH | ACK, part))
            self.seq[end] += len(part)
        return out

    def ack(self, end):
        return [self.packet(end, ACK)]

    def close(self):
        out = []
        for end in (0, 1):
            out.append(self.packet(end, FIN | ACK))
            self.seq[end] += 1
        return out + [self.packet(0, ACK)]


def timed(packets, step=1_000_001, start=T0):
    return [(start + i * step, p) for i, p in enumerate(packets)]


def udp4(payload, src=A, sp=5060, dst=B, dp=5060, **kw):
    return ip4(src, dst, 17, udp(src, sp, dst, dp, payload), **kw)


def udp6(payload, src=A6, sp=5060, dst=B6, dp=5060, **kw):
    return ip6(src, dst, 17, udp(src, sp, dst, dp, payload), **kw)


# --- golden captures -----------------------------------------------------------
def case_udp():
    ps = [udp4(sip(call='v4')), udp4(reply(call='v4'), B, 5060, A, 5060),
          udp6(sip('REGISTER', 'v6')),
          udp6(reply(401, 'Unauthorized', 'REGISTER', 'v6'), B6, 5060, A6,
               5060),
          udp4(b'\r\n\r\n'), udp4(RTP, A, 4000, B, 4002),
          udp4(bytes.fromhex('80c90001') + b'\1\2\3\4', A, 4001, B, 4003),
          udp4(bytes.fromhex('000100002112a442') + b'x' * 12, A, 4000, B, 3478),
          udp4(bytes.fromhex('1234010000010000000000000377777707'
                             '6578616d706c65036e65740000010001'), A, 4444, B,
               53),
          udp4(sip('MESSAGE', 'odd port', body=b'hello'), A, 1234, B, 31337),
          udp4(b'nothing known', A, 1, B, 2),
          # begins as HEP 1 does, with nothing of SIP in it
          udp4(b'\1\x10\2\x11\x13\xc4\x13\xc4' + b'no HEP at all' * 3)]
    arp = ether(b'\0\1\x08\0\6\4\0\1' + b'\0' * 20, kind=0x0806)
    return pcap([*((t, ether(p)) for t, p in timed(ps)), (T0 + 10**9, arp)])


def case_tags():
    p = [udp4(sip(call='plain')), udp4(sip(call='q')), udp4(sip(call='qinq')),
         udp6(sip(call='old qinq')), udp4(sip(call='mpls')),
         udp4(sip(call='pppoe'))]
    mpls = struct.pack('>II', 100 << 12 | 64, 200 << 12 | 1 << 8 | 64)
    pppoe = struct.pack('>BBHHH', 0x11, 0, 1, len(p[5]) + 2, 0x21)
    frames = [ether(p[0]), ether(p[1], [(0x8100, 5)]),
              ether(p[2], [(0x88a8, 6), (0x8100, 7)]),
              ether(p[3], [(0x9100, 8), (0x8100, 9)]),
              ether(mpls + p[4], kind=0x8847), ether(pppoe + p[5], kind=0x8864)]
    return pcap(timed(frames), nano=True, order='>')


def case_tunnels():
    x, y = '203.0.113.1', '203.0.113.2'
    erspan2 = struct.pack('>HHI', 0x1001, 0x0005, 0)
    erspan3 = struct.pack('>HHIHH', 0x2001, 5, 0, 0, 0)
    ps = [ip4(x, y, 4, udp4(sip(call='ipip'))),
          ip4(x, y, 41, udp6(sip(call='6in4'))),
          ip4(x, y, 47, gre(udp4(sip(call='gre')))),
          ip4(x, y, 47, gre(udp6(sip(call='gre key seq')), 7, 8)),
          ip4(x, y, 47, gre(ether(udp4(sip(call='gre bridge'))),
                            proto=0x6558)),
          ip4(x, y, 47, gre(erspan2 + ether(udp4(sip(call='erspan 2'))),
                            seq=1, proto=0x88be)),
          ip4(x, y, 47, gre(erspan3 + ether(udp4(sip(call='erspan 3'))),
                            seq=1, proto=0x22eb)),
          udp4(vxlan(ether(udp4(sip(call='vxlan')), [(0x8100, 5)])), x, 5555,
               y, 4789),
          udp4(struct.pack('>BBHI', 0, 0, 0x6558, 9 << 8) +
               ether(udp4(sip(call='geneve'))), x, 5555, y, 6081)]
    inner = udp4(sip(call='gtp'))
    ps.append(udp4(struct.pack('>BBHI', 0x30, 255, len(inner), 1) + inner, x,
                   2152, y, 2152))
    ps += fragments(x, y, 17, udp(x, 5555, y, 4789, vxlan(ether(
        udp4(sip(call='vxlan in fragments'))))), 256, 99)
    # fragments inside of fragments
    for part in fragments(A, B, 17, udp(A, 5060, B, 5060,
                                        long_sip('nested', 2000)), 1000, 5):
        ps += fragments(x, y, 17, udp(x, 5555, y, 4789, vxlan(ether(part))),
                        512, 100 + len(ps))
    return pcap(timed([ether(p) for p in ps]))


def case_fragments():
    m4, m6, dup, lost = (long_sip(c, 4000) for c in
                         ('v4', 'v6', 'twice', 'lost'))
    f4 = fragments(A, B, 17, udp(A, 5060, B, 5060, m4), 1480, 1)
    f6 = fragments(A6, B6, 17, udp(A6, 5060, B6, 5060, m6), 1232, 2)
    fd = fragments(A, B, 17, udp(A, 5060, B, 5060, dup), 1480, 3)
    fl = fragments(A, B, 17, udp(A, 5060, B, 5060, lost), 1480, 4)
    tiny = fragments(A, B, 17, udp(A, 5060, B, 5060, sip(call='tiny')), 8, 5)
    ps = [*reversed(f4), *f6, *(p for p in fd for _ in (0, 1)), fl[0], fl[2],
          *tiny[1:], tiny[0]]
    # IPv6 with options behind the fragment header
    options = bytes([17, 0, 1, 4, 0, 0, 0, 0]) + \
        udp(A6, 5060, B6, 5060, long_sip('v6 options', 2000))
    for at in (0, 1232):
        part = options[at:at + 1232]
        ps.append(ip6(A6, B6, 60, part, [(44, struct.pack(
            '>BHI', 0, at | (at == 0), 6))]))
    last = fragments(A, B, 17, udp(A, 5060, B, 5060, long_sip('last', 4000)),
                     1480, 7)[0]
    return pcap(timed([ether(p) for p in ps]) +
                [(T0 + 60 * 10**9, ether(udp4(sip(call='after')))),
                 (T0 + 61 * 10**9, ether(last))])


def case_tcp():
    out = []
    c = Tcp(ap=5070)  # several messages in a segment, one in several
    out += c.open()
    out += c.send(0, sip(call='t1', transport='TCP') +
                  sip(call='t2', transport='TCP'))
    out += c.send(1, reply(call='t1', transport='TCP') + b'\r\n\r\n')
    out += c.send(0, long_sip('t3', 5000, 'TCP'))
    out += c.send(0, b'\r\n\r\n') + c.close()
    c = Tcp(ap=5071)  # out of order, repeated, overlapping
    out += c.open()
    s = c.send(0, long_sip('t4', 5000, 'TCP') + sip(call='t5', transport='TCP'))
    out += [s[1], s[0], s[0], s[3], s[2], s[1]] + s[4:]
    whole = sip('INFO', 't6', transport='TCP')
    out.append(c.packet(0, ACK, whole[:200]))
    out.append(c.packet(0, ACK, whole[100:], seq=c.seq[0] + 100))
    c.seq[0] += len(whole)
    c2 = Tcp(ap=5072, isn=(4294967200, 500))  # begun in the middle, wraps
    out += c2.send(0, b'tail of a message\r\n' +
                   sip(call='t7', transport='TCP') +
                   sip(call='t8', transport='TCP'), 150)
    c3 = Tcp(ap=5073)  # a lost segment, acknowledged by the other end
    out += c3.open()
    s = c3.send(0, long_sip('t9', 5000, 'TCP') +
                sip(call='t10', transport='TCP'))
    out += s[:1] + s[2:] + c3.ack(1)
    out += c3.send(1, reply(call='t10', transport='TCP'))
    c4 = Tcp(ap=5070, isn=(77777, 88888))  # the ports of the first again
    out += c4.open() + c4.send(0, sip(call='t11', transport='TCP'))
    out += [c4.packet(0, RST | ACK)]
    c5 = Tcp(ap=5074)  # an end that cannot be told, then a message
    out += c5.send(0, sip(call='t12', transport='TCP', length=False)[:-2] +
                   b'Content-Length: many\r\n\r\nbody\r\n' +
                   sip(call='t13', transport='TCP'))
    c6 = Tcp(ap=5075)  # another protocol, then SIP after all
    out += c6.send(0, b'EHLO example.net\r\n' * 9) + \
        c6.send(0, b'QUIT\r\n' + sip(call='t14', transport='TCP'))
    c7 = Tcp(ap=5061)  # TLS
    out += c7.send(0, b'\x16\3\1\0\x40' + b'\xaa' * 64) + \
        c7.send(0, b'\x17\3\3\0\x20' + b'\xbb' * 32)
    return pcap([*((t, ether(p)) for t, p in timed(out))] +
                [(T0 + 30 * 10**9, ether(udp4(sip(call='later'))))])


def case_ws():
    m = b'\x37\xfa\x21\x3d'
    out = []
    c = Tcp(ap=40000, bp=8080)
    out += c.open() + c.send(0, WS_ASK) + c.send(1, WS_YES)
    out += c.send(0, ws(sip('REGISTER', 'w1', transport='WS'), m))
    out += c.send(1, ws(reply(200, 'OK', 'REGISTER', 'w1', transport='WS')))
    out += c.send(0, ws(b'ping', m, 9)) + c.send(1, ws(b'ping', None, 10))
    big = long_sip('w2', 4000, 'WS')
    out += c.send(0, ws(big[:1500], m, 1, False) + ws(big[1500:3000], m, 0,
                                                      False) +
                  ws(big[3000:], m, 0, True))
    out += c.send(1, ws(b'\r\n\r\n'))
    c2 = Tcp(ap=40001, bp=8080)  # begun in the middle
    out += c2.send(0, ws(sip(call='w3', transport='WS'), m, 2))
    out += c2.send(1, ws(reply(call='w3', transport='WS')))
    return pcap(timed([ether(p) for p in out]))


def case_sctp():
    big = long_sip('s3', 3000, 'SCTP')
    ps = [ip4(A, B, 132, sctp(5060, 5060, sctp_data(1, sip(call='s1')) +
                              sctp_data(2, sip(call='s2')))),
          ip4(B, A, 132, sctp(5060, 5060, struct.pack('>BBHIIHH', 3, 0, 16, 1,
                                                      9999, 0, 0))),
          ip4(A, B, 132, sctp(5060, 5060, sctp_data(3, big[:1400], ssn=1,
                                                    flags=2))),
          ip4(A, B, 132, sctp(5060, 5060, sctp_data(5, big[2800:], ssn=1,
                                                    flags=1))),
          ip4(A, B, 132, sctp(5060, 5060, sctp_data(4, big[1400:2800], ssn=1,
                                                    flags=0)))]
    return pcap(timed([ether(p) for p in ps]))


def case_hep():
    c = Tcp('198.51.100.1', 50000, '198.51.100.2', 9060)
    packets = [hep3(sip(call='h%d' % i)) for i in range(2, 5)]
    ps = [udp4(hep3(sip(call='h1')), '198.51.100.1', 50000, '198.51.100.2',
               9060), *c.open(), *c.send(0, b''.join(packets), 700)]
    return pcap(timed([ether(p) for p in ps], start=T0 + 10**9))


def case_pcapng():
    us = T0 // 1000
    e = [ether(udp4(sip(call='n%d' % i))) for i in range(10)]
    one = shb() + idb() + idb(113, tsresol=9) + \
        epb(e[0], us, options=option(1, b'a comment') + option(0, b'')) + \
        block(5, b'\0' * 24) + epb(sll(udp4(sip(call='sll'))), T0 + 7, 1) + \
        block(0x80000bad, b'whatever') + opb(e[1], us + 5)
    two = shb('>') + idb(1, tsresol=0x80 | 20, tsoffset=1000, order='>') + \
        epb(e[2], (T0 // 10**9 - 1000) << 20 | 1 << 19, order='>')
    three = shb() + idb(101, snap=0, tsresol=3) + \
        epb(udp4(sip(call='ms')), T0 // 10**6 + 11) + \
        spb(udp4(sip(call='no time')))
    return one + two + three


def case_snap():
    c = Tcp(ap=5080)
    ps = [udp4(long_sip('cut', 1000)), udp4(sip(call='whole')),
          *c.send(0, long_sip('cut tcp', 900, 'TCP')),
          *c.send(0, sip(call='next', transport='TCP'))]
    return pcap(timed([ether(p) for p in ps]), snap=600)


def case_snap_line():
    """So short that not even the first line is whole."""
    return pcap(timed([ether(p) for p in (
        udp4(sip(call='cut')), udp4(reply(call='cut')),
        udp4(b'SIP but not quite a message of it, and long' * 2))]), snap=64)


def case_gzip():
    """Two members and padding, as after gzip twice and a tape."""
    data = case_udp()
    return gzip.compress(data[:999], mtime=0) + \
        gzip.compress(data[999:], mtime=0) + b'\0' * 100


def case_damaged():
    good = pcap(timed([ether(udp4(sip(call='before %d' % i)))
                       for i in range(3)]))
    return good + struct.pack('<IIII', 1, 1, 0x7fffffff, 60) + b'x' * 50


def cases():
    return {k[5:]: v() for k, v in sorted(globals().items())
            if k.startswith('case_')}


def golden(top):
    for name, data in cases().items():
        folder = os.path.join(top, 'capture-' + name)
        os.makedirs(folder, exist_ok=True)
        end = '.pcapng' if name == 'pcapng' else \
            '.pcap.gz' if name == 'gzip' else '.pcap'
        with open(os.path.join(folder, 'capture' + end), 'wb') as f:
            f.write(data)


def corpus(top):
    """Seeds: the golden captures, each link type, each packet by itself."""
    seeds = dict(cases())
    p4, p6 = udp4(sip(call='seed')), udp6(sip(call='seed'))
    for link, frame in ((0, null(p4)), (0, null(p6, '>')), (108, null(p4, '>')),
                        (12, p4), (14, p6), (101, p4), (113, sll(p6)),
                        (228, p4), (229, p6), (276, sll2(p4)),
                        (9, b'\xff\x03\x00\x21' + p4)):
        seeds['link%d-%d' % (link, zlib.crc32(frame) % 1000)] = \
            pcap([(T0, frame)], link)
    seeds['ext6'] = pcap([(T0, ip6(A6, B6, 17, udp(A6, 1, B6, 2, sip()), [
        (0, b'\0' + b'\1\4\0\0\0\0'), (60, b'\0' + b'\1\4\0\0\0\0'),
        (43, b'\0' + b'\0\0\0\0\0\0'), (51, b'\1' + b'\0' * 10)]))], 101)
    seeds['hep-stream'] = hep3(sip(call='x')) + hep3(sip(call='y'))
    os.makedirs(top, exist_ok=True)
    for name, data in seeds.items():
        with open(os.path.join(top, name), 'wb') as f:
            f.write(data)


def load(path, messages, rtp):
    """A big capture: 1000 dialogs interleaved, RTP between them."""
    calls = []
    for i in range(1000):
        call = 'load%06d' % i
        calls.append([
            udp4(sip('INVITE', call, 1, SDP * 2,
                     'Content-Type: application/sdp\r\n')),
            udp4(reply(180, 'Ringing', 'INVITE', call), B, 5060, A, 5060),
            udp4(reply(200, 'OK', 'INVITE', call, 1, SDP), B, 5060, A, 5060),
            udp4(sip('ACK', call)), udp4(sip('BYE', call, 2)),
            udp4(reply(200, 'OK', 'BYE', call, 2), B, 5060, A, 5060)])
    voice = ether(udp4(RTP, A, 4000, B, 4002))
    with open(path, 'wb', 1 << 20) as f:
        f.write(pcap([]))
        at = T0
        for i in range(messages):
            for frame in [ether(calls[i % 1000][i // 1000 % 6])] + [voice] * rtp:
                at += 10_000
                f.write(struct.pack('<IIII', at // 10**9, at % 10**9 // 1000,
                                    len(frame), len(frame)) + frame)


if __name__ == '__main__':
    if sys.argv[1:2] == ['golden'] and len(sys.argv) == 3:
        golden(sys.argv[2])
    elif sys.argv[1:2] == ['corpus'] and len(sys.argv) == 3:
        corpus(sys.argv[2])
    elif sys.argv[1:2] == ['load'] and len(sys.argv) in (4, 5):
        load(sys.argv[2], int(sys.argv[3]), int((sys.argv + ['0'])[4]))
    else:
        sys.exit(__doc__)
