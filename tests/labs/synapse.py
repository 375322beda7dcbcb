"""A real Matrix homeserver on 127.0.0.1: Synapse from PyPI, as a process of its own with its own packages.

`python -m tests.labs.synapse` starts one in a folder of its own and tells how to use it; ctrl-c ends it.
Synapse is installed once into `$SYNAPSE_LAB_VENV`, or into the user's cache folder; with the word
`install` that is all it does.
"""

import base64
import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Json = dict[str, object]
Rates = Literal["relaxed", "default", "strict"]

VERSION = "1.163.2"
SERVER_NAME = "lab.test"
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 20.0
INSTALL_TIMEOUT_S = 900.0

_MARK = "synapse-lab-installed"
_POLL_S = 0.05
_UNUSED = {
    "send_federation": False,
    "presence": {"enabled": False},
    "stats": {"enabled": False},
    "enable_search": False,
    "gc_thresholds": [50_000, 20, 20],
}
"""What nobody here uses but Synapse does for each event, and looking for garbage: a sixth of its time."""
_FREE = {"per_second": 100_000, "burst_count": 100_000}
_LIMITS = (
    "rc_message", "rc_registration", "rc_registration_token_validity", "rc_admin_redaction",
    "rc_joins_per_room", "rc_key_requests", "rc_third_party_invite", "rc_media_create", "rc_room_creation",
    "rc_reports", "rc_user_directory", "rc_profile", "rc_delayed_event_mgmt",
)  # fmt: skip


class LabError(Exception):
    """The lab cannot do what a test needs; a test without its server fails, it is never skipped."""


@dataclass(frozen=True, slots=True)
class Login:
    """An account with a device that is logged in."""

    user_id: str
    password: str
    access_token: str = field(repr=False)
    device_id: str


class Synapse:
    """One homeserver; its data stay in `folder` over stops and starts, its port too.

    Args:
        rates: relaxed has no limit that tests reach; default are Synapse's own, 0.2 messages a second and
            bursts of 10 for each account; strict are 2 messages a second and bursts of 5.
        token_lifetime: such as "8s"; then tokens expire with a soft logout.
    """

    def __init__(self, folder: Path, *, rates: Rates = "relaxed", token_lifetime: str = "") -> None:
        self.folder = folder.resolve()
        self.rates, self.token_lifetime = rates, token_lifetime
        self.port = free_port()
        self._secret = secrets.token_hex(24)
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: Login | None = None

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def server_name(self) -> str:
        """The part of user ids behind the colon."""
        return SERVER_NAME

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and return when it answers.

        Raises:
            LabError: it cannot be installed or does not start, with the end of its log.
        """
        if self.is_running:
            return
        python = installed()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_files()
        command = [str(python), "-m", "synapse.app.homeserver", "-c", str(self.folder / "homeserver.yaml")]
        with (self.folder / "console.log").open("ab") as console:
            self._process = subprocess.Popen(
                command, cwd=self.folder, env=_clean_environment(), stdin=subprocess.DEVNULL,
                stdout=console, stderr=console, start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if not self.is_running or time.monotonic() > end:
                self.stop(kill=True)
                raise LabError(f"Synapse did not start:\n{_tail(self.folder / 'console.log', 30)}")
            time.sleep(_POLL_S)

    def stop(self, *, kill: bool = False) -> None:
        """End the process this object started, politely or with SIGKILL; stopping twice is no harm."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def register(self, name: str, *, admin: bool = False) -> Login:
        """Make an account.

        Raises:
            LabError: there is one of this name.
        """
        path, password = "/_synapse/admin/v1/register", f"password of {name}"
        nonce = str(self._ok("GET", path)["nonce"])
        parts = (nonce, name, password, "admin" if admin else "notadmin")
        mac = hmac.new(self._secret.encode(), b"\0".join(p.encode() for p in parts), hashlib.sha1).hexdigest()
        body = {"nonce": nonce, "username": name, "password": password, "admin": admin, "mac": mac}
        made = self._ok("POST", path, body)
        return Login(str(made["user_id"]), password, str(made["access_token"]), str(made["device_id"]))

    def limit(self, user_id: str, messages_per_second: int, burst: int) -> None:
        """Give one account a rate limit of its own; 0, 0 is none at all."""
        body: Json = {"messages_per_second": messages_per_second, "burst_count": burst}
        self.administer("POST", f"/_synapse/admin/v1/users/{user_id}/override_ratelimit", body)

    def administer(self, method: str, path: str, body: Json | None = None) -> Json:
        """Call the admin API.

        Raises:
            LabError: it refuses.
        """
        if self._admin is None:
            self._admin = self.register(f"admin-{secrets.token_hex(4)}", admin=True)
        return self._ok(method, path, body, token=self._admin.access_token)

    def _answers(self) -> bool:
        try:
            return call("GET", f"{self.url}/_matrix/client/versions", timeout_s=2)[0] == 200
        except OSError:
            return False

    def _ok(self, method: str, path: str, body: Json | None = None, token: str = "") -> Json:
        status, answer = call(method, f"{self.url}{path}", body, token=token)
        if status != 200:
            raise LabError(f"{method} {path}: {status} {answer}")
        return answer

    def _write_files(self) -> None:
        """Its configuration (JSON is YAML), and a signing key: to make one itself takes Synapse seconds."""
        key = self.folder / "signing.key"
        if not key.exists():
            seed = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
            key.write_text(f"ed25519 a_lab {seed}\n")
        (self.folder / "homeserver.yaml").write_text(json.dumps(self._configuration(), indent=1))
        (self.folder / "log.yaml").write_text(json.dumps(self._logging(), indent=1))

    def _configuration(self) -> Json:
        listener = {
            "port": self.port, "type": "http", "tls": False, "x_forwarded": False,
            "bind_addresses": ["127.0.0.1"],
            "resources": [{"names": ["client", "media"], "compress": False}],
        }  # fmt: skip
        configuration: Json = {
            "server_name": SERVER_NAME,
            "public_baseurl": f"{self.url}/",
            "pid_file": str(self.folder / "homeserver.pid"),
            "listeners": [listener],
            "federation_domain_whitelist": [],
            "trusted_key_servers": [],
            "suppress_key_server_warning": True,
            "url_preview_enabled": False,
            "report_stats": False,
            "database": {"name": "sqlite3", "args": {"database": str(self.folder / "homeserver.db")}},
            "media_store_path": str(self.folder / "media"),
            "signing_key_path": str(self.folder / "signing.key"),
            "log_config": str(self.folder / "log.yaml"),
            "registration_shared_secret": self._secret,
            "macaroon_secret_key": hashlib.sha256(f"macaroon {self._secret}".encode()).hexdigest(),
            "form_secret": hashlib.sha256(f"form {self._secret}".encode()).hexdigest(),
            "enable_registration": False,
            "bcrypt_rounds": 4,
            "push": {"enabled": False},
            "max_upload_size": "20M",
            **_UNUSED,
            **_rate_limits(self.rates),
        }
        if self.token_lifetime:
            configuration["nonrefreshable_access_token_lifetime"] = self.token_lifetime
            configuration["refreshable_access_token_lifetime"] = self.token_lifetime
            configuration["refresh_token_lifetime"] = "24h"
        return configuration

    def _logging(self) -> Json:
        handler = {"class": "logging.FileHandler", "filename": str(self.folder / "homeserver.log")}
        return {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"file": handler},
            "root": {"level": "WARNING", "handlers": ["file"]},
        }


@contextlib.contextmanager
def running(folder: Path, *, rates: Rates = "relaxed", token_lifetime: str = "") -> Iterator[Synapse]:
    """A homeserver for as long as the context lasts."""
    server = Synapse(folder, rates=rates, token_lifetime=token_lifetime)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def call(
    method: str, url: str, body: Json | None = None, *, token: str = "", timeout_s: float = 30.0
) -> tuple[int, Json]:
    """One HTTP request that never goes through a proxy; status and JSON."""
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), method=method)
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            return answer.status, json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {"error": error.read()[:500].decode(errors="replace")}


def installed() -> Path:
    """The python of an environment with Synapse; made if it is missing, broken or of another version.

    Raises:
        LabError: pip failed, with its last words.
    """
    where = environment_folder()
    python, mark = where / "bin" / "python", where / _MARK
    with _locked(where.parent / f".{where.name}.lock"):
        if mark.is_file() and mark.read_text().strip() == VERSION and python.exists():
            return python
        sys.stderr.write(f"Installing Synapse {VERSION} for tests into {where}, once ...\n")
        shutil.rmtree(where, ignore_errors=True)
        venv.EnvBuilder(with_pip=True, symlinks=True).create(where)
        command = [
            str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            "--only-binary=cryptography,matrix-synapse,pillow,pydantic-core", f"matrix-synapse=={VERSION}",
        ]  # fmt: skip
        done = subprocess.run(
            command, check=False, env=_clean_environment(), timeout=INSTALL_TIMEOUT_S,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        if done.returncode:
            raise LabError(
                f"Synapse cannot be installed, and the tests of Matrix need it:\n{done.stdout[-3000:]}"
            )
        mark.write_text(f"{VERSION}\n")
    return python


def environment_folder() -> Path:
    """Where Synapse and its packages live."""
    chosen = os.environ.get("SYNAPSE_LAB_VENV")
    if chosen:
        return Path(chosen).resolve()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return (cache / "synapse-lab" / f"venv-{VERSION}").resolve()


def free_port() -> int:
    """A port of the loopback address that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _rate_limits(rates: Rates) -> Mapping[str, object]:
    if rates == "default":
        return {}
    limits: Json = dict.fromkeys(_LIMITS, _FREE)
    limits["rc_login"] = dict.fromkeys(("address", "account", "failed_attempts"), _FREE)
    limits["rc_joins"] = dict.fromkeys(("local", "remote"), _FREE)
    limits["rc_invites"] = dict.fromkeys(("per_room", "per_user", "per_issuer"), _FREE)
    limits["rc_presence"] = {"per_user": _FREE}
    if rates == "strict":
        limits["rc_message"] = {"per_second": 2, "burst_count": 5}
    return limits


def _clean_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Two callers never install at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _tail(path: Path, lines: int) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def main() -> None:
    """Serve until ctrl-c, after telling where, and an account to begin with; with "install" only install."""
    if sys.argv[1:] == ["install"]:
        installed()
        return
    with tempfile.TemporaryDirectory(prefix="synapse-lab-") as folder, running(Path(folder)) as server:
        anna = server.register("anna", admin=True)
        sys.stdout.write(f"{server.url}  {anna.user_id}  {anna.password!r}  (ctrl-c ends it)\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    main()
