"""Starts Debian's haproxy and nginx with the configurations of deploy/proxies, before servers on this machine."""
import contextlib
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

from beak_process import SOURCE_DIR, START_SECONDS, STOP_SECONDS

FOLDER = SOURCE_DIR / "deploy/proxies"
EXAMPLES = ("192.0.2.11", "192.0.2.12")  # the servers of the examples
PORTS = {"grpc": 8001, "http": 8000, "metrics": 8002}


def free_ports(count):
    """Ports of the loopback that nobody uses now, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _for_this_machine(text, servers, ports):
    """The text of an example with other addresses: those of `servers` ({"grpc": "HOST:PORT", ...} of each), and
    `ports` ({"grpc": PORT, "http": PORT}) to listen on."""
    lines = []
    for line in text.splitlines():
        for example, addresses in zip(EXAMPLES, servers, strict=True):
            if example in line:
                for name, port in PORTS.items():
                    line = line.replace(f"{example}:{port}", addresses[name])
                line = re.sub(r"\bport 8002\b", f"port {addresses['metrics'].rsplit(':', 1)[1]}", line)
        for name in ("grpc", "http"):
            line = re.sub(rf"^(\s*(?:listen |bind :)){PORTS[name]}\b", rf"\g<1>{ports[name]}", line)
        lines.append(line.replace("bind :", "bind 127.0.0.1:").replace("listen ", "listen 127.0.0.1:")
                     if not line.lstrip().startswith("#") else line)
    return "\n".join(lines) + "\n"


class Proxy:
    """haproxy or nginx before two servers. A context manager; `addresses` has grpc and http."""

    def __init__(self, name, servers):
        self.name, self._servers = name, servers

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix=f"beak_{self.name}")
        folder = pathlib.Path(self._folder.name)
        self._ports = dict(zip(("grpc", "http"), free_ports(2)))
        self.addresses = {name: f"127.0.0.1:{port}" for name, port in self._ports.items()}
        command = {"haproxy": self._haproxy, "nginx": self._nginx}[self.name](folder)
        self._log = open(folder / "log", "w+", encoding="utf-8")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        try:
            for address in self.addresses.values():
                self._await(address)
        except AssertionError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        self._folder.cleanup()

    def _example(self, file):
        return _for_this_machine((FOLDER / file).read_text(encoding="utf-8"), self._servers, self._ports)

    def _haproxy(self, folder):
        file = folder / "haproxy.cfg"
        file.write_text(self._example("haproxy.cfg"), encoding="utf-8")
        return [program("haproxy"), "-db", "-f", file]

    def _nginx(self, folder):
        """The example is a part of the http block."""
        (folder / "beak.conf").write_text(self._example("nginx.conf"), encoding="utf-8")
        places = "".join(f"{kind}_temp_path {folder}/{kind};\n"
                         for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(
            f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr;\n"
            f"events {{ worker_connections 4096; }}\nhttp {{\naccess_log off;\n{places}include {folder}/beak.conf;\n}}\n",
            encoding="utf-8")
        return [program("nginx"), "-p", folder, "-c", folder / "nginx.conf"]

    def _await(self, address):
        host, port = address.rsplit(":", 1)
        end = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < end:
            try:
                with socket.create_connection((host, int(port)), 1):
                    return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"{self.name} does not listen on {address}:\n{self.log()}")

    def log(self):
        self._log.flush()
        return pathlib.Path(self._log.name).read_text(encoding="utf-8")


def program(name):
    """Where it is; Debian puts both where only root looks. None where it is not installed."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
