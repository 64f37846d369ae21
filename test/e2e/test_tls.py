"""TLS: only a server that the trusted certificates vouch for, under the name it was asked by, is talked to.

The server answers every call with a refusal that ends the start, so that an end with 78 proves that a whole call was made.
"""

import http.server
import json
import ssl
import subprocess
import threading

import daemon
import pytest
from wait import until

REFUSAL = json.dumps({"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "none of that name"}).encode()


class Refuse(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(400)
        self.send_header("Content-Length", str(len(REFUSAL)))
        self.end_headers()
        self.wfile.write(REFUSAL)

    def log_message(self, *_):
        pass


def make_certificate(directory, name, subject):
    key, certificate = directory / f"{name}.key", directory / f"{name}.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    command += ["-keyout", key, "-out", certificate, "-subj", f"/CN={name}", "-addext", f"subjectAltName={subject}"]
    subprocess.run(command, check=True, capture_output=True, timeout=20)
    return key, certificate


@pytest.fixture
def serve(tmp_path):
    servers = []

    def start(key, certificate, newest=ssl.TLSVersion.TLSv1_3):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if newest < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.minimum_version = newest
        context.maximum_version = newest
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refuse)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"https://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def start(orderd, url, ca_file):
    values = {
        "queue.url": f"{url}/000000000000/orders",
        "endpoints.sqs": url,
        "endpoints.dynamodb": url,
        "tls.ca_file": str(ca_file),
    }
    return orderd.start("--config", orderd.config(values, "tls.conf"), env=daemon.environment(orderd.directory))


def waits_with(process, words):
    until(process.log_text, lambda: any(line["event"] == "waiting_to_start" for line in process.lines), 20)
    assert words in json.dumps(process.lines), process.log_text()


def test_trusted_server(serve, orderd, tmp_path):
    key, certificate = make_certificate(tmp_path, "good", "IP:127.0.0.1")
    process = start(orderd, serve(key, certificate), certificate)
    assert process.wait(20) == daemon.CONFIG_ERROR, process.log_text()
    assert "QueueDoesNotExist" in process.log_text()


def test_server_that_nobody_vouches_for(serve, orderd, tmp_path):
    key, certificate = make_certificate(tmp_path, "other", "IP:127.0.0.1")
    _, trusted = make_certificate(tmp_path, "trusted", "IP:127.0.0.1")
    waits_with(start(orderd, serve(key, certificate), trusted), "certificate")


def test_server_under_another_name(serve, orderd, tmp_path):
    key, certificate = make_certificate(tmp_path, "named", "DNS:other.test")
    waits_with(start(orderd, serve(key, certificate), certificate), "subject name")


def test_certificates_that_are_not_there(serve, orderd, tmp_path):
    key, certificate = make_certificate(tmp_path, "good", "IP:127.0.0.1")
    process = start(orderd, serve(key, certificate), tmp_path / "none.pem")
    assert process.wait(20) == daemon.CONFIG_ERROR, process.log_text()
    assert "none.pem" in process.log_text()


def test_tls_1_1_is_refused(serve, orderd, tmp_path):
    key, certificate = make_certificate(tmp_path, "old", "IP:127.0.0.1")
    process = start(orderd, serve(key, certificate, ssl.TLSVersion.TLSv1_1), certificate)
    waits_with(process, "NetworkError")
