"""What lies between the machine and the emulator where that is a service of its own: TLS, and names."""

import asyncio
import random
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
from urllib.parse import urlsplit

DNS_PORT, DNS_HEADER, DNS_REPLY = 53, 12, 0x8580
DNS_A_IN = struct.pack(">HH", 1, 1)  # type A, class IN
DNS_NAME_ABOVE = b"\xc0\x0c"  # the name that stands behind the header


def make_certificate(directory, name):
    """A key and a certificate for a name, which is also its own authority: their files."""
    key, certificate = directory / f"{name}.key", directory / f"{name}.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    command += ["-keyout", key, "-out", certificate, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    subprocess.run(command, check=True, capture_output=True, timeout=20)
    return key, certificate


class TlsFront:
    """A free loopback port where TLS is spoken, and behind it the server of `url`."""

    def __init__(self, url, key, certificate):
        self._behind = urlsplit(url)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.connections = 0

    def __enter__(self):
        self._thread.start()
        serve = asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self._server = asyncio.run_coroutine_threadsafe(serve, self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _serve(self, reader, writer):
        self.connections += 1
        there_reader, there_writer = await asyncio.open_connection(self._behind.hostname, self._behind.port)
        await asyncio.gather(pass_on(reader, there_writer), pass_on(there_reader, writer))


async def pass_on(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.close()


class Resolver(socketserver.UDPServer):
    """A name server for which every name is this host's. A resolv.conf knows no ports, so it has an address of its own."""

    def __init__(self):
        self.address = f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}"
        self.asked = set()
        super().__init__((self.address, DNS_PORT), Answer)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self._thread.join()
        self.server_close()


class Answer(socketserver.BaseRequestHandler):
    """RFC 1035, 4.1: the question again, and behind it one answer, if it was for an address of version 4."""

    def handle(self):
        query, channel = self.request
        labels, end = [], DNS_HEADER
        while length := query[end]:
            labels.append(query[end + 1 : end + 1 + length].decode())
            end += 1 + length
        question = query[DNS_HEADER : end + 5]
        self.server.asked.add(".".join(labels))
        answers = b""
        if question.endswith(DNS_A_IN):
            answers = DNS_NAME_ABOVE + DNS_A_IN + struct.pack(">IH", 0, 4) + socket.inet_aton("127.0.0.1")
        counts = struct.pack(">HHHHH", DNS_REPLY, 1, 1 if answers else 0, 0, 0)
        channel.sendto(query[:2] + counts + question + answers, self.client_address)
