# SPDX-License-Identifier: MIT
"""nginx and HAProxy as a test wants them: private directories, free ports, stopped at the end."""
import os
import shutil
import signal
import socket
import subprocess
import time

import bed


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Daemon:
    def __init__(self, command, port, **more):
        self.port = port
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, start_new_session=True, **more)
        end = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.stop()
                    raise AssertionError(f"{command[0]} did not start: "
                                         f"{self.process.stderr.read()[-500:]!r}") from None
                time.sleep(0.05)

    def stop(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process.stderr.close()


def path_of(program):
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not found:
        raise AssertionError(f"{program} is missing: scripts/setup check")
    return found


def nginx(backend):
    """http on .port, https with h2 on .tls_port: / is a file, /fault/ goes to the backend."""
    directory = bed.fresh_dir("nginx")
    _, cert, key = bed.certificates()
    port, tls = free_port(), free_port()
    os.chmod(os.path.dirname(directory), 0o755)
    os.chmod(directory, 0o755)
    with open(os.path.join(directory, "file.txt"), "wb") as f:
        f.write(bed.body_of(100000))
    user = "user root;" if os.getuid() == 0 else ""
    config = f"""
daemon off; master_process off; {user}
pid {directory}/pid; error_log {directory}/error.log crit;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {directory}/b; proxy_temp_path {directory}/p;
  fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  server {{
    listen 127.0.0.1:{port}; listen 127.0.0.1:{tls} ssl http2;
    ssl_certificate {cert}; ssl_certificate_key {key};
    root {directory};
    location /fault/ {{ proxy_pass http://127.0.0.1:{backend}/; proxy_next_upstream off; }}
  }}
}}
"""
    path = os.path.join(directory, "nginx.conf")
    with open(path, "w", encoding="ascii") as f:
        f.write(config)
    daemon = Daemon([path_of("nginx"), "-e", f"{directory}/error.log", "-c", path], port)
    daemon.tls_port = tls
    return daemon


def run_haproxy(sections):
    """sections: a configuration in which {port} is where it listens."""
    directory = bed.fresh_dir("haproxy")
    port = free_port()
    path = os.path.join(directory, "haproxy.cfg")
    with open(path, "w", encoding="ascii") as f:
        f.write("""
defaults
  mode http
  timeout connect 300ms
  timeout client 10s
  timeout server 10s
  retries 0
""" + sections.replace("{port}", str(port)))
    return Daemon([path_of("haproxy"), "-db", "-q", "-f", path], port)


def haproxy(backend):
    """In front of the backend; answers 503 by itself while that is down."""
    return run_haproxy(f"""
listen front
  bind 127.0.0.1:{{port}}
  server back 127.0.0.1:{backend}
""")


def haproxy_forward(tunnels):
    """A forward proxy for http: it goes where the URL says. It cannot open tunnels by itself and
    relays CONNECT to the proxy at the port `tunnels`, answering 503 while that is down."""
    return run_haproxy(f"""
frontend proxy
  bind 127.0.0.1:{{port}}
  use_backend tunnels if METH_CONNECT
  default_backend anywhere
backend tunnels
  server tunnel 127.0.0.1:{tunnels}
backend anywhere
  http-request set-dst url_ip
  http-request set-dst-port url_port
  server there 0.0.0.0:0
""")
